"""Fake NSS: the few files by which libc knows users and groups, in an image that has no package to bring them."""

from typing import Final

from imagebake.image.entries import Bytes, Directory, Entry, File

USER: Final = 101
GROUP: Final = 101
NAME: Final = "nginx"

_PASSWD: Final = f"""\
root:x:0:0:root:/root:/sbin/nologin
{NAME}:x:{USER}:{GROUP}:nginx:/var/empty:/sbin/nologin
nobody:x:65534:65534:nobody:/var/empty:/sbin/nologin
"""

_GROUP: Final = f"""\
root:x:0:
{NAME}:x:{GROUP}:
nogroup:x:65534:
"""

# Only what libc itself can do: every other source would want a library that is not here.
_NSSWITCH: Final = """\
passwd: files
group: files
hosts: files dns
"""


def entries() -> tuple[Entry, ...]:
    """passwd, group, nsswitch.conf, and the folders that a process expects or an engine mounts upon."""
    files = {"etc/passwd": _PASSWD, "etc/group": _GROUP, "etc/nsswitch.conf": _NSSWITCH}
    return (
        *(File(path, Bytes(text.encode())) for path, text in files.items()),
        Directory("tmp", 0o1777),
        *(Directory(path) for path in ("dev", "proc", "sys", "run", "root", "var/empty")),
    )
