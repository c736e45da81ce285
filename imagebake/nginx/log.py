"""The access log, in which no line holds a reader's whole address; and who the reader is, behind a proxy.

Of an IPv4 address the last octet is zeroed, of an IPv6 address the last 80 bits: what is left names a network, not a
household. nginx writes the file itself, so the whole address is never on a disk.
"""

from typing import Final

from imagebake.nginx.directives import Directive, choice, directive
from sealpress.config.settings import ImageSettings

_OUTPUT: Final = "/dev/stdout"

# How nginx prints an address (ngx_inet6_ntop): small letters, no leading zeros, and "::" for the longest run of at
# least two groups of zeros. So behind one or two groups it stands for the third one, too.
_ADDRESSES: Final = (
    ("default", "-"),
    (r"~^(?<ipv4>[0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+$", "${ipv4}.0"),
    (r"~^::ffff:(?<mapped>[0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+$", "${mapped}.0"),
    (r"~^(?<ipv6>[0-9a-f]+:[0-9a-f]+:[0-9a-f]+):", "${ipv6}::"),
    (r"~^(?<ipv6_short>[0-9a-f]+(?::[0-9a-f]+)?)::", "${ipv6_short}::"),
    ("~^::", "::"),
)

_COMBINED: Final = '$network - - [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

# `escape=json` escapes values, so each stands between quotes; those that are always numbers don't.
_JSON: Final = (
    '{"time":"$time_iso8601","network":"$network","method":"$request_method","uri":"$request_uri",'
    '"protocol":"$server_protocol","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"host":"$host","referrer":"$http_referer","agent":"$http_user_agent"}'
)


def in_http(settings: ImageSettings) -> tuple[Directive, ...]:
    """The log, and behind which proxies the reader is looked for."""
    return (*_log(settings), *_proxies(settings))


def _log(settings: ImageSettings) -> tuple[Directive, ...]:
    if settings.log == "off":
        return (directive("access_log", "off"),)
    form = ("escape=json", _JSON) if settings.log == "json" else (_COMBINED,)
    return (
        choice("$remote_addr", "$network", *_ADDRESSES, why="Of a reader's address only the network is logged."),
        directive("log_format", "anonymous", *form),
        directive("access_log", _OUTPUT, "anonymous"),
    )


def _proxies(settings: ImageSettings) -> tuple[Directive, ...]:
    """From the right of X-Forwarded-For, the first address that is no trusted proxy: what the last of those saw."""
    if not settings.trusted_proxies:
        return ()
    why = "Only these are believed when they say for whom they ask."
    return (
        *(
            directive("set_real_ip_from", network, why="" if number else why)
            for number, network in enumerate(settings.trusted_proxies)
        ),
        directive("real_ip_header", "X-Forwarded-For"),
        directive("real_ip_recursive", "on"),
    )
