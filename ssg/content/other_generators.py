"""What other generators call things that have another name here: keys of front matter, folders."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

_UPDATED: Final = "here it is called updated"
_TAGS: Final = "here these are tags: tags: [one, two]; site.toml declares other taxonomies: [taxonomies.NAME]"
_SERIES: Final = "posts are grouped by it where site.toml declares it: [taxonomies.series]"
_SLUG: Final = "the last part of a page's path is slug here; what comes before it is set by [permalinks] in site.toml"
_REDIRECTS: Final = 'old addresses are redirected in site.toml: [image.redirects] "/old/" = "/new/"'
_DRAFT: Final = "a page that is not to be published says draft: true; all others are published"
_AUTHOR: Final = "here it is called author, and is one text"
_LANGUAGE: Final = "a page's language is in its name: about.fr.md, or fr/about.md"
_TEMPLATE: Final = 'here it is called template, with the name of a file: template: "page.html"'
_FREE: Final = "keys of your own, for templates, stand below params"
_SUMMARY: Final = "here it is called summary; or put <!-- more --> where the summary ends"

KEYS: Final = MappingProxyType(
    dict.fromkeys(("lastmod", "modified", "last_modified_at", "last_modified", "lastupdated", "updatedate"), _UPDATED)
    | dict.fromkeys(("category", "categories", "keywords", "taxonomies"), _TAGS)
    | dict.fromkeys(("permalink", "url", "save_as", "path"), _SLUG)
    | dict.fromkeys(("aliases", "alias", "redirect_from", "redirect_to"), _REDIRECTS)
    | dict.fromkeys(("published", "publish", "status", "hidden", "headless"), _DRAFT)
    | dict.fromkeys(("authors", "creator", "by"), _AUTHOR)
    | dict.fromkeys(("lang", "language", "locale"), _LANGUAGE)
    | dict.fromkeys(("layout", "type"), _TEMPLATE)
    | dict.fromkeys(("series",), _SERIES)
    | dict.fromkeys(("excerpt", "abstract", "lead"), _SUMMARY)
    | dict.fromkeys(("weight", "nav_order", "position", "sort", "menu_order"), "here it is called order")
    | dict.fromkeys(("translationkey", "translation_key", "ref"), "here it is called key")
    | dict.fromkeys(("publishdate", "pubdate", "published_at", "created", "created_at"), "here it is called date")
    | dict.fromkeys(("menu", "menus"), "menus stand in site.toml: [[menus.main]], with title and url")
    | dict.fromkeys(
        (
            "image",
            "images",
            "cover",
            "thumbnail",
            "featured_image",
            "subtitle",
            "linktitle",
            "math",
            "comments",
        ),
        _FREE,
    )
    | {
        "expirydate": "no page ends by itself: take it out when its time has come",
        "summarylength": _SUMMARY,
        "table_of_contents": "here it is called toc",
        "showtoc": "here it is called toc",
    }
)
"""How a key of Hugo, Jekyll, Pelican, Zola or Eleventy is said here, by its name in small letters."""

_MOVE: Final = "posts are in {posts}: git mv {files} {posts}"

FOLDERS: Final = MappingProxyType(
    {
        "post": _MOVE,
        "_posts": _MOVE,
        "_drafts": "a draft is a post in {posts} with draft: true in its front matter",
    }
)
"""What is to be done about a folder of posts of Hugo, Zola or Jekyll, right below the content folder."""

ELSEWHERE: Final = MappingProxyType(
    {
        "layouts": ("templates", "Hugo"),
        "_layouts": ("templates", "Jekyll"),
        "_includes": ("templates", "Jekyll"),
        "_data": ("data", "Jekyll"),
        "_sass": ("static", "Jekyll"),
        "locales": ("i18n", "another generator"),
        "translations": ("i18n", "another generator"),
        "l10n": ("i18n", "another generator"),
    }
)
"""Folders right beside site.toml that no build reads: what is in them, by its folder here, and who has it there."""


def home_of_pages(root: Path, content: str) -> str:
    """What to do about a site whose pages lie where Jekyll or Pelican has them; "" where none of these is there."""
    if (root / "_posts").is_dir():
        return f"Jekyll's posts are in _posts: git mv _posts {content}/posts"
    return ""
