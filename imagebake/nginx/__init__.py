"""What nginx is told: the configuration of a sealed site, a function of the settings and of the tree's names.

directives      nginx's grammar, as values
configuration   the files: nginx.conf, listen.conf, listen-ipv6.conf, mime.types
headers         what every answer carries
answers         which paths of a URL a tree answers
redirects       which paths have moved or are gone, checked against the tree
languages       404 pages by language; "/" by the reader's languages
log             the access log without whole addresses; readers behind a proxy
"""

from imagebake.nginx.answers import HEALTH_PATH, NOT_FOUND, RELEASE_PATH, SEAL_PATH
from imagebake.nginx.configuration import (
    ARGUMENTS,
    BROTLI_MODULE,
    ENTRYPOINT,
    FOLDER,
    PROGRAM,
    ROOT,
    entries,
    listen_conf,
    mime_types,
    nginx_conf,
)
from imagebake.nginx.directives import LONGEST as LONGEST_WORD
from imagebake.nginx.directives import Directive, rendered

__all__ = [
    "ARGUMENTS",
    "BROTLI_MODULE",
    "ENTRYPOINT",
    "FOLDER",
    "HEALTH_PATH",
    "LONGEST_WORD",
    "NOT_FOUND",
    "PROGRAM",
    "RELEASE_PATH",
    "ROOT",
    "SEAL_PATH",
    "Directive",
    "entries",
    "listen_conf",
    "mime_types",
    "nginx_conf",
    "rendered",
]
