"""A small blog that `ssg why` is asked about, and what it says."""

from pathlib import Path

from sealpress.config import sitefile
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.cache.store import folder_of
from ssg.explain import text as telling
from ssg.explain.why import Explanation, Use, asked

SITE = """\
[site]
title = "T"
url = "https://t.example.org/blog/"
languages = ["en"]
[theme]
accent = "blue"
"""


def begun(root: Path) -> Path:
    """Three posts, the one in the middle with neighbours; built once."""
    write(root, "site.toml", SITE)
    for number, name in enumerate(["early", "middle", "late"], 1):
        write(root, f"content/posts/{name}.md", post(name.title(), number))
    write(root, "content/about.md", "---\ntitle: About\n---\n[A post](posts/middle.md)\n")
    write(root, "content/notes/deep.md", "---\ntitle: Deep\n---\n")
    write(root, "static/plan.txt", "A plan\n")
    write(root, "templates/404.html", "<p>{{ site.title }}</p>\n")
    made(root)
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def post(title: str, day: int = 1, body: str = "Text") -> str:
    return f"---\ntitle: {title}\ndate: 2026-01-{day:02}\ntags: [red]\n---\n{body}\n"


def made(root: Path) -> Built:
    site = sitefile.load(root / "site.toml", "site.toml")
    return build(Request(site, root / "public", store=folder_of(root)))


def why(root: Path, path: str) -> Explanation | Use:
    return asked(sitefile.load(root / "site.toml", "site.toml"), root / "public", path)


def shown(root: Path, path: str, *, whole: bool = False) -> list[str]:
    """The lines, with one blank for many."""
    return [" ".join(line.split()) for line in telling.lines(why(root, path), 200, whole=whole)]


def part(lines: list[str], title: str) -> list[str]:
    """The rows below a title."""
    start = lines.index(title) + 1
    return lines[start : lines.index("", start) if "" in lines[start:] else None]
