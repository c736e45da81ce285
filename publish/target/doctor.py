"""What a publish needs, here and on the host, looked at one by one: what is there, and what is to be mended."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from imagebake.fetch import cache
from imagebake.packages import lock as locks
from imagebake.seal.signing import key_for
from publish.engines.protocol import Container, Endpoint, Host, RunState
from publish.probing import probe
from publish.releases import history
from publish.releases.reach import edge_at
from publish.target import hosts, targets
from sealpress import VERSION
from sealpress.commands.console import Progress, size
from sealpress.config.settings import EDGE_LOCK_NAME, LOCK_NAME, PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.git import call
from sealpress.git import repository as git
from sealpress.problems import EngineProblem, MachineProblem, Problem

_OLD: Final = 60  # days, after which security updates most likely wait for a lock
_DAY: Final = 86_400
_ROOM: Final = 500_000_000  # bytes, for packages and what is worked out from them
_SECONDS: Final = 2.0  # for an answer of what may have the port


@frozen
class Finding:
    """One thing that was looked at: what is `told` of it, and what mends it ("" where nothing is to be mended)."""

    what: str
    told: str
    mend: str = ""
    is_well: bool = True


def here(site: SiteFile) -> Iterator[Finding]:
    """Of this machine and this blog."""
    root = site.root.resolve()
    yield Finding("sealpress", VERSION)
    yield _looked("git", lambda: (call.ask(root, "version") or b"").decode().strip().removeprefix("git version "))
    yield _looked("you", lambda: _identity(root))
    yield _looked("commit", lambda: _commit(site, root))
    yield _looked("lock", lambda: _lock(root, LOCK_NAME))
    # Where the host tells whether it has one, a lock is wanted by those alone.
    edges = {one.edge for one in site.settings.publish.values()}
    if "caddy" in edges or ("auto" in edges and (root / EDGE_LOCK_NAME).is_file()):
        yield _looked("edge", lambda: _lock(root, EDGE_LOCK_NAME, " --edge"))
    yield _looked("seal", lambda: _key(root))
    yield _looked("cache", _cache)
    if any(one.only_host != hosts.LOCAL for told in site.settings.publish.values() for one in told.each):
        yield _looked("ssh", _ssh)


def there(site: SiteFile, name: str, settings: PublishTarget, progress: Progress) -> Iterator[Finding]:
    """Of a target of one host: that with the engine, what runs there, and who has its port."""
    try:
        with targets.opened(site, name, settings, progress) as target:
            engine = target.host.engine
            yield Finding("host", f"{target.host.title}: {engine.title}, {engine.architecture()}")
            if engine.title.startswith("Podman"):
                yield _looked("reboot", lambda: _reboot(target.host))
            edge = edge_at(engine, target.line.readers)
            yield _looked("edge", lambda: _edge(edge)) if target.line.hosts else Finding("edge", target.edge)
            found = history.status(target.host, target.line)
            newest = found[0] if found else None
            if newest and newest.answers:
                yield Finding("site", f"generation {newest.generation} answers")
            elif newest:
                yield Finding(
                    "site",
                    f"generation {newest.generation} does not answer",
                    "publish start, or publish",
                    is_well=False,
                )
            else:
                yield Finding("site", "nothing is published there yet")
                if not (edge and target.line.hosts):
                    yield _looked("port", lambda: _port(target))
    except Problem as problem:
        yield _told("host", problem)


def _looked(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except Problem as problem:
        return _told(what, problem)


def _told(what: str, problem: Problem) -> Finding:
    first = problem.each[0]
    return Finding(what, first.message, first.hint or "", is_well=False)


def _identity(root: Path) -> str:
    told = call.ask(root, "var", "GIT_COMMITTER_IDENT", may_fail=True)
    if told is None:
        hint = 'git config --global user.name "Your Name"; git config --global user.email "you@example.org"'
        raise MachineProblem("git doesn't know who commits", hint=hint)
    return told.decode("utf-8", "replace").rpartition(">")[0] + ">"


def _commit(site: SiteFile, root: Path) -> str:
    repository = git.discover(root)
    commit = repository.head() if repository else None
    if repository is None or commit is None:
        raise MachineProblem(f"{root} is in no git repository with a commit", hint="git init, git add, git commit")
    clean = repository.is_clean(root, site.settings.build.output)
    return f"{commit.id[:12]} {'' if clean else '(changes that are not committed stay out)'}".strip()


def _lock(root: Path, name: str, option: str = "") -> str:
    file = root / name
    if not file.is_file():
        return f"there is no {name} yet: publish writes it"
    found = locks.load(file)
    age = int((time.time() - found.date.timestamp()) / _DAY)
    repository = git.discover(root)
    if repository and name not in repository.tracked(root):
        raise MachineProblem(f"{name} is not committed", hint=f"git add {name} and commit it")
    if age > _OLD:
        command = f"imagebake lock{option}"
        hint = f"{command} --outdated tells whether security updates wait; {command} --upgrade takes them"
        raise MachineProblem(f"{name} is {age} days old", hint=hint)
    return f"{name}, {age} days old, for {', '.join(found.architectures)}"


def _key(root: Path) -> str:
    found = key_for(None, root)
    return f"signed with {found.text}" if found else "seals are not signed (git has no ssh key to sign with)"


def _cache() -> str:
    folder = cache.folder()
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(nearest, os.W_OK):
        raise MachineProblem(f"can't write into {folder}", hint="chown it, or set SEALPRESS_CACHE to another folder")
    free = shutil.disk_usage(nearest).free
    if free < _ROOM:
        raise MachineProblem(f"{size(free)} are free for {folder}", hint="make room: all in it may be deleted, too")
    return f"{folder}, {size(free)} free"


def _ssh() -> str:
    found = shutil.which("ssh")
    if not found:
        raise MachineProblem("ssh is not installed", hint="on Debian: apt install openssh-client")
    return found


def _edge(edge: Container | None) -> str:
    if edge is None:
        return "there is none yet: publish makes it"
    if edge.state is not RunState.RUNNING:
        raise EngineProblem(f"{edge.name} does not run", hint="publish starts it, and looks at what is behind it")
    return f"{edge.name} runs"


def _port(target: targets.OpenTarget) -> str:
    readers = Endpoint(target.settings.address, target.settings.port)
    try:
        with target.host.reach(readers) as endpoint:
            probe.fetch(endpoint, "/", seconds=_SECONDS)
    except Problem as problem:
        if isinstance(problem.__cause__, ConnectionError):  # refused; through ssh, closed at once
            return f"{readers.port} is free"
        if not problem.__cause__:
            raise
    hint = "stop it, or give the target another port in site.toml"
    raise MachineProblem(f"something else has port {readers.port}", hint=hint)


# $1 a word before every answer. "generated": by a Quadlet.
_UNITS: Final = """
word=$1
command -v systemctl >/dev/null || { echo "$word none"; exit; }
for scope in system user; do
    for unit in sealpress podman-restart; do
        case $(systemctl --$scope is-enabled $unit.service 2>/dev/null) in
            enabled*|generated) echo "$word $scope $unit" ;;
        esac
    done
done
[ ! -e "/var/lib/systemd/linger/$(id -un)" ] || echo "$word lingers"
"""


def _reboot(host: Host) -> str:
    """Podman is no daemon that would start containers again: a unit of systemd has to."""
    word = secrets.token_hex(8)
    answer = host.ask(["sh", "-c", _UNITS, "sealpress-units", word])
    found = frozenset(re.findall(rf"^{word} (.+)$", answer, re.MULTILINE))
    if "system sealpress" in found or found >= {"user sealpress", "lingers"}:
        return "sealpress.service starts the site again"
    if "user sealpress" in found:
        message = "sealpress.service starts the site again when the account logs in, and not before"
        raise MachineProblem(message, hint="on the host: sudo loginctl enable-linger $USER")
    why = "there is no systemd" if "none" in found else "there is no sealpress.service"
    if any("podman-restart" in one for one in found):
        why += ", and most versions of podman-restart.service pass these containers over"
    raise MachineProblem(
        f"nothing starts the site again: {why}",
        hint='write one there, as "Publish to a host over ssh" shows; until then, publish start after each reboot',
    )
