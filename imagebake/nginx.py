"""nginx.conf and mime.types for a sealed site: a function of the settings and of which 404 pages the tree has.

All paths in the configuration are relative to nginx's prefix, which is "/" in the image. So the sealed file itself can
be tried elsewhere (smoke.py), with another prefix and another listen.conf beside it.

    etc/nginx/nginx.conf    this configuration
    etc/nginx/listen.conf   where to listen, alone, so that a runner can put its own in place
    etc/nginx/mime.types    from sealpress.tree.MEDIA_TYPES
"""

from collections.abc import Iterable, Mapping
from typing import Final

from imagebake.image.entries import Bytes, Directory, Entry, File
from sealpress.problems import Place, Problem
from sealpress.settings import ImageSettings
from sealpress.tree import FINGERPRINT, MEDIA_TYPES

ROOT: Final = "srv/www"
FOLDER: Final = "etc/nginx"
BROTLI_MODULE: Final = "usr/lib/nginx/modules/ngx_http_brotli_static_module.so"
NOT_FOUND: Final = "404.html"

ENTRYPOINT: Final = ("/usr/sbin/nginx", "-e", "stderr", "-p", "/", "-c", f"/{FOLDER}/nginx.conf")

# What every answer carries, errors too; a header of the same name in [image] headers takes its place.
_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}

# nginx computes these; a second one would break the answer.
_OWN_HEADERS: Final = frozenset({
    "accept-ranges", "cache-control", "connection", "content-encoding", "content-length", "content-range",
    "content-type", "date", "etag", "keep-alive", "last-modified", "location", "server", "te", "trailer",
    "transfer-encoding", "upgrade", "vary",
})  # fmt: skip

_COMPRESSIBLE: Final = ("+xml", "+json", "/json", "/xml", "/wasm", "font/ttf", "font/otf")

# Worth compressing: text in one way or another. (nginx itself adds text/html.)
_TEXT_TYPES: Final = sorted(
    kind for kind in {*MEDIA_TYPES.values()} - {"text/html"} if kind.startswith("text/") or kind.endswith(_COMPRESSIBLE)
)
_CHARSET_TYPES: Final = [kind for kind in _TEXT_TYPES if not kind.endswith(("/wasm", "/ttf", "/otf"))]


def entries(settings: ImageSettings, paths: Iterable[str]) -> tuple[Entry, ...]:
    """The configuration's files for a tree with these `paths`.

    Raises Problem (exit 3) for a header that nginx itself answers for.
    """
    files = {
        f"{FOLDER}/nginx.conf": nginx_conf(settings, paths),
        f"{FOLDER}/listen.conf": listen_conf("", settings.port),
        f"{FOLDER}/mime.types": mime_types(),
    }
    return (*(File(path, Bytes(text.encode())) for path, text in files.items()), Directory(ROOT))


def listen_conf(address: str, port: int) -> str:
    """`address` "": all of IPv4."""
    host = f"[{address}]" if ":" in address else address
    return f"listen {host}{':' if host else ''}{port} default_server;\n"


def mime_types() -> str:
    endings: dict[str, list[str]] = {}
    for ending, kind in sorted(MEDIA_TYPES.items()):
        endings.setdefault(kind, []).append(ending)
    lines = [f"    {kind} {' '.join(found)};" for kind, found in sorted(endings.items())]
    return "\n".join(["types {", *lines, "}"]) + "\n"


def nginx_conf(settings: ImageSettings, paths: Iterable[str]) -> str:
    """The whole configuration. `paths` are those of the output tree."""
    not_found = sorted(path for path in paths if path == NOT_FOUND or path.endswith("/" + NOT_FOUND))
    headers = _headers(settings.headers)
    return _CONF.format(
        brotli=BROTLI_MODULE,
        root=ROOT,
        fingerprint=FINGERPRINT.pattern,
        text_types=" ".join(_TEXT_TYPES),
        charset_types=" ".join(_CHARSET_TYPES),
        # A "$" can't be escaped in a value; a variable that holds one can stand in for it.
        dollar='    geo $dollar { default "$"; }\n' if any("$" in value for value in headers.values()) else "",
        headers="\n".join(f"        add_header {name} {_quoted(value)} always;" for name, value in headers.items()),
        not_found=_error_pages(NOT_FOUND) if NOT_FOUND in not_found else "        error_page 403 =404 @missing;\n",
        languages="".join(_language(path) for path in not_found if path != NOT_FOUND),
    )


def _headers(own: Mapping[str, str]) -> dict[str, str]:
    taken = {name.lower() for name in own}
    for name in own:
        if name.lower() in _OWN_HEADERS:
            raise Problem(
                f'[image] headers can\'t set "{name}": nginx works it out for every answer',
                place=Place("site.toml"),
                hint="take it out of [image] headers",
            )
    kept = {name: value for name, value in _HEADERS.items() if name.lower() not in taken}
    return kept | {name: own[name] for name in sorted(own)}


def _quoted(text: str) -> str:
    """A value for nginx: in quotes, with what it would read as its own syntax escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}") + '"'


def _error_pages(path: str) -> str:
    # 403 is a folder without an index: nothing that a reader should tell from a page that isn't there.
    return f"        error_page 404 /{path};\n        error_page 403 =404 /{path};\n"


def _language(path: str) -> str:
    """The location of a language, which has a 404 page of its own."""
    folder = path.removesuffix(NOT_FOUND)
    pages = _error_pages(path).replace("        ", "            ")
    return f"""
        location "/{_escaped(folder)}" {{
{pages.replace(path, _escaped(path))}            try_files $uri $uri/ $uri.html =404;
        }}
"""


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace('"', '\\"')


_CONF: Final = """\
# Written by imagebake, from [image] in site.toml. Paths are relative to nginx's prefix, "/" in the image.
load_module {brotli};

daemon off;
worker_processes auto;
pid tmp/nginx.pid;
error_log stderr warn;

events {{
    worker_connections 1024;
}}

http {{
    include mime.types;
    default_type application/octet-stream;
    charset utf-8;
    charset_types {charset_types};

    # The image is read-only but for /tmp.
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;

    access_log /dev/stdout combined;
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 8k;

    # Every file's time comes from its content, so the ETag changes whenever the content does, and says nothing else.
    etag on;
    if_modified_since off;

    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_min_length 512;
    gzip_types {text_types};
    brotli_static on;

    # A name with a digest in it is kept for ever; everything else is asked about each time.
    map $uri $cache {{
        "~\\.(html?|xml|json|txt)$" "no-cache";
        "~{fingerprint}" "public, max-age=31536000, immutable";
        default "no-cache";
    }}
{dollar}
    server {{
        include listen.conf;
        server_name _;
        root {root};
        index index.html;

        # Behind a proxy, the address that a reader used is not known here.
        absolute_redirect off;

        # No location may have an add_header of its own: it would drop all of these.
        add_header Cache-Control $cache always;
        add_header Last-Modified "";
{headers}

{not_found}
        location / {{
            try_files $uri $uri/ $uri.html =404;
        }}
{languages}
        location ~ /(feed|atom)\\.xml$ {{
            types {{ application/atom+xml xml; }}
        }}

        location = /healthz {{
            access_log off;
            default_type text/plain;
            return 200 "ok\\n";
        }}

        location ^~ /.well-known/ {{
            default_type text/plain;
        }}

        location @missing {{
            return 404;
        }}
    }}
}}
"""
