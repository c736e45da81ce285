"""nginx.conf and mime.types for a sealed site: a function of the settings and of the tree's names.

All paths in the configuration are relative to nginx's prefix, which is "/" in the image. So the sealed files can be run
elsewhere just as they are (smoke.py), with another prefix and another listen.conf.

    etc/nginx/nginx.conf    the configuration
    etc/nginx/listen.conf   where to listen, alone, so that a runner can put its own in place
    etc/nginx/mime.types    from sealpress.tree.MEDIA_TYPES, so that what is served is what the tree says
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from imagebake.image.entries import Bytes, Directory, Entry, File
from sealpress.problems import Exit, Place, Problem
from sealpress.settings import ImageSettings
from sealpress.tree import ALWAYS_REVALIDATED, FINGERPRINT, MEDIA_TYPES, NAMED_TYPES

ROOT: Final = "srv/www"
FOLDER: Final = "etc/nginx"
PROGRAM: Final = "usr/sbin/nginx"
BROTLI_MODULE: Final = "usr/lib/nginx/modules/ngx_http_brotli_static_module.so"
RELEASE_PATH: Final = ".well-known/release"
HEALTH_PATH: Final = "healthz"
NOT_FOUND: Final = "404.html"

ARGUMENTS: Final = ("-e", "stderr", "-c", f"{FOLDER}/nginx.conf")
ENTRYPOINT: Final = (f"/{PROGRAM}", "-p", "/", *ARGUMENTS)

# What every answer carries, errors too; a header of the same name in [image] headers takes its place.
_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}

# nginx works these out for every answer; a second one would contradict it.
_OWN_HEADERS: Final = frozenset(
    [
        "accept-ranges",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "etag",
        "keep-alive",
        "last-modified",
        "location",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
    ]
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2

_TEXT: Final = tuple(sorted({kind for kind in MEDIA_TYPES.values() if kind.startswith("text/")} - {"text/html"}))
_COMPRESSIBLE: Final = tuple(
    sorted(
        kind
        for kind in {*MEDIA_TYPES.values(), *NAMED_TYPES.values()} - {"text/html"}
        if kind.startswith("text/") or kind.endswith(("xml", "json", "/wasm", "/ttf", "/otf", "/bmp", ".icon"))
    )
)

_DOLLAR: Final = "${dollar}"


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its name and arguments, and what stands in its block. `why` becomes a comment above it."""

    name: str
    arguments: tuple[str, ...] = ()
    block: "tuple[Directive, ...] | None" = None
    why: str = ""


def entries(settings: ImageSettings, paths: Iterable[str]) -> tuple[Entry, ...]:
    """The configuration's files, for a tree with these paths.

    Raises Problem (exit 3) for a header that can't be set, (exit 5) for a path that the image answers itself.
    """
    files = {
        f"{FOLDER}/nginx.conf": nginx_conf(settings, paths),
        f"{FOLDER}/listen.conf": listen_conf("", settings.port),
        f"{FOLDER}/mime.types": mime_types(),
    }
    return (*(File(path, Bytes(text.encode())) for path, text in files.items()), Directory(ROOT))


def listen_conf(address: str, port: int) -> str:
    """`address` is numeric; "": every IPv4 address of the machine or container."""
    host = f"[{address}]" if ":" in address else address
    return rendered([_directive("listen", f"{host}:{port}" if host else str(port), "default_server")])


def mime_types() -> str:
    endings: dict[str, list[str]] = {}
    for ending, kind in sorted(MEDIA_TYPES.items()):
        endings.setdefault(kind, []).append(ending)
    kinds = (_directive(kind, *found) for kind, found in sorted(endings.items()))
    return rendered([Directive("types", block=tuple(kinds))])


def nginx_conf(settings: ImageSettings, paths: Iterable[str]) -> str:
    """The whole of nginx.conf. Raises as `entries` does."""
    pages = _not_found_pages(paths)
    return "# Written by imagebake. Paths are relative to nginx's prefix.\n\n" + rendered(
        [
            _directive(
                "load_module",
                BROTLI_MODULE,
                why="Serves files that were compressed beforehand: `x.css.br` beside `x.css`.",
            ),
            _directive("daemon", "off"),
            _directive(
                "worker_processes",
                "2",
                why="One may wait for the disk while the other answers. `auto` would count the host's cores, and on a"
                " large\n# host its workers outgrow the container's memory.",
            ),
            _directive("pid", "tmp/nginx.pid"),
            _directive("error_log", "stderr", "warn"),
            Directive("events", block=(_directive("worker_connections", "1024"),)),
            Directive("http", block=(*_http(pages), _server(_headers(settings.headers), pages))),
        ]
    )


