"""Which keys of site.toml are others now, as a person names them."""

from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.cache.settings import Stated, differing, stated

SITE = '[site]\ntitle = "T"\nurl = "https://t.example.org/"\nlanguages = ["en", "fr"]\n'


def of(root: Path, more: str, site: str = SITE) -> Stated:
    (root / "site.toml").write_text(site + more, encoding="utf-8")
    return stated(sitefile.load(root / "site.toml"))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("", "", ()),
        ("", "# only a comment", ()),
        ("", "[feeds]\nlimit = 20", ()),  # which is the default
        ("", "[feeds]\nlimit = 3", ("[feeds] limit",)),
        ("[feeds]\nlimit = 3", "", ("[feeds] limit",)),
        ("[params]\na = 1\nb = 1", "[params]\nb = 1\na = 2", ("[params] a",)),
        ("[language.fr]\ntitle = 'U'", "[language.fr]\ntitle = 'V'", ("[language.fr] title",)),
        ("", "[publish.live]\nhost = 'a'", ("[publish.live] host",)),
        ("[image.headers]\nX-A = 'b'", "[image.headers]\nX-A = 'c'", ("[image.headers] X-A",)),
        ("menus.main = [{title = 'A', url = '/'}]", "menus.main = [{title = 'B', url = '/'}]", ("[menus] main",)),
        ("[theme]\nfooter = 'A'", "[theme]\nfooter = {en = 'A'}", ("[theme.footer] en", "[theme] footer")),
        ("[params]\na = true", "[params]\na = 1", ("[params] a",)),
    ],
)
def test_a_change_is_named_by_its_keys(before: str, now: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    if before.startswith("menus"):
        before, now = (f"[lists]\n[menus]\n{text.removeprefix('menus.')}" for text in (before, now))
    assert differing(of(tmp_path, before), of(tmp_path, now)) == expected


def test_what_follows_from_a_key_is_not_named_beside_it(tmp_path: Path) -> None:
    now = of(tmp_path, "", SITE.replace('["en", "fr"]', '["fr", "en"]'))
    assert differing(of(tmp_path, ""), now) == ("[site] languages",)


def test_nothing_is_known_of_no_build(tmp_path: Path) -> None:
    assert differing({}, of(tmp_path, "")) == ("[site] title", "[site] url", "[site] languages")
