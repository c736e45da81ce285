"""site.toml: read, decoded into Settings, checked. Every value keeps its place, for problems that show up later."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from sealpress import labels
from sealpress.config import (
    content_policy,
    edge,
    languages,
    other_generators,
    output_folder,
    permalinks,
    quantities,
    serving,
    ssh_options,
    taxonomies,
    tls,
    toml,
)
from sealpress.config.document import CheckedText, Node, decode, dotted, text_of
from sealpress.config.settings import LanguageSettings, Settings, homes
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean, raise_all
from sealpress.tree import strays

NAME: Final = "site.toml"

# Words of the publish command line: a target with such a name could not be called.
RESERVED_TARGETS: Final = frozenset(
    {
        "status",
        "rollback",
        "stop",
        "start",
        "prune",
        "verify",
        "hook",
        "push",
        "doctor",
        "preview",
        "help",
        "ledger",
        "log",
        "logs",
        "renew",
        "export",
        "share",
    }
)


@frozen
class SiteFile:
    """A decoded site.toml. `root` is its folder: every folder in it is relative to that. `name` is the file's there.

    `problems` are those of tables that pages are read without; these have their defaults.
    """

    root: Path
    settings: Settings
    document: Node
    name: str = NAME
    problems: tuple[Problem, ...] = ()

    def place(self, *path: str | int) -> Place:
        """Where a value stands, `place("site", "url")`; the nearest table that is there when it isn't."""
        for end in range(len(path), -1, -1):
            if node := self.document.at(*path[:end]):
                return node.place
        return self.document.place


def load(path: Path, shown: str | None = None, *, is_tolerant: bool = False) -> SiteFile:
    """Reads and checks a site file. `shown` is its name in messages, by default the path as given.

    Raises Problem or Problems (exit 3), each at its place; where it `is_tolerant`, only if pages can't be read without
    what is at fault.
    """
    try:
        data = given.read(path, given.SETTINGS, inside=True)
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise Problem(f"can't read {path}: {error.strerror}") from None
    name = shown or str(path)
    document = toml.parse(text_of(data, name), name)
    problems: list[Problem] = []
    settings = _decoded(document, problems)
    site = SiteFile(path.absolute().parent, settings, document, path.name)
    problems += _check(site)
    if not problems:
        return site
    if not is_tolerant or not _LESSER.issuperset(_table_of(document, one) for one in problems):
        raise_all(problems)
    return replace(site, settings=_settings(_without(document, problems)), problems=tuple(problems))


def open_site(given: Path | None = None, *, is_tolerant: bool = False) -> SiteFile:
    """The site that a command is about: the file that was `given`, else the nearest site.toml from here upwards.

    Raises Problem or Problems (exit 3), as `load` does.
    """
    path = given or find(Path.cwd()) or Path.cwd() / NAME
    path = path / NAME if path.is_dir() else path
    return load(path, shown=path.name, is_tolerant=is_tolerant)


_LESSER: Final = frozenset({"lists", "feeds", "menus", "images", "image", "publish", "hook", "params", "theme"})
"""The tables that a page's path and text don't hang on."""


def _decoded(document: Node, problems: list[Problem]) -> Settings:
    """The settings, without those of the lesser tables that can't be decoded: their `problems` are told with others."""
    try:
        return _settings(document)
    except Problem as problem:
        problems += problem.each
    if not _LESSER.issuperset(_table_of(document, one) for one in problems):
        raise_all(problems)
    return _settings(_without(document, problems))


def _without(document: Node, problems: Iterable[Problem]) -> Node:
    assert isinstance(document.value, Mapping)  # noqa: S101 - a TOML document is a table
    wrong = {_table_of(document, one) for one in problems}
    return replace(document, value={key: node for key, node in document.value.items() if key not in wrong})


def _table_of(document: Node, problem: Problem) -> str:
    """The outermost table that a problem lies in; "" where none can be told."""
    assert isinstance(document.value, Mapping)  # noqa: S101 - as above
    return next((key for key, node in document.value.items() if problem.place in _places(node)), "")


def _places(node: Node) -> Iterable[Place | None]:
    yield from (node.key, node.place)
    children = node.value.values() if isinstance(node.value, Mapping) else node.value
    for child in children if not isinstance(children, str) and isinstance(children, Iterable) else ():
        yield from _places(child)


