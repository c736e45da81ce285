"""Files that stray into a site: leftovers of editors and systems, which stay out; secrets and the histories of
repositories, which are refused. Both ssg and imagebake judge by what stands here, and by names alone where they can.

A name is read as a careless file system or eye reads it: without case, without trailing dots and blanks, look-alike
letters as what they look like; a backup copy of a secret is a secret. The first part of a path that strays decides for
all that lies in it. `[build] keep` in site.toml names what is meant to be read after all.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from typing import Final

from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem, raise_all
from sealpress.tree import keys

WELL_KNOWN: Final = ".well-known"
"""The one hidden folder that is made for readers (RFC 8615)."""


class StrayKind(Enum):
    LEFTOVER = auto()  # stays out
    SECRET = auto()  # refused
    JUDGED = auto()  # mostly a key or a token, but not always: what is in it decides
    HISTORY = auto()  # refused, and can't be kept


@frozen
class Stray:
    """`path` of the file; of a folder with all that is in it, with "/" behind."""

    path: str
    kind: StrayKind


@frozen
class Sifted:
    """`kept` are the paths that belong to the site, in their order; `left_out` the leftovers, folders as one.

    `strayed` are all paths of these.
    """

    kept: list[str]
    left_out: tuple[str, ...] = ()
    strayed: tuple[str, ...] = ()


_HISTORIES: Final = frozenset(
    {".git", ".hg", ".svn", ".bzr", ".jj", ".pijul", "_darcs", "_fossil_", ".fslckout", "git~1"}
)
_CVS: Final = frozenset({"entries", "root", "repository"})

_SECRET_FOLDERS: Final = frozenset({".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".password-store"})
_SECRET_NAMES: Final = frozenset(
    {
        *("boto", "dockercfg", "git-credentials", "htdigest", "htpasswd", "my.cnf", "mylogin.cnf", "netrc", "pgpass"),
        *("s3cfg", "secring.gpg", "sftp-config.json", "vault-token"),
    }
)
_SECRET_ENDINGS: Final = (
    *(".agekey", ".bks", ".env", ".jks", ".kdb", ".kdbx", ".keychain", ".keychain-db", ".keystore", ".keytab"),
    *(".p12", ".pfx", ".pkcs12", ".ppk", ".tfstate"),
)
_JUDGED_ENDINGS: Final = (".pem", ".key", ".pk8", ".p8")
_WITH_TOKENS: Final = frozenset({"npmrc", "pypirc", "yarnrc", "yarnrc.yml"})
_SSH_KEY: Final = re.compile(r"id_(rsa|dsa|ecdsa|ed25519|xmss)(_sk)?([_-][^.]*)?|ssh_host_[a-z0-9]+_key")
_WORDPRESS: Final = re.compile(
    r"wp-config(?!-sample)(?!.*\.(?:html?|png|jpe?g|gif|webp|avif|svg)$)(.*\.php.*|\.(txt|inc))?"
)

_SYSTEM: Final = frozenset(
    {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "__macosx", "$recycle.bin", "lost+found"}
)
_LEFT_ENDINGS: Final = (
    *("~", ".bak", ".backup", ".bkp", ".crdownload", ".old", ".orig", ".part", ".rej", ".save"),
    *(".swm", ".swn", ".swo", ".swp", ".temp", ".tmp"),
)
_COPY_WORDS: Final = (
    *("bak", "backup", "bkp", "copy", "dist", "old", "orig"),
    *("part", "prev", "rej", "save", "saved", "temp", "tmp"),
)
_COPIES: Final = (
    re.compile(r"#(?P<of>.+)#"),  # Emacs, saved by itself
    re.compile(r"\.#(?P<of>.+)"),  # its lock
    re.compile(r"\._(?P<of>.+)"),  # macOS, what its own file system holds beside the content
    re.compile(r"~\$(?P<of>.+)"),  # an office suite's lock
    re.compile(r"(?P<of>.+)\.sw[a-z]"),  # vim
    re.compile(r"(?P<of>.+)\.un~"),
    re.compile(r"(?P<of>.+)\.~[0-9]+~"),
    re.compile(r"(?P<of>.+)~[0-9]*"),
    re.compile(r"(?P<of>.+)\.(" + "|".join(_COPY_WORDS) + r")[0-9]?"),
    re.compile(r"(?P<of>.+)\.[0-9]{1,14}"),
)
_DEPTH: Final = 4  # copies of copies

_NUMBER: Final = re.compile(r"(?:[0-9]|\.[0-9]{1,2})$")  # of a copy
_DIGITS: Final = "0123456789"
_INVISIBLE: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")
# Letters that a reader takes for others, as far as the names above have them. Source: Unicode UTS 39, confusables.
_TWINS: Final = str.maketrans(
    "аеорсухіѕјһԁԛԝктмвнгпьѵӏαεικνορτυχηγϲıɡɩʟꜱɢɴɪᴛᴇᴠʀᴀᴅᴋᴍᴏᴘꜰʏʜʙᴄհոսօց。∙ꓸ‐‑‒–—",
    "aeopcyxisjhdqwktmbhrnbvlaeikvoptuxnycigilsgnitevradkmopfyhbchnuog...-----",
)


def sift(root: Path, paths: Iterable[str], keep: Sequence[str] = (), code: Exit = Exit.TREE) -> Sifted:
    """Tells which of the files below `root` belong to a site, and which strayed into it.

    Raises Problem or Problems (`code`) for secrets and histories. Files are read only where a name leaves a doubt.
    """
    found = list(paths)
    if not may_stray(found):
        return Sifted(found)
    repositories = bare_repositories(found)
    kept: list[str] = []
    strayed: list[str] = []
    left: dict[str, None] = {}
    refused: dict[str, Problem] = {}
    for path in found:
        stray = stray_at(path, keep) or _in_repository(path, repositories, keep)
        if stray and stray.kind is StrayKind.JUDGED:
            if held := _held(root / path, path):
                refused[path] = refusal(stray, code, held)
            is_left = _is_leftover(path.rpartition("/")[2], is_folder=False)
            stray = Stray(path, StrayKind.LEFTOVER) if is_left else None
        if stray is None:
            kept.append(path)
        elif stray.kind is StrayKind.LEFTOVER:
            left[stray.path] = None
            strayed.append(path)
        elif stray.path not in refused:
            refused[stray.path] = refusal(stray, code)
    raise_all([refused[path] for path in sorted(refused, key=str.encode)])
    return Sifted(kept, tuple(left), tuple(strayed))


def stray_at(path: str, keep: Sequence[str] = ()) -> Stray | None:
    """The first part of a path that makes it a stray; None for what belongs to a site."""
    parts = path.split("/")
    kept = _is_kept(path, keep)
    last = len(parts) - 1
    for number, name in enumerate(parts):
        kind = kind_of(name, is_folder=number < last)
        if number < last and name == "CVS" and fold(parts[number + 1]) in _CVS:
            kind = StrayKind.HISTORY
        if kind and (not kept or kind is StrayKind.HISTORY):
            at = "/".join(parts[: number + 1])
            return Stray(at + "/" if number < last else at, kind)
    return None


def is_needed(folder: str, keep: Sequence[str]) -> bool:
    """Whether something below a folder that strays may be kept."""
    name = folder.rstrip("/").rpartition("/")[2]
    return any(name in entry.split("/") for entry in keep)


def is_ordinary(name: str) -> bool:
    """A quick look at one part of a path: it is no stray, whatever stands around it."""
    return _ORDINARY.fullmatch(name) is not None


@lru_cache(1 << 12)
def kind_of(name: str, *, is_folder: bool) -> StrayKind | None:
    """What one part of a path says of all that it stands for."""
    if is_ordinary(name):
        return None
    plain = fold(name)
    if plain in _HISTORIES:
        return StrayKind.HISTORY
    originals = [plain, *_originals(plain)]
    if any(_is_secret(one, is_folder=is_folder) for one in originals):
        return StrayKind.SECRET
    if not is_folder and any(one.endswith(_JUDGED_ENDINGS) or one.lstrip(".") in _WITH_TOKENS for one in originals):
        return StrayKind.JUDGED
    return StrayKind.LEFTOVER if _is_leftover(name, is_folder=is_folder) else None


def fold(name: str) -> str:
    """A name as a careless reader or file system takes it: `.GIT`, `.git.`, and `.git` with a Cyrillic letter are one.

    Sources: what git refuses as `.git` (core.protectHFS, core.protectNTFS); Unicode UTS 39.
    """
    plain = name
    if not name.isascii():
        visible = (char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
        plain = _INVISIBLE.sub("", "".join(visible)).casefold().translate(_TWINS)
    plain = plain.lower()
    plain = plain.partition(":")[0] or plain  # a stream of NTFS
    return plain.strip().rstrip(". ") or plain


def bare_repositories(paths: Collection[str]) -> frozenset[str]:
    """Folders that git takes for a repository: HEAD, objects/ and refs/ side by side. "" is the root."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        parts = path.lower().split("/")
        for number, name in enumerate(parts):
            is_last = number == len(parts) - 1
            if (name == "head" and is_last) or (name in {"objects", "refs"} and not is_last):
                folders.setdefault("/".join(path.split("/")[:number]), set()).add(name)
            elif name in {"packed-refs", "config"} and is_last:
                folders.setdefault("/".join(path.split("/")[:number]), set()).add("refs")
    return frozenset(folder for folder, names in folders.items() if {"head", "objects", "refs"} <= names)


