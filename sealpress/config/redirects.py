"""Redirects as people write them: the lines of `_redirects` at a tree's root, and [image.redirects] in site.toml.

    FROM TO [STATUS]    301 where no status stands; 302, 307 and 308 are the others
    FROM - 410          gone for good; the "-" may be left out
    # …                 a comment, on a line of its own or behind a rule

FROM is one path of the site, compared as a whole: there are no wildcards. Only what a line says is checked here;
whether it fits the tree is the business of whoever seals that (imagebake).
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from sealpress.config.document import Node
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem, raise_all
from sealpress.tree.tree import REDIRECTS

MOVED: Final = (301, 302, 307, 308)
GONE: Final = 410

_LIMIT: Final = 2048  # bytes of a path: far more than any address that was ever in use
_STATUSES: Final = "301, 302, 307 or 308; 410 for what is gone"
_LINE: Final = 'a line is FROM TO [STATUS], or FROM 410: "/old/ /new/ 302"'

# RFC 3986: reserved and unreserved characters, and "%" of escapes that stand there already.
_PLAIN: Final = "%:/?#[]@!$&'()*+,;=-._~"


@frozen
class Redirect:
    """One rule. `path` is decoded, as a server compares it; `to` is a URL or a path in ASCII, "" for what is gone.

    `place` is where FROM stands, `target` where TO does.
    """

    path: str
    to: str
    status: int
    place: Place
    target: Place

    @property
    def inner(self) -> str | None:
        """The path that `to` names on the site itself, decoded; None where it leads elsewhere or is gone."""
        if not self.to.startswith("/"):
            return None
        return unquote_to_bytes(re.split(r"[?#]", self.to, maxsplit=1)[0]).decode("utf-8", "replace")


@frozen
class _Word:
    text: str
    place: Place

    def problem(self, message: str, hint: str, code: Exit) -> Problem:
        return Problem(message, place=self.place, hint=hint, code=code)


def parse(text: str, file: str = REDIRECTS, code: Exit = Exit.TREE) -> tuple[Redirect, ...]:
    """The rules of a list, in its order. Raises Problem or Problems with `code`, each at its place."""
    found: list[Redirect] = []
    problems: list[Problem] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        try:
            if words := _words(line, Place(file, number, 1, line), code):
                found.append(_rule(words, code))
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    return tuple(found)


def of_table(table: Mapping[str, str], node: Node | None) -> tuple[Redirect, ...]:
    """The rules of [image.redirects]: FROM is a key, and the rest of the line its value ("/new/", "/new/ 302", "410").

    `node` is that table as it was read, for places. Raises Problem or Problems (exit 3).
    """
    found: list[Redirect] = []
    problems: list[Problem] = []
    for path, rest in table.items():
        at = node.at(path) if node else None
        key, value = (at.key or at.place, at.place) if at else (Place("site.toml"), Place("site.toml"))
        try:
            words = [_seen(_Word(path, key), Exit.SITE)]
            words += [_seen(_Word(word, value), Exit.SITE) for word in re.findall(r"[^ \t]+", rest)]
            found.append(_rule(words, Exit.SITE))
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    return tuple(found)


def _words(line: str, place: Place, code: Exit) -> list[_Word]:
    words: list[_Word] = []
    for match in re.finditer(r"[^ \t]+", line):
        if match[0].startswith("#"):
            break
        at = Place(place.file, place.line, match.start() + 1, line, len(match[0]))
        words.append(_seen(_Word(match[0], at), code))
    return words


def _seen(word: _Word, code: Exit) -> _Word:
    """The word itself, if all of it can be seen. Blanks of other kinds and control characters can't."""
    for number, char in enumerate(word.text):
        if char.isprintable() and char != " ":
            continue
        place = word.place
        if place.column is not None and place.text is not None and place.text[place.column - 1 :].startswith(word.text):
            place = Place(place.file, place.line, place.column + number, place.text)
        raise Problem(
            f"{char!a} can't stand in an address",
            place=place,
            hint=f"take it out, or write it as {quote(char.encode('utf-8', 'replace'), safe='')}",
            code=code,
        )
    return word


