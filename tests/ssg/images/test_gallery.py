"""What is known of an image is found again by what it depends on, and Pillow is asked only for the rest."""

import hashlib
from pathlib import Path

import pytest

from sealpress.commands.console import SILENT
from sealpress.config.settings import ImagesSettings
from sealpress.problems import Problem, Problems
from sealpress.processes import workers as pool
from ssg.cache import software
from ssg.cache.store import Store
from ssg.images import raster
from ssg.images.gallery import Gallery
from tests.ssg.images.pictures import gradient, save

SETTINGS = ImagesSettings(widths=(20, 40))


def gallery_of(root: Path, **changed: object) -> Gallery:
    names = sorted(str(path.relative_to(root)) for path in root.glob("content/*"))
    sources = {name: (None, hashlib.sha256((root / name).read_bytes()).hexdigest()) for name in names}
    given = {"settings": SETTINGS, "store": Store(root / "store"), "sources": sources, "pillow": "13.0.0"} | changed
    return Gallery(root, **given)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save(tmp_path / "content/a.png", gradient(60, 40))
    save(tmp_path / "content/b.jpg", gradient(30, 40))
    (tmp_path / "content/c.txt").write_text("<svg/>")
    return tmp_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Pillow was asked for."""
    asked: list[str] = []
    look, encoded = raster.look, raster.encoded
    monkeypatch.setattr(raster, "look", lambda *given: asked.append(f"look {given[1]}") or look(*given))
    monkeypatch.setattr(raster, "encoded", lambda *given: asked.append(f"make {given[1]}") or encoded(*given))
    return asked


def test_an_image_is_looked_at_once_and_a_variant_is_made_once(root: Path, calls: list[str]) -> None:
    first = gallery_of(root)
    first.learn(["content/a.png", "content/b.jpg"], 1, SILENT)
    found = first.picture("content/a.png")
    assert found is not None
    assert [(one.width, one.height) for one in found.variants] == [(20, 13), (40, 27)]
    made = [first.content("content/a.png", one.output, 78) for one in found.variants]
    assert calls == ["look content/a.png", "look content/b.jpg", "make content/a.png", "make content/a.png"]
    again = gallery_of(root)
    assert again.picture("content/a.png") == found
    assert [again.content("content/a.png", one.output, 78) for one in found.variants] == made
    assert len(calls) == 4


def test_what_the_last_build_knew_is_believed_for_the_same_content_alone(root: Path, calls: list[str]) -> None:
    first = gallery_of(root)
    first.learn(["content/a.png"], 1, SILENT)
    other = Store(root / "other")
    known = gallery_of(root, store=other, seen=dict(first.seen))
    assert known.picture("content/a.png") == first.picture("content/a.png")
    save(root / "content/a.png", gradient(50, 50))
    changed = gallery_of(root, store=other, seen=dict(first.seen)).picture("content/a.png")
    assert changed is not None
    assert (changed.width, changed.height) == (50, 50)
    assert calls == ["look content/a.png"] * 2


@pytest.mark.parametrize("what", ["quality", "pillow", "code"])
def test_another_quality_or_software_makes_it_anew(
    what: str, root: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gallery_of(root).picture("content/a.png")
    assert first is not None
    gallery_of(root).content("content/a.png", first.variants[0].output, 78)
    calls.clear()
    changed, quality = gallery_of(root), 78
    match what:
        case "quality":
            quality = 50
            changed = gallery_of(root, settings=ImagesSettings(widths=(20, 40), quality=50))
        case "pillow":
            changed = gallery_of(root, pillow="14.0.0")
        case "code":
            monkeypatch.setattr(software, "digest", lambda: "other")
    found = changed.picture("content/a.png")
    assert found is not None
    changed.content("content/a.png", found.variants[0].output, quality)
    assert calls[-1] == "make content/a.png"


def test_what_is_no_image_is_not_looked_at(root: Path, calls: list[str]) -> None:
    assert gallery_of(root).picture("content/c.txt") is None
    assert gallery_of(root).picture("content/gone.png") is None
    assert calls == []


def test_all_bad_images_are_told_of_at_once_whoever_looked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ALONE", 2)
    for name in ("x.png", "y.png", "z.jpg"):
        (root / "content" / name).write_text("text")
    images = [name for name in gallery_of(root).sources if not name.endswith("txt")]
    told = []
    for workers in (1, 3):
        with pytest.raises(Problems) as caught:
            gallery_of(root).learn(images, workers, SILENT)
        told.append([(one.place and one.place.file, one.message) for one in caught.value.each])
    assert told[0] == told[1]
    assert [file for file, _ in told[0]] == ["content/x.png", "content/y.png", "content/z.jpg"]


def test_a_damaged_result_in_the_store_is_made_anew(root: Path) -> None:
    found = gallery_of(root).picture("content/a.png")
    assert found is not None
    output = found.variants[0].output
    data = gallery_of(root).content("content/a.png", output, 78)
    for file in (root / "store").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1] + b"\0")
    assert gallery_of(root).content("content/a.png", output, 78) == data


def test_an_image_that_is_damaged_behind_its_header_is_a_problem_when_it_is_made(root: Path) -> None:
    file = root / "content/a.png"
    data = file.read_bytes()
    at = data.index(b"IDAT") + 4
    file.write_bytes(data[:at] + bytes(20) + data[at + 20 :])
    found = gallery_of(root).picture("content/a.png")
    assert found is not None
    with pytest.raises(Problem, match="is damaged"):
        gallery_of(root).content("content/a.png", found.variants[0].output, 78)
