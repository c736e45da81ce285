"""One small broken site for every fault that an author can make, each with the very words that it is answered with.

After a change that is meant to change words: `SEALPRESS_RENEW_EXPECTED=1 pytest tests/ssg/test_invalid_sites.py`, then
read the difference as an author would.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.commands.console import SILENT
from sealpress.problems import Exit
from ssg import cli
from ssg.cache import stamps, store
from ssg.output.stage import staged
from tests.ssg.images import pictures

SITES = Path(__file__).parents[1] / "invalid_sites"
EXPECTED = "expected.txt"


def _case(root: Path) -> None:
    (root / "content" / "About.md").write_text("---\ntitle: About\n---\n")


def _not_utf8(root: Path) -> None:
    (root / "content" / os.fsdecode(b"caf\xe9.md")).write_text("---\ntitle: Coffee\n---\n")


def _whole_image(root: Path) -> None:
    pictures.save(root / "content/posts/trip/laek.jpg", pictures.corners())


def _half_an_image(root: Path) -> None:
    file = pictures.save(root / "content/lake.jpg", pictures.gradient(900, 600))
    file.write_bytes(file.read_bytes()[:2000])


def _half_a_gif(root: Path) -> None:
    file = pictures.save(root / "content/lake.gif", pictures.gradient(900, 600))
    file.write_bytes(file.read_bytes()[:2000])


def _jpeg_called_png(root: Path) -> None:
    pictures.save(root / "content/map.png", pictures.corners(), format="jpeg")


def _bomb(root: Path) -> None:
    (root / "content/map.png").write_bytes(pictures.bomb(60_000, 60_000))


# What a clone can't hold everywhere is made here, and images are.
MADE: dict[str, Callable[[Path], None]] = {
    "names-of-one-case": _case,
    "name-not-utf8": _not_utf8,
    "image-missing": _whole_image,
    "image-truncated": _half_an_image,
    "image-cut-gif": _half_a_gif,
    "image-wrong-ending": _jpeg_called_png,
    "image-too-large": _bomb,
}


def files_of(root: Path) -> list[Path]:
    """What is there, less the results that later builds may use again."""
    return sorted(path for path in root.rglob("*") if store.NAME not in path.relative_to(root).parts[:1])


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Runs `ssg build` where a site is, as a shell would; gives what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(sys, "argv", ["ssg", "build", "--quiet"])

    def run() -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (Exit.SITE, ""), err
        return err

    return run


@pytest.mark.parametrize("name", sorted(folder.name for folder in SITES.iterdir()))
def test_a_broken_site_is_answered_and_nothing_is_written(name: str, tmp_path: Path, build: Callable[[], str]) -> None:
    shutil.copytree(SITES / name, tmp_path, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(EXPECTED))
    if name in MADE:
        MADE[name](tmp_path)
    before = files_of(tmp_path)
    said = build().replace(str(tmp_path), "SITE")
    if os.environ.get("SEALPRESS_RENEW_EXPECTED"):
        (SITES / name / EXPECTED).write_text(said, encoding="utf-8")
    assert said == (SITES / name / EXPECTED).read_text(encoding="utf-8")
    assert files_of(tmp_path) == before

    older = tmp_path / "public"
    with staged(older, None, None, SILENT) as stage:
        written = {"index.html": stage.put("index.html", b"<p>The older site")}
        stage.commit(written.keys(), written)
    stamp = stamps.stamp(older / "index.html")
    assert build().replace(str(tmp_path), "SITE") == said
    assert sorted(path.name for path in older.iterdir()) == ["index.html"]
    assert stamps.stamp(older / "index.html") == stamp


# Words by which a sentence is its own advice.
ADVICE = (
    "hint: ",
    "(did you mean ",
    " must ",
    " needs the key ",
    ": use {",
    "such as",
    "Jinja was looking for",
    "the reference of templates",
)


def test_every_message_names_a_place_and_a_way_out() -> None:
    for name in sorted(folder.name for folder in SITES.iterdir()):
        said = (SITES / name / EXPECTED).read_text(encoding="utf-8")
        assert said.startswith("error: "), name
        assert name in {"no-site-toml", "name-not-utf8"} or said.split(": ")[1].startswith(
            ("site.toml", "content", "static", "templates", "data", "i18n")
        ), said
        assert any(words in said for words in ADVICE), said
