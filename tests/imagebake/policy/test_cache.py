"""What pages need is read once: the cache changes no policy, and holds no more than the tree."""

from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.policy import header, needs
from sealpress.config.settings import ImageSettings
from sealpress.policy import pages
from sealpress.problems import Problems
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.imagebake.policy.conftest import NOTHING, policy

PAGES = {
    "index.html": "<script>a()</script>",
    "b.html": "<img src=i>",
    "c.css": "a{b:url(d)}",
    "e.svg": "<svg onload='f()'/>",
}


def test_a_second_time_no_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy(tmp_path, PAGES)
    monkeypatch.setattr(needs, "_loads", None)
    assert policy(tmp_path, PAGES) == first


def test_what_was_read_beforehand_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {path: text.encode() for path, text in PAGES.items()}))
    documents = header.unread(found, ImageSettings(), "site")
    assert [one.path for one in documents] == sorted(PAGES)
    known = needs.read(found, documents)
    expected = header.compute(found, ImageSettings(), name="other")
    monkeypatch.setattr(needs, "_loads", None)
    assert header.compute(found, ImageSettings(), known=known) == expected
    assert header.unread(found, ImageSettings(), "site") == [], "and it is kept"
    assert header.unread(found, replace(ImageSettings(), policy="off"), "third") == []
    assert header.unread(found, replace(ImageSettings(), policy="default-src *"), "third") == []


def test_what_cannot_be_read_beforehand_is_told_in_its_turn(tmp_path: Path) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {"a.html": b"<p>one</p>", "b.html": b"<p>", "c.html": b"<i>"}))
    (tmp_path / "tree/a.html").write_bytes(b"<p>two</p>")
    (tmp_path / "tree/b.html").unlink()
    known = needs.read(found, found.entries)
    assert len(known) == 1
    with pytest.raises(Problems) as caught:
        header.compute(found, ImageSettings(), known=known)
    assert [one.message for one in caught.value.each] == [
        '"a.html" changed while it was read',
        'can\'t read "b.html": No such file or directory',
    ]


def test_the_cache_holds_no_more_than_the_tree(tmp_path: Path, own_cache: Path) -> None:
    policy(tmp_path, PAGES)
    (index,) = (own_cache / "policies").iterdir()
    before = index.stat().st_size
    for number in range(5):
        policy(tmp_path, {"index.html": f"<script>a({number})</script>"})
    assert index.stat().st_size == before


@pytest.mark.parametrize("damage", ["", "{}", "0" * 64 + "\n{}", "\xff\n\n"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, own_cache: Path, damage: str) -> None:
    first = policy(tmp_path, PAGES)
    (index,) = (own_cache / "policies").iterdir()
    good = index.read_bytes()
    index.write_bytes(damage.encode("latin-1"))
    assert policy(tmp_path, PAGES) == first
    assert index.read_bytes() == good


def test_other_rules_read_everything_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(tmp_path, PAGES)
    # As another version of sealpress would have it.
    monkeypatch.setattr(needs, "_RULES", needs._RULES + 1)
    monkeypatch.setattr(pages, "READERS", dict.fromkeys(pages.READERS, lambda _text: []))
    assert policy(tmp_path, PAGES) == NOTHING


def test_without_a_cache_it_takes_longer_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy(tmp_path, PAGES)
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "file"))
    assert policy(tmp_path, PAGES) == first


def test_settings_that_say_the_same_give_the_same_policy(tmp_path: Path) -> None:
    one = ImageSettings(third_parties=("https://a.example", "https://b.example"))
    page = {"index.html": "<img src=https://b.example/><img src=https://a.example/>"}
    other = replace(one, third_parties=one.third_parties[::-1])
    assert policy(tmp_path, page, one) == policy(tmp_path, page, other)