def rendered(directives: Iterable[Directive], depth: int = 0) -> str:
    """The directives as text. Arguments are quoted where they need it; `$` stays nginx's own (see `literal`)."""
    indent = "    " * depth
    lines: list[str] = []
    for one in directives:
        if one.why:
            lines += [f"{indent}# {one.why}".replace("\n", f"\n{indent}")]
        head = " ".join(map(_quoted, (one.name, *one.arguments)))
        if one.block is None:
            lines.append(f"{indent}{head};")
        elif not one.block:
            lines.append(f"{indent}{head} {{ }}")
        else:
            lines += [f"{indent}{head} {{", rendered(one.block, depth + 1).rstrip("\n"), f"{indent}}}"]
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Text from outside as an argument in which nothing is a variable.

    nginx knows no escape for `$`, so a variable that holds one stands in for it.
    """
    return text.replace("$", _DOLLAR)


def _quoted(argument: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9$@_./:=*~^+-]+", argument) and "${" not in argument:
        return argument
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in argument):
        raise ValueError(f"a control character in {argument!a}")
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _directive(name: str, *arguments: str, why: str = "") -> Directive:
    return Directive(name, arguments, why=why)


def _http(pages: tuple[str, ...]) -> tuple[Directive, ...]:
    languages = sorted((page for page in pages if page != NOT_FOUND), key=lambda page: (-page.count("/"), page))
    default = (_directive("default", f"/{NOT_FOUND}" if NOT_FOUND in pages else "@missing"),)
    return (
        _directive("include", "mime.types"),
        _directive("default_type", "application/octet-stream"),
        _directive("charset", "utf-8"),
        _directive("charset_types", *_TEXT),
        *(
            _directive(f"{kind}_temp_path", f"tmp/{kind}", why="" if number else "Only /tmp can be written.")
            for number, kind in enumerate(("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        ),
        _directive("access_log", "/dev/stdout"),
        _directive("server_tokens", "off"),
        _directive("sendfile", "on"),
        _directive("tcp_nopush", "on"),
        _directive(
            "etag", "on", why="A file's time comes from its content: the ETag changes whenever the content does."
        ),
        _directive("if_modified_since", "off", why="For the same reason the time says nothing else, and is not told."),
        _directive("gzip", "on", why="Done when asked for, so that no byte of the image depends on a compressor."),
        _directive("gzip_vary", "on"),
        _directive("gzip_proxied", "any"),
        _directive("gzip_comp_level", "5"),
        _directive("gzip_min_length", "256"),
        _directive("gzip_types", *_COMPRESSIBLE),
        _directive("brotli_static", "on"),
        Directive("geo", ("$dollar",), (_directive("default", "$"),), why="There is no escape for it."),
        Directive(
            "map",
            ("$uri", "$cache"),
            (
                _directive("default", "no-cache"),
                _directive("~" + "|".join(re.escape(ending) + "$" for ending in ALWAYS_REVALIDATED), "no-cache"),
                _directive("~" + FINGERPRINT.pattern, "public, max-age=31536000, immutable"),
            ),
            why="A name that holds a digest of its content is kept for ever; all else is asked about each time.",
        ),
        Directive(
            "map",
            ("$uri", "$not_found"),
            (
                *default,
                *(_directive("~^/" + re.escape(page.removesuffix(NOT_FOUND)), f"/{page}") for page in languages),
            ),
            why="Each language has its own page for what isn't there.",
        ),
    )


def _server(headers: Mapping[str, str], pages: tuple[str, ...]) -> Directive:
    missing = "$not_found" if pages else "@missing"
    return Directive(
        "server",
        block=(
            _directive("include", "listen.conf"),
            _directive("server_name", "_"),
            _directive("root", ROOT),
            _directive("index", "index.html"),
            _directive("absolute_redirect", "off", why="The address that a reader used is known only to a proxy."),
            _directive("error_page", "404", missing),
            _directive("error_page", "403", "=404", missing, why="A folder without an index is no page, either."),
            _directive(
                "add_header",
                "Cache-Control",
                "$cache",
                "always",
                why="Headers stand here alone: a location with one of its own would lose all of these.",
            ),
            _directive("add_header", "Last-Modified", ""),
            *(_directive("add_header", name, literal(value), "always") for name, value in headers.items()),
            Directive("location", ("/",), (_directive("try_files", "$uri", "$uri.html", "$uri/", "=404"),)),
            *(
                Directive(
                    "location",
                    ("~", f"/{re.escape(name)}$"),
                    (Directive("types", block=()), _directive("default_type", kind)),
                )
                for name, kind in sorted(NAMED_TYPES.items())
            ),
            Directive(
                "location",
                ("=", f"/{RELEASE_PATH}"),
                (Directive("types", block=()), _directive("default_type", "text/plain")),
            ),
            Directive(
                "location",
                ("=", f"/{HEALTH_PATH}"),
                (
                    _directive("access_log", "off"),
                    Directive("types", block=()),
                    _directive("default_type", "text/plain"),
                    _directive("return", "200", "ok"),
                ),
            ),
            Directive("location", ("@missing",), (_directive("return", "404"),)),
        ),
    )


def _not_found_pages(paths: Iterable[str]) -> tuple[str, ...]:
    """The tree's 404 pages, in folders as languages are named. Raises Problem (exit 5) for a path that is taken."""
    found: list[str] = []
    for path in paths:
        if path in {RELEASE_PATH, HEALTH_PATH}:
            raise Problem(
                f'"{path}" is a path that the image answers itself',
                place=Place(path),
                hint="take it out of the tree, or rename it",
                code=Exit.TREE,
            )
        if re.fullmatch(rf"(?:[A-Za-z0-9._-]+/)*{re.escape(NOT_FOUND)}", path):
            found.append(path)
    return tuple(found)


def _headers(own: Mapping[str, str]) -> dict[str, str]:
    for name, value in own.items():
        if not _TOKEN.fullmatch(name):
            raise _header_problem(f'"{name}" is not the name of a header', "letters, digits and dashes")
        if name.lower() in _OWN_HEADERS:
            raise _header_problem(
                f'the header "{name}" can\'t be set: nginx works it out for every answer', "take it out"
            )
        if any(ord(char) < 0x20 or ord(char) >= 0x7F for char in value):
            raise _header_problem(f'the header "{name}" has a control character or one that is not ASCII', "remove it")
    taken = {name.lower() for name in own}
    return {name: value for name, value in _HEADERS.items() if name.lower() not in taken} | dict(sorted(own.items()))


def _header_problem(message: str, hint: str) -> Problem:
    return Problem(message, place=Place("site.toml"), hint=f"{hint}, under [image] headers")