def _missing(path: Path) -> Problem:
    if path.name != NAME:
        near = path.parent / NAME
        return Problem(
            f"there is no file {path}", hint=f"{near} is there" if near.is_file() else "correct the path after --site"
        )
    looks, hint = other_generators.found_in(path.parent)
    return Problem(
        f"there is no {NAME} in {path.parent}{looks}",
        hint=hint
        or f'run this in your blog\'s folder, or write a {NAME} with [site] title = "…" and url = "https://…/"',
    )


def find(folder: Path) -> Path | None:
    """The site.toml in `folder` or in the nearest folder above it."""
    for candidate in [folder, *folder.parents]:
        if os.path.lexists(candidate / NAME):  # whatever it is: `load` says so
            return candidate / NAME
    return None


def _settings(document: Node) -> Settings:
    """Decodes, then fills in what follows from other values: the default language, permalinks and menus by language."""
    _check_targets_are_named(document)
    settings = decode(document, Settings, NAME, meant=_MEANT)
    site = settings.site
    if not site.default_language:
        site = replace(site, default_language=site.languages[0] if site.languages else "")
    site = replace(site, url=site.url.rstrip("/") + "/")
    each = {
        tag: languages.merged(document, settings, tag, settings.language.get(tag, LanguageSettings()))
        for tag in [*site.languages, *(tag for tag in settings.language if tag not in site.languages)]
    }
    declared = taxonomies.of_language(settings.permalinks, settings.taxonomies)
    targets = edge.chosen(settings, document)
    found = replace(settings, site=site, language=MappingProxyType(each), taxonomies=declared, publish=targets)
    return replace(found, image=edge.behind(found), publish=tls.named(found))


_MEANT: Final = MappingProxyType({**homes(), **other_generators.KEYS})


def _check_targets_are_named(document: Node) -> None:
    """Raises Problem for `[publish] host = …`, which looks right and names no target."""
    table = document.at("publish")
    for key, node in table.value.items() if table and isinstance(table.value, Mapping) else ():
        if not isinstance(node.value, Mapping):
            raise Problem(
                f'[publish] has "{key}", which belongs to a target, and a target has a name',
                place=node.key,
                hint="write [publish.here] in the place of [publish]; then: publish here",
            )


def _check(site: SiteFile) -> Iterable[Problem]:
    settings = site.settings
    texts: list[CheckedText] = [
        (("site", "title"), settings.site.title, _not_empty),
        (("site", "url"), settings.site.url, _site_url),
        (("build", "content"), settings.build.content, _folder),
        (("build", "static"), settings.build.static, _folder),
        (("build", "templates"), settings.build.templates, _folder),
        (("build", "data"), settings.build.data, _folder),
        (("build", "output"), settings.build.output, _output_folder),
        *((("build", "keep", n), entry, strays.wrong_keep) for n, entry in enumerate(settings.build.keep)),
        *((("build", "elsewhere", n), entry, _beginning) for n, entry in enumerate(settings.build.elsewhere)),
        (("image", "name"), settings.image.name, _image_name),
        (("image", "suite"), settings.image.suite, _suite),
        (("image", "mirror"), settings.image.mirror, _mirror),
        (("image", "security_mirror"), settings.image.security_mirror, _mirror),
        (("image", "snapshot_mirror"), settings.image.snapshot_mirror, _mirror),
        *content_policy.texts(settings.image),
        (("images", "sizes"), settings.images.sizes, _image_sizes),
        *languages.texts(settings),
        *((("publish", name), name, _target_name) for name in settings.publish),
        *((("publish", name, "address"), target.address, _address) for name, target in settings.publish.items()),
        *(permalinks.texts(("permalinks",), settings.permalinks)),
        *taxonomies.texts(settings, site.document),
    ]
    for tag, language in settings.language.items():
        if language.permalinks:
            # The others are those of [permalinks], checked there.
            own = permalinks.texts(("language", tag, "permalinks"), language.permalinks)
            texts += [one for one in own if site.document.at(*one[0])]
    for path, text, check in texts:
        if wrong := check(text):
            yield Problem(f"{dotted(path)} {wrong}", place=site.place(*path))
    yield from output_folder.check(settings, site.place)
    yield from languages.check(settings, site.document, site.place)
    yield from _check_hook(site)
    yield from quantities.check(settings, site.document, site.place)
    yield from ssh_options.check(settings, site.place)
    yield from edge.check(settings, site.document, site.place)
    yield from tls.check(settings, site.document, site.place)
    yield from serving.check(settings, site.document, site.place)
    if len(set(settings.image.architectures)) != len(settings.image.architectures) or not settings.image.architectures:
        yield Problem(
            "[image] architectures must name each architecture once", place=site.place("image", "architectures")
        )


