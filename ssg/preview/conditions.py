"""What of a file a reader gets: all of it, a part, or the word that it is the one that the reader has.

Source: RFC 9110, 13.1 and 14.2; of several parts nothing is made, so all of it is sent then, as 14.2 lets a server do.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from email.message import Message
from typing import Final

from sealpress.frozen import frozen

_BYTES: Final = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)


@frozen
class ConditionalAnswer:
    """`headers` besides those that every answer has."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def sent(content: bytes, asked: Message) -> ConditionalAnswer:
    """Of a file's whole content, by the headers of a request."""
    etag = f'"{hashlib.blake2b(content, digest_size=8).hexdigest()}"'
    told = {"ETag": etag, "Accept-Ranges": "bytes"}
    if (only := asked.get("If-Match")) and not _names(only, etag):
        return ConditionalAnswer(412, b"")
    if (known := asked.get("If-None-Match")) and _names(known.replace("W/", ""), etag):
        return ConditionalAnswer(304, b"", {"ETag": etag})
    wanted = asked.get("Range", "")
    if not wanted.lower().startswith("bytes=") or "," in wanted or asked.get("If-Range", etag) != etag:
        return ConditionalAnswer(200, content, told)
    size = len(content)
    match = _BYTES.fullmatch(wanted)
    start, end = _part(match, size) if match else (size, size)
    if not start < end:
        return ConditionalAnswer(416, b"", {"Content-Range": f"bytes */{size}"})
    return ConditionalAnswer(206, content[start:end], {**told, "Content-Range": f"bytes {start}-{end - 1}/{size}"})


def _part(match: "re.Match[str]", size: int) -> tuple[int, int]:
    if match[3]:
        return max(0, size - int(match[3])), size
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size


def _names(tags: str, etag: str) -> bool:
    return tags.strip() == "*" or etag in (tag.strip() for tag in tags.split(","))
