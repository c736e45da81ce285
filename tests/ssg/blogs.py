"""A small blog that tests change in every way that an author changes one, and what a build of it gives."""

import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sealpress.commands.console import SILENT, Progress
from sealpress.config import sitefile
from sealpress.problems import Problem
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.content.sources import Options
from ssg.rendering.output_kind import OutputKind
from ssg.rendering.theme.theme import built_in_folder

HEAD: Mapping[str, str] = {"date": "2026-01-05", "tags": "[red]"}

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "site": {"title": "One", "url": "https://t.example.org/", "languages": ["en", "fr"]},
    "lists": {"per_page": 2},
}


@dataclass
class Blog:
    """A site's folder, its settings, and how it is built. `output` and `store` are beside it. It is an export, of which
    every file counts, until `track`.
    """

    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    clock: dt.datetime | None = None
    workers: int = 1
    place: str = "public"
    kinds: Sequence[OutputKind] = ()
    in_git: bool = False

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.settings = {name: dict(table) for name, table in SETTINGS.items()}
        self.write_settings()

    @property
    def root(self) -> Path:
        return self.folder / "blog"

    @property
    def output(self) -> Path:
        return self.folder / self.place

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def track(self) -> None:
        """Commits all that is there. What comes later is untracked, and built all the same."""
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false")
        for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "One")):
            subprocess.run(["git", *command], cwd=self.root, check=True, timeout=60)
        self.in_git = True

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def page(self, path: str, body: str, **head: str) -> None:
        """A page below content/. Values of the head are YAML as it is written; "" leaves a key out."""
        name = path.rpartition("/")[2].partition(".")[0]
        keys = {"title": name} | (dict(HEAD) if path.startswith("posts/") and name != "index" else {}) | head
        lines = "".join(f"{key}: {value}\n" for key, value in keys.items() if value)
        self.write(f"content/{path}", f"---\n{lines}---\n{body}\n")

    def body(self, path: str, body: str) -> None:
        """Another body for a page that is there."""
        file = self.root / "content" / path
        head = file.read_text("utf-8").split("\n---\n", 1)[0]
        file.write_text(f"{head}\n---\n{body}\n", encoding="utf-8")

    def set(self, table: str, key: str, value: object) -> None:
        """A setting, or None for its default."""
        self.settings.setdefault(table, {})[key] = value
        self.write_settings()

    def write_settings(self) -> None:
        """As site.toml. JSON's texts, numbers and lists are TOML too."""
        lines = []
        for table, keys in self.settings.items():
            lines.append(f"[{table}]")
            lines += [f"{key} = {_toml(value)}" for key, value in keys.items() if value is not None]
        self.write("site.toml", "\n".join(lines) + "\n")

    def own_theme(self) -> None:
        """A copy of the default theme in the site's own folder `own`."""
        if not (self.root / "own").exists():
            shutil.copytree(built_in_folder() / "plain", self.root / "own")

    def pages(self) -> list[str]:
        """All page sources, below content/."""
        content = self.root / "content"
        return sorted(str(path.relative_to(content)) for path in content.rglob("*.md"))

    def data(self) -> list[Path]:
        """All that lies in the data folder."""
        return sorted(path for path in (self.root / "data").rglob("*") if path.is_file())

    def request(self, output: Path, store: Path | None, workers: int = 1) -> Request:
        site = sitefile.load(self.root / "site.toml", "site.toml", is_tolerant=True)
        given = {"as_of": self.clock, "store": store, "workers": workers, "kinds": self.kinds}
        return Request(site, output, self.options, dirty=self.in_git, in_git=self.in_git, **given)

    def built(self, progress: Progress = SILENT) -> "Built | list[object]":
        """A build on top of what the last one left; or its faults."""
        return tried(lambda: build(self.request(self.output, self.store, self.workers), progress))

    def clean(self) -> "Built | list[object]":
        """A build that knows of no other, into `folder/clean`."""
        shutil.rmtree(self.folder / "clean", ignore_errors=True)
        return tried(lambda: build(self.request(self.folder / "clean", None)))


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def tried(work: Any) -> "Built | list[object]":
    """What it gives, or all that its problems say."""
    try:
        built: Built = work()
    except Problem as problem:
        return [(one.message, one.place, one.hint, one.code) for one in problem.each]
    return built


def told(result: "Built | list[object]") -> object:
    """All that a build says of itself, besides what it cost."""
    if isinstance(result, list):
        return result
    return (
        result.tree.digest,
        result.tree.entries,
        dict(result.pages),
        result.posts,
        result.drafts,
        result.scheduled,
        result.as_of,
        dict(result.inputs),
        [(one.message, one.place, one.hint, one.code) for one in result.warnings],
    )


def files(root: Path) -> dict[str, bytes | str]:
    """Every file of a tree with its bytes, every link with where it leads; all that stands there."""
    found: dict[str, bytes | str] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            inside = path.relative_to(root).as_posix()
            found[inside] = str(path.readlink()) if path.is_symlink() else path.read_bytes()
    return found


def stamps(root: Path) -> dict[str, int]:
    """When each file of a tree was last written."""
    return {path: (root / path).lstat().st_mtime_ns for path in files(root)}
