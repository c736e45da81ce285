"""Fake NSS: the few files by which libc knows users and groups, in an image that has no package to bring them.

Source: passwd(5), group(5), nsswitch.conf(5).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from imagebake.image.entries import Bytes, Directory, Entry, File
from sealpress.frozen import frozen
from sealpress.problems import Problem, raise_all


@frozen
class User:
    """A user and the group of the same name. `home` is an absolute path; nobody can log in."""

    name: str
    uid: int
    gid: int
    home: str = "/var/empty"

    @property
    def owner(self) -> str:
        """As an image names who its process is: "UID:GID"."""
        return f"{self.uid}:{self.gid}"


NGINX: Final = User("nginx", 101, 101)

USER: Final = NGINX.uid
GROUP: Final = NGINX.gid
NAME: Final = NGINX.name

_ROOT: Final = User("root", 0, 0, "/root")
_NOBODY: Final = 65534  # the last id that a user namespace is sure to have

# Only what libc itself can do: every other source would want a library that is not here.
_NSSWITCH: Final = """\
passwd: files
group: files
hosts: files dns
"""


def entries(users: Sequence[User] = (NGINX,), *, services: bool = False) -> tuple[Entry, ...]:
    """passwd, group, nsswitch.conf, and the folders that a process expects or an engine mounts upon.

    `services`: the image has /etc/services and /etc/protocols (recipes/python.py), to be read. Raises Problem (exit 3)
    for users that can't stand in one file.
    """
    raise_all(list(_wrong(users)))
    passwd = [f"{one.name}:x:{one.uid}:{one.gid}:{one.name}:{one.home}:/sbin/nologin\n" for one in (_ROOT, *users)]
    group = [f"{one.name}:x:{one.gid}:\n" for one in (_ROOT, *users)]
    files = {
        "etc/passwd": "".join([*passwd, f"nobody:x:{_NOBODY}:{_NOBODY}:nobody:/var/empty:/sbin/nologin\n"]),
        "etc/group": "".join([*group, f"nogroup:x:{_NOBODY}:\n"]),
        "etc/nsswitch.conf": _NSSWITCH + ("services: files\nprotocols: files\n" if services else ""),
    }
    return (
        *(File(path, Bytes(text.encode())) for path, text in files.items()),
        Directory("tmp", 0o1777),
        *(Directory(path) for path in ("dev", "proc", "sys", "run", "root", "var/empty")),
    )


def _wrong(users: Sequence[User]) -> Iterator[Problem]:
    """A line too many in passwd is a user that nobody asked for, so nothing in it is taken as it comes."""
    taken: set[str | int] = {"root", "nobody", "nogroup"}
    for user in users:
        if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user.name):
            yield Problem(f'"{user.name}" can\'t be the name of a user in an image')
        if not re.fullmatch(r"/[\w./-]*", user.home, re.ASCII) or ".." in user.home.split("/"):
            yield Problem(f'"{user.home}" can\'t be the home of the user "{user.name}"')
        if not (0 < user.uid < _NOBODY and 0 < user.gid < _NOBODY):
            yield Problem(f'the user "{user.name}" can\'t have the ids {user.owner}')
        yield from (Problem(f'two users of the image have "{key}"') for key in (user.name, user.uid) if key in taken)
        taken |= {user.name, user.uid}
