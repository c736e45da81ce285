"""Licences: a package's copyright file as an SPDX expression, where it is machine-readable.

    License: GPL-2+ or Artistic     GPL-2.0-or-later OR Artistic-1.0-Perl
    License: BSD-like               LicenseRef-zlib1g-BSD-like: a name that only this file explains
    plain prose                     "", which a document calls NOASSERTION

A file of many parts with many licences is under all of them: the expressions are joined by AND. Names are never
guessed from texts.

Sources: Debian, "Machine-readable debian/copyright file", version 1.0; SPDX 2.3, annex D (expressions) and annex A
(the licence list).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final

from imagebake.packages.control import Fields, paragraphs
from sealpress.frozen import frozen
from sealpress.problems import Problem

_LIMIT: Final = 4 << 20


@frozen
class Licence:
    """`expression`: of SPDX; "" where nothing is asserted. `references`: what the file calls each LicenseRef in it."""

    expression: str = ""
    references: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read(text: str, package: str) -> Licence:
    """The licence of a package by its copyright file; nothing is asserted for one that is not machine-readable."""
    try:
        found = paragraphs(text) if len(text) <= _LIMIT and text.lstrip().startswith("Format:") else []
    except Problem:
        found = []
    names = dict.fromkeys(name for fields in found if "Files" in fields for name in _named(fields))
    references: dict[str, str] = {}
    expressions = [_expression(name, package, references) for name in names]
    if not expressions or "" in expressions:
        return Licence()
    # What stands in more than one of them is said once.
    parts = dict.fromkeys(part for one in expressions for part in ([one] if " OR " in one else one.split(" AND ")))
    return Licence(_all(list(parts)), MappingProxyType(dict(sorted(references.items()))))


def _all(expressions: list[str]) -> str:
    if len(expressions) == 1:
        return expressions[0]
    return " AND ".join(f"({one})" if " OR " in one else one for one in expressions)


def known(name: str) -> str:
    """The SPDX id of a licence's short name; "" for one that isn't known."""
    return _known(" ".join(name.split()))


def plain(expression: str) -> str:
    """An SPDX expression as somebody else wrote it; "" for what is none, or refers to a text that is not here."""
    one = r"\(*[A-Za-z0-9.+-]+\)*"
    is_whole = re.fullmatch(rf"{one}( (AND|OR|WITH) {one})*", expression) and _is_balanced(expression)
    return expression if is_whole and "Ref-" not in expression else ""


def _is_balanced(text: str) -> bool:
    depth = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth < 0:
            return False
    return depth == 0


def _named(fields: Fields) -> Iterator[str]:
    """The short name: the first line of the field; a text may follow."""
    name = " ".join(fields.get("License", "").split("\n", 1)[0].split())
    yield name


def _expression(text: str, package: str, references: dict[str, str]) -> str:
    """`A or B, and C` is `(A OR B) AND C`: a comma ends what stands before it."""
    *before, last = re.split(r",\s*(?=(?:and|or)\s)", text)
    whole = ""
    for number, piece in enumerate([*before, last]):
        joint, _, rest = piece.partition(" ") if number else ("", "", piece)
        one = _joined(rest, package, references)
        if not one:
            return ""
        if not whole:
            whole = one
        elif joint == "or":
            whole = f"{whole} OR {one}"
        else:
            whole = _all([whole, one])
    return whole


def _joined(text: str, package: str, references: dict[str, str]) -> str:
    """`and` binds closer than `or`, as it does in SPDX."""
    choices = []
    for choice in re.split(r"\s+or\s+", text.strip()):
        needed = [_simple(name, package, references) for name in re.split(r"\s+and\s+|\s*,\s*", choice)]
        if not all(needed):
            return ""
        choices.append(" AND ".join(needed))
    return " OR ".join(choices)


def _simple(name: str, package: str, references: dict[str, str]) -> str:
    licence, has_exception, exception = name.strip().partition(" with ")
    known = _known(licence)
    if not has_exception and known:
        return known
    word = re.sub(r"\s+exception$", "", exception.strip(), flags=re.IGNORECASE).lower()
    if known and word in _EXCEPTIONS:
        return f"{known} WITH {_EXCEPTIONS[word]}"
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name.replace("+", " or later ")).strip("-.")
    if not slug or {"and", "or"} & {*name.split()}:
        return ""
    reference = f"LicenseRef-{re.sub(r'[^a-z0-9.-]', '-', package)}-{slug}"
    references[reference] = name.strip()
    return reference


def _known(name: str) -> str:
    if found := _NAMES.get(name.lower()):
        return found
    versioned = re.fullmatch(
        r"(?P<name>[al]?gpl|gfdl)(?:-|v|-v)(?P<version>[123](?:\.[0123])?)(?P<later>\+?)", name.lower()
    )
    if not versioned:
        return ""
    version = versioned["version"] if "." in versioned["version"] else f"{versioned['version']}.0"
    number = f"{versioned['name'].upper()}-{version}"
    return f"{number}-{'or-later' if versioned['later'] else 'only'}" if number in _GNU else ""


_GNU: Final = frozenset(
    """AGPL-3.0 GFDL-1.1 GFDL-1.2 GFDL-1.3 GPL-1.0 GPL-2.0 GPL-3.0 LGPL-2.0 LGPL-2.1 LGPL-3.0""".split()  # noqa: SIM905
)

# Short names that stand for one licence of SPDX's list, by the specification's own table or because both lists call it
# so. Names like "BSD" or "public-domain" stand for many texts, and are left to the file.
_SAME: Final = """0BSD AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 Artistic-2.0 Beerware BSD-1-Clause BSD-2-Clause
    BSD-3-Clause BSD-4-Clause BSD-4-Clause-UC BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0
    CC0-1.0 CDDL-1.0 curl EPL-1.0 EPL-2.0 FSFAP FSFUL FSFULLR FTL HPND IJG Info-ZIP ISC Libpng MIT MIT-0 MIT-CMU
    MPL-1.1 MPL-2.0 NCSA NTP OFL-1.1 OpenSSL PSF-2.0 Python-2.0 RSA-MD Ruby Sleepycat Unicode-3.0
    Unicode-DFS-2015 Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zlib ZPL-2.1""".split()  # noqa: SIM905
_OTHERWISE: Final = {
    "apache": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0-Perl",
    "bsd-2-clauses": "BSD-2-Clause",
    "bsd-3-clauses": "BSD-3-Clause",
    "bzip2": "bzip2-1.0.6",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "mpl-2": "MPL-2.0",
    "psf-2": "PSF-2.0",
    "unicode": "Unicode-DFS-2016",
}
_NAMES: Final = MappingProxyType({name.lower(): name for name in _SAME} | _OTHERWISE)

_EXCEPTIONS: Final = MappingProxyType(
    {
        "autoconf": "Autoconf-exception-2.0",
        "bison": "Bison-exception-2.2",
        "classpath": "Classpath-exception-2.0",
        "font": "Font-exception-2.0",
        "gcc": "GCC-exception-3.1",
        "libtool": "Libtool-exception",
        "llvm": "LLVM-exception",
    }
)