def wrong_keep(entry: str) -> str | None:
    """What is wrong with an entry of `[build] keep`, or None."""
    parts = entry.split("/")
    if {"", ".", ".."} & {*parts}:
        return f'has "{entry}": write a name such as ".nojekyll", or the last parts of a path: "keys/example.pem"'
    if any(fold(part) in _HISTORIES for part in parts):
        return f'has "{entry}": the history of a repository is never published'
    if any(part.startswith(".wh.") for part in parts):
        return f'has "{entry}": in the layer of an image, such a name deletes a file'
    if "*" in entry:
        return f'has "{entry}", and there are no wildcards: write each name'
    return None


def told(left_out: Sequence[str]) -> str:
    """The one line about leftovers that stayed out."""
    shown = ", ".join(left_out[:3]) + (", …" if len(left_out) > 3 else "")
    what = "hidden or left-over file" + ("s" if len(left_out) > 1 else "")
    example = left_out[0].rstrip("/").rpartition("/")[2]
    return f'left out: {len(left_out)} {what} ({shown}); to publish one: keep = ["{example}"] under [build]'


def refusal(stray: Stray, code: Exit = Exit.TREE, held: str = "") -> Problem:
    """What is said of a secret or a history. `held`: what was found in the file."""
    place = Place(stray.path.rstrip("/"))
    if stray.kind is StrayKind.HISTORY:
        return Problem(
            f'"{stray.path}" is the history of a repository: readers could fetch all that was ever committed',
            place=place,
            hint="move it out of the site"
            if code is Exit.SITE
            else "name the folder that your generator writes, not the one that it works in; or move this out of it",
            code=code,
        )
    why = f"holds {held}" if held else "is, by its name, where programs keep passwords or keys"
    return Problem(
        f'"{stray.path}" {why}, and would be published',
        place=place,
        hint="take it out of the site, and renew what it holds if others may have seen it;"
        f' if it is meant for all: keep = ["{place.file.rpartition("/")[2]}"] under [build]',
        code=code,
    )


