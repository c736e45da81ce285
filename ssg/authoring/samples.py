"""The pages that a new blog begins with, by language. Each is a page's whole text; {date} is a post's day."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": """\
---
title: About
---
Who writes here, and about what.
""",
        "fr": """\
---
title: À propos
slug: a-propos
---
Qui écrit ici, et sur quoi.
""",
    }
)

FIRST_POST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": """\
---
title: First post
date: {date}
tags: [blog]
---
This is what lists and the feed show of a post: all that stands above the next line.

<!-- more -->

A link is the path of another page's source, and is checked: [about this blog](../about.md). Pictures lie beside the
page that shows them.

## What next

Write over these pages, add others below `content/`, commit, and `publish`.
""",
        "fr": """\
---
title: Premier billet
slug: premier-billet
date: {date}
tags: [blog]
---
Voici ce que les listes et le flux montrent d’un billet : tout ce qui précède la ligne suivante.

<!-- more -->

Un lien est le chemin de la source d’une autre page, et il est vérifié : [à propos de ce blog](../about.md).
Les images se placent à côté de la page qui les montre.

## La suite

Réécrivez ces pages, ajoutez-en d’autres sous `content/`, faites un commit, puis `publish`.
""",
    }
)