def _rule(words: list[_Word], code: Exit) -> Redirect:
    start, rest = words[0], words[1:]
    path = _path(start, code)
    match [word.text for word in rest]:
        case []:
            raise start.problem(f'"{start.text}" leads nowhere', _LINE, code)
        case ["410"] | ["-", "410"]:
            return Redirect(path, "", GONE, start.place, rest[-1].place)
        case [only] if re.fullmatch(r"[0-9]{3}!?|-", only):
            raise rest[0].problem(f'"{start.text}" has no target', _LINE, code)
        case [_, "410"]:
            raise rest[0].problem("what is gone leads nowhere", f"write {start.text} 410", code)
        case ["-", *_]:
            raise rest[0].problem(f'"{start.text}" has no target', _LINE, code)
        case [_] | [_, _]:
            status = _status(rest[1], code) if rest[1:] else MOVED[0]
            return Redirect(path, _target(rest[0], code), status, start.place, rest[0].place)
    raise rest[2].problem(
        f'"{rest[2].text}" is one word too many', "conditions can't be set: a line is FROM TO [STATUS]", code
    )


def _status(word: _Word, code: Exit) -> int:
    if word.text in map(str, MOVED):
        return int(word.text)
    if word.text == "200":
        hint = f"a page can't be shown under another address; write {_STATUSES}"
    elif word.text.endswith("!"):
        hint = 'take the "!" out: a file of the tree always comes first'
    else:
        hint = f"write {_STATUSES}"
    raise word.problem(f'"{word.text}" is no status of a redirect', hint, code)


def _path(word: _Word, code: Exit) -> str:
    """FROM, decoded."""
    text = word.text
    if not text.startswith("/"):
        hint = "leave the host out" if "://" in text else f"write /{text}"
        raise word.problem(f'"{text}" is not a path of the site: it must begin with "/"', hint, code)
    if "?" in text or "#" in text:
        raise word.problem(
            f'"{text}" has more than a path', 'leave out what begins with "?" or "#": it is not compared', code
        )
    if "*" in text or re.search(r"/:[A-Za-z_]", text):
        raise word.problem(
            f'"{text}" has a wildcard, and there are none',
            "write one line for each path; a * that is meant is %2A, a : is %3A",
            code,
        )
    decoded = _decoded(word, code)
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in decoded):
        raise word.problem(f'"{text}" holds a control character', "take it out", code)
    if "//" in decoded or {".", ".."} & set(decoded.split("/")):
        raise word.problem(
            f'"{text}" is not a plain path', 'take out ".", ".." and "//": a server resolves them beforehand', code
        )
    # nginx is told these two with a backslash before them.
    if len(decoded.encode()) + decoded.count('"') + decoded.count("\\") > _LIMIT:
        raise word.problem(f"a path of more than {_LIMIT} bytes", "take the line out", code)
    return decoded


def _target(word: _Word, code: Exit) -> str:
    """TO, in ASCII."""
    text = word.text
    if re.search(r"/:[A-Za-z_]", text):
        raise word.problem(
            f'"{text}" has a placeholder, and there are none', "write one line for each path; a : is %3A", code
        )
    _decoded(word, code)
    # Likewise a `$`, which has no escape: it is written "${dollar}".
    if len(quote(text, safe=_PLAIN)) > _LIMIT or len(text) + 8 * text.count("$") > _LIMIT:
        raise word.problem(f"an address of more than {_LIMIT} bytes", "lead to a shorter one", code)
    if text.startswith("//"):
        raise word.problem(f'"{text}" names a host without a scheme', f"write https:{text}", code)
    if text.startswith("/"):
        if {".", ".."} & set(re.split(r"[?#]", text, maxsplit=1)[0].split("/")):
            raise word.problem(f'"{text}" is not a plain path', 'take out "." and ".."', code)
        return quote(text, safe=_PLAIN)
    if wrong := _wrong_url(text):
        raise word.problem(f'"{text}" {wrong}', 'write a path that begins with "/", or a whole https:// URL', code)
    return quote(text, safe=_PLAIN)


def _wrong_url(text: str) -> str | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return "is not a URL"
    if url.scheme not in {"http", "https"} or not url.hostname:
        return "is neither a path of the site nor a web address"
    if url.username is not None or port == 0 or "\\" in url.netloc:
        return "is not the address of a page"
    if not url.netloc.isascii():
        return "has a host that is not ASCII (write it in its xn-- form)"
    return None


def _decoded(word: _Word, code: Exit) -> str:
    if broken := re.search(r"%(?![0-9A-Fa-f]{2})", word.text):
        raise word.problem(
            f'"{word.text[broken.start() : broken.start() + 3]}" is no escape', "a % that is meant is %25", code
        )
    try:
        return unquote_to_bytes(word.text).decode()
    except UnicodeDecodeError:
        raise word.problem(
            f'"{word.text}" is not UTF-8 behind its escapes', "write the characters themselves", code
        ) from None