def check_content(root: Path, path: str, media_type: str, keep: Sequence[str] = (), code: Exit = Exit.TREE) -> None:
    """Raises Problem (`code`) for a file that holds a private key, unless it is to be kept. It is read in lines."""
    if not _is_kept(path, keep):
        with files.opened(root / path) as file:
            held = keys.key_in(file, media_type)
        if held:
            raise refusal(Stray(path, StrayKind.SECRET), code, held)


def _held(file: Path, path: str) -> str:
    """What a file holds whose name speaks against it. What is no plain file, or can't be read, is refused elsewhere."""
    try:
        with files.opened(file) as opened:
            return keys.secret_by_name(opened, fold(path.rpartition("/")[2]))
    except OSError:
        return ""


def _is_kept(path: str, keep: Sequence[str]) -> bool:
    parts = path.split("/")
    return any(_holds(parts, entry) for entry in keep)


def _holds(parts: Sequence[str], entry: str) -> bool:
    """Whether the parts of an entry stand in a path, one behind the other."""
    wanted = entry.split("/")
    return any(list(parts[at : at + len(wanted)]) == wanted for at in range(len(parts) - len(wanted) + 1))


def _in_repository(path: str, repositories: frozenset[str], keep: Sequence[str]) -> Stray | None:
    for folder in repositories:
        start = f"{folder}/" if folder else ""
        if path.startswith(start) and not _is_kept(folder, keep):
            return Stray(start or "HEAD", StrayKind.HISTORY)
    return None