def _check_hook(site: SiteFile) -> Iterable[Problem]:
    hook, targets = site.settings.hook, site.settings.publish
    if hook.publish and hook.publish not in targets:
        yield Problem(
            f"[hook] publish names no target{did_you_mean(hook.publish, targets)}",
            place=site.place("hook", "publish"),
            hint=f"targets: {', '.join(targets)}" if targets else "add a table [publish.production]",
        )
    elif hook.on == "pre-push" and not hook.publish:
        yield Problem(
            '[hook] on = "pre-push" has no target',
            place=site.place("hook", "on"),
            hint='add publish = "…" below [hook], with the name of a target',
        )


def _not_empty(text: str) -> str | None:
    return None if text.strip() else "is empty"


def _image_sizes(text: str) -> str | None:
    if text.strip() and not text.strip().lower().startswith("auto"):  # which lazy images get before it
        return None
    return 'must say how wide pages show images: "100vw", "(min-width: 50em) 45em, 100vw"'


def _site_url(text: str) -> str | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return f'"{text}" is not a URL'
    if url.scheme not in {"http", "https"} or not url.hostname:
        return "must be a whole URL: https://blog.example.org/"
    if url.query or url.fragment or url.username or port == 0:
        return "must be an address without user, query or fragment"
    if not text.isascii() or any(char.isspace() for char in text):
        return "must be ASCII without spaces (write the host in its xn-- form)"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+", url.hostname):
        return f'"{url.hostname}" is not a host name'
    # RFC 3986, section 3.3: pchar, and "/"
    if not re.fullmatch(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*", url.path) or {".", ".."} & set(url.path.split("/")):
        return "has a path with characters that no URL may hold"
    path = unquote(url.path, errors="surrogateescape")
    # The image's files lie below it.
    if not path.isprintable() or "//" in path or {*"\\?#"} & set(path) or {".", ".."} & set(path.split("/")):
        return "has a path that can't be a folder's name"
    return None


def _folder(text: str, example: str = "content") -> str | None:
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or not text.isprintable() or "\\" in text:
        return f'must be a folder inside the repository, relative to site.toml: "{example}"'
    return None


def _beginning(text: str) -> str | None:
    return None if text.startswith("/") and len(text) > 1 else 'must begin with "/", such as "/comments/"'


def _output_folder(text: str) -> str | None:
    return _folder(text, "public") if PurePosixPath(text).parts else "must be a folder of its own: it is overwritten"


_LONGEST_IMAGE_NAME: Final = 128


def _image_name(text: str) -> str | None:
    # Source: the name grammar of the OCI distribution specification, one component of it.
    if len(text) > _LONGEST_IMAGE_NAME:
        return f"has {len(text)} characters; {_LONGEST_IMAGE_NAME} is the most"
    if not text or re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", text):
        return None
    return f'"{text}" is not an image name: small letters, digits, single dots, dashes and underscores'


def _suite(text: str) -> str | None:
    return None if re.fullmatch(r"[a-z]+", text) else f'"{text}" is not the name of a Debian suite such as "trixie"'


def _mirror(text: str) -> str | None:
    if not text or (urlsplit(text).scheme in {"http", "https", "file"} and not any(char.isspace() for char in text)):
        return None
    return "must be the base URL of a Debian mirror: http://…, https://… or file:///…"


_TARGET_LENGTH: Final = 40  # it stands in names of containers, images and locks


def _target_name(text: str) -> str | None:
    if text in RESERVED_TARGETS:
        return "is the name of a command: choose another"
    if len(text) > _TARGET_LENGTH:
        return f"is longer than {_TARGET_LENGTH} characters"
    return None if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text) else "must be small letters, digits and dashes"


def _address(text: str) -> str | None:
    import ipaddress  # noqa: PLC0415 - only a site that is published needs it

    if not text:
        return None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return f'"{text}" is not an IP address: "" for all of the host\'s, "127.0.0.1" behind a proxy'
    return None


def below(url: str) -> str:
    """OutputTree.below of a site with this URL: "" or "blog/"."""
    path = unquote(urlsplit(url).path).strip("/")
    return f"{path}/" if path else ""


def image_name(settings: Settings) -> str:
    """What the site is called on a host and in image names: [image] name, else from the site's host name."""
    if settings.image.name:
        return settings.image.name
    host = urlsplit(settings.site.url).hostname or ""
    name = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-") or "site"
    return f"{name}-site" if name == labels.EDGE else name
