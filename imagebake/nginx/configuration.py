"""The files of nginx's configuration: nginx.conf, listen.conf, listen-ipv6.conf, mime.types.

All paths in the configuration are relative to nginx's prefix, which is "/" in the image. So the sealed files can be run
elsewhere just as they are (runners.py), with another prefix and another listen.conf.

    etc/nginx/nginx.conf    the configuration
    etc/nginx/listen.conf   where to listen, alone, so that a runner can put its own in place
    etc/nginx/listen-ipv6.conf   what that takes in where the kernel has IPv6
    etc/nginx/mime.types    from sealpress.tree.tree.MEDIA_TYPES, so that what is served is what the tree says
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from imagebake.image.entries import Bytes, Directory, Entry, File
from imagebake.nginx import answers, headers, languages, log, redirects
from imagebake.nginx.answers import HEALTH_PATH, RELEASE_PATH
from imagebake.nginx.directives import DOLLAR, Directive, directive, literal, rendered, simple
from sealpress.config.redirects import Redirect
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import NO_POLICY, Policies
from sealpress.tree.tree import MEDIA_TYPES, NAMED_TYPES

ROOT: Final = "srv/www"
FOLDER: Final = "etc/nginx"
PROGRAM: Final = "usr/sbin/nginx"
BROTLI_MODULE: Final = "usr/lib/nginx/modules/ngx_http_brotli_static_module.so"

ARGUMENTS: Final = ("-e", "stderr", "-c", f"{FOLDER}/nginx.conf")
ENTRYPOINT: Final = (f"/{PROGRAM}", "-p", "/", *ARGUMENTS)

_TEXT: Final = tuple(sorted({kind for kind in MEDIA_TYPES.values() if kind.startswith("text/")} - {"text/html"}))
_COMPRESSIBLE: Final = tuple(
    sorted(
        kind
        for kind in {*MEDIA_TYPES.values(), *NAMED_TYPES.values()} - {"text/html"}
        if kind.startswith("text/") or kind.endswith(("xml", "json", "/wasm", "/ttf", "/otf", "/bmp", ".icon"))
    )
)

# Their nginx (before 1.25.1) can't speak HTTP/2 and HTTP/1.1 on one port without TLS.
_WITHOUT_HTTP2: Final = frozenset(["bullseye", "bookworm"])


_CONNECTIONS: Final = 3072
"""Of each worker. One that has sent as much of a request as `_PATIENCE` lets it takes 18 KiB: of two workers, all of
these fit the 128 MiB that a container has by default.
"""

_PATIENCE: Final = """
# Who sends or takes too slowly makes room for others, without a farewell.
client_header_timeout 10s
client_body_timeout 10s
send_timeout 20s
keepalive_timeout 30s
# What is sent is not yet had: a container that ended would take along what is still on its way.
lingering_close always
lingering_time 30s
lingering_timeout 30s
reset_timedout_connection on
large_client_header_buffers 1 8k
"""


def entries(
    settings: ImageSettings,
    paths: Iterable[str],
    moved: Sequence[Redirect] = (),
    policy: Policies = NO_POLICY,
    below: str = "",
) -> tuple[Entry, ...]:
    """The configuration's files, for a tree with these paths below `below` (OutputTree.paths), rules for what has
    moved, and Content-Security-Policies.

    Raises Problem (exit 3) for a header that can't be set, (exit 5) for a path that the image answers itself, and for
    a language without a front page.
    """
    files = {
        f"{FOLDER}/nginx.conf": nginx_conf(settings, paths, moved, policy, below),
        f"{FOLDER}/listen.conf": listen_conf("", settings.port) + (rendered([_IPV6]) if settings.ipv6 else ""),
        f"{FOLDER}/mime.types": mime_types(),
    }
    if settings.ipv6:
        files[f"{FOLDER}/listen-ipv6.conf"] = listen_conf("::", settings.port)
    return (*(File(path, Bytes(text.encode())) for path, text in files.items()), Directory(ROOT))


# nginx would not start on a kernel without IPv6, and there is no shell that could ask first. But a pattern that fits no
# file is taken for nothing: this one fits where the kernel has the folder.
_IPV6: Final = directive(
    "include", f"/proc/sys/net/ipv[6]/../../../../{FOLDER}/listen-ipv6.conf", why="Where the kernel has IPv6."
)


def listen_conf(address: str, port: int, *, ipv6: bool = False) -> str:
    """`address` is numeric; "": every IPv4 address of the machine or container, and with `ipv6` every IPv6 one."""
    host = f"[{address}]" if ":" in address else address
    everywhere = [f"[::]:{port}"] if ipv6 and not host else []
    return rendered(
        directive("listen", where, "default_server") for where in (f"{host}:{port}" if host else str(port), *everywhere)
    )


def mime_types() -> str:
    endings: dict[str, list[str]] = {}
    for ending, kind in sorted(MEDIA_TYPES.items()):
        endings.setdefault(kind, []).append(ending)
    kinds = (directive(kind, *found) for kind, found in sorted(endings.items()))
    return rendered([Directive("types", block=tuple(kinds))])


def nginx_conf(
    settings: ImageSettings,
    paths: Iterable[str],
    moved: Sequence[Redirect] = (),
    policy: Policies = NO_POLICY,
    below: str = "",
) -> str:
    """The whole of nginx.conf. Raises as `entries` does."""
    paths = tuple(sorted(paths))
    answers.check_own(paths)
    pages = languages.not_found_pages(paths, below)
    main = f"""
        # Serves files that were compressed beforehand: `x.css.br` beside `x.css`.
        load_module {BROTLI_MODULE}
        daemon off
        # One may wait for the disk while the other answers. `auto` would count the host's cores, and on a large
        # host its workers outgrow the container's memory.
        worker_processes 2
        # Connections, and the files that stay open.
        worker_rlimit_nofile {_CONNECTIONS + 512}
        pid tmp/nginx.pid
        # Lower levels tell of readers' mistakes, with their address.
        error_log stderr crit
    """
    http = (
        *_http(settings, moved),
        *headers.in_http(settings, policy),
        languages.not_found(pages, below),
        *languages.in_http(settings, paths, below),
        *redirects.in_http(moved),
        _server(settings, moved, policy, below, has_pages=bool(pages)),
    )
    blocks = (
        Directive("events", block=(directive("worker_connections", str(_CONNECTIONS)),)),
        Directive("http", block=http),
    )
    return "# Written by imagebake. Paths are relative to nginx's prefix.\n\n" + rendered([*simple(main), *blocks])


def _http(settings: ImageSettings, moved: Sequence[Redirect]) -> tuple[Directive, ...]:
    before = f"""
        include mime.types
        default_type application/octet-stream
        charset utf-8
        charset_types {" ".join(_TEXT)}
        # Only /tmp can be written.
        client_body_temp_path tmp/client_body
        proxy_temp_path tmp/proxy
        fastcgi_temp_path tmp/fastcgi
        uwsgi_temp_path tmp/uwsgi
        scgi_temp_path tmp/scgi
        {_PATIENCE.strip()}
    """
    behind = f"""
        server_tokens off
        sendfile on
        tcp_nopush on
        # What is sealed doesn't change: a file that was asked for stays open, which saves a third of the work.
        # Not more of them: some engines let a process have 1024 files and connections in all.
        open_file_cache max=256
        open_file_cache_errors on
        # A file's time comes from its content: the ETag changes whenever the content does.
        etag on
        # For the same reason the time says nothing else, and is not told.
        if_modified_since off
        # Done when asked for, so that no byte of the image depends on a compressor.
        gzip on
        gzip_vary on
        gzip_proxied any
        gzip_comp_level 5
        gzip_min_length 256
        gzip_types {" ".join(_COMPRESSIBLE)}
        brotli_static on
    """
    return (*simple(before), *redirects.sizes(moved), *log.in_http(settings), *simple(behind), DOLLAR)


def _server(
    settings: ImageSettings, moved: Sequence[Redirect], policy: Policies, below: str, *, has_pages: bool
) -> Directive:
    without_types = Directive("types", block=())
    h2 = settings.http2 and settings.suite not in _WITHOUT_HTTP2
    return Directive(
        "server",
        block=(
            directive("include", "listen.conf"),
            *([directive("http2", "on", why="For a proxy that speaks it without TLS; HTTP/1.1 stays.")] if h2 else []),
            directive("server_name", "_"),
            directive("root", ROOT),
            directive("absolute_redirect", "off", why="The address that a reader used is known only to a proxy."),
            *([directive("error_page", "404", "410", "$not_found")] if has_pages else []),
            *([directive("uninitialized_variable_warn", "off")] if settings.negotiate_languages else []),
            *headers.in_server(settings, policy),
            *languages.in_server(settings, below),
            *_front(below),
            Directive("location", ("~", "/$"), (directive("try_files", "${uri}index.html", "@absent"),)),
            Directive("location", ("/",), (directive("try_files", "$uri", "$uri.html", "$uri/", "@absent"),)),
            *(
                Directive(
                    "location",
                    ("~", f"/{re.escape(name)}$"),
                    (without_types, directive("default_type", kind), directive("try_files", "$uri", "@absent")),
                )
                for name, kind in sorted(NAMED_TYPES.items())
            ),
            Directive("location", ("=", f"/{RELEASE_PATH}"), (without_types, directive("default_type", "text/plain"))),
            Directive(
                "location",
                ("=", f"/{HEALTH_PATH}"),
                (directive("access_log", "off"), without_types, *simple("default_type text/plain\nreturn 200 ok")),
            ),
            *redirects.absent(moved),
        ),
    )


def _front(below: str) -> tuple[Directive, ...]:
    """Where the site lies below a path, "/" leads there, with the query. It is no permanent redirect: another site may
    lie at "/" one day.
    """
    if not below:
        return ()
    return (
        Directive("location", ("=", "/"), (directive("return", "302", literal(f"/{quote(below)}") + "$is_args$args"),)),
    )