def _originals(plain: str) -> list[str]:
    """What a name may be a copy of."""
    found: list[str] = []
    names = [plain]
    for _ in range(_DEPTH):
        names = [match["of"] for name in names for one in _COPIES if (match := one.fullmatch(name))]
        found += names
    return found


def _is_secret(plain: str, *, is_folder: bool) -> bool:
    bare = plain.lstrip("._#~$")
    if plain.startswith(".env") or plain in _SECRET_FOLDERS:
        return True
    if is_folder:
        return False
    return (
        bare in _SECRET_NAMES
        or plain.endswith(_SECRET_ENDINGS)
        or bool(_SSH_KEY.fullmatch(bare) or _WORDPRESS.fullmatch(bare))
    )


def _is_leftover(name: str, *, is_folder: bool) -> bool:
    """Programs make copies of files; a folder `v1.old` or `book.part` is its author's, and has pages in it."""
    plain = fold(name)
    if plain.startswith("."):
        return name != WELL_KNOWN and not name.startswith(".wh.")  # which is refused (sealpress/tree/tree.py)
    is_copy = plain.endswith("~") if is_folder else _NUMBER.sub("", plain).endswith(_LEFT_ENDINGS)
    return is_copy or plain in _SYSTEM or plain.startswith("~$") or (plain.startswith("#") and plain.endswith("#"))


# Most names of a site: nothing that is told of above can be one of these.
_ORDINARY: Final = re.compile(
    rf"(?!wp-config|{'|'.join(map(re.escape, sorted(_SECRET_NAMES | _WITH_TOKENS)))})[a-z0-9][a-z0-9-]*"
    r"(?:\.(?:avif|css|html?|jpe?g|js|json|md|pdf|png|svg|txt|webp|woff2?|xml))?"
)

_NAMES: Final = _SECRET_NAMES | _WITH_TOKENS | _SYSTEM
_ENDINGS: Final = (*_SECRET_ENDINGS, *_JUDGED_ENDINGS, *_LEFT_ENDINGS)

# A path with a stray has one of these, or one of these words between its dots and slashes.
_HINTS: Final = (
    *("/.", "/_", "~", "#", "$", ":", "+", " \n", " /", "/ "),
    *("/cvs/", "/head\n", "wp-config", "/id_", "ssh_host_"),
)
_WORDS: Final = frozenset(
    {
        *(ending.lstrip(".") + digit for ending in _ENDINGS for digit in ("", *_DIGITS)),
        *(name.rpartition(".")[2] for name in _NAMES),
    }
)


def may_stray(paths: Sequence[str]) -> bool:
    """A quick look at all names at once, which sees each stray, and more: most sites have no name that is odd.

    Of 10,000 files it takes 6 ms; a look at each one takes four times as long, and more where names are odd.
    """
    text = ("\n/" + "\n/".join(paths) + "\n").lower()
    if not text.isascii() or any(hint in text for hint in _HINTS):
        return True
    return not _WORDS.isdisjoint(text.replace("/", ".").replace("\n", ".").split("."))
