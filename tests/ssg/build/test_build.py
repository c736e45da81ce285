"""The whole build: links resolved, feeds that stand alone, an output folder in which nothing is lost or left over."""

import html
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.problems import Exit, Problem
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.content.sources import Options

ATOM = "{http://www.w3.org/2005/Atom}"
SITE = '[site]\ntitle = "T"\nurl = "https://t.example.org/blog/"\nlanguages = ["en", "fr"]\n'


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    write(tmp_path / "site.toml", SITE)
    page(tmp_path, "about.md", "About", "## Me\n\n[Post](posts/first.md#a-part)")
    page(tmp_path, "about.fr.md", "À propos", "## Moi\n\n[Billet](posts/first.md)")
    page(
        tmp_path,
        "posts/first.md",
        "First",
        "Text[^1] and [me](../about.md#me).\n\n## A part\n\n[^1]: A note.",
        date="2026-05-04",
        tags="[x]",
    )
    page(
        tmp_path,
        "posts/first.fr.md",
        "Premier",
        "[Moi](../about.md#moi), [tout](/fr/tags/)",
        date="2026-05-04",
        tags="[x]",
    )
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def page(root: Path, name: str, title: str, body: str, **keys: str) -> None:
    head = "".join(f"{key}: {value}\n" for key, value in {"title": title, **keys}.items())
    write(root / "content" / name, f"---\n{head}---\n{body}\n")


def built(root: Path, output: Path | None = None, **options: bool) -> Built:
    site = sitefile.load(root / "site.toml", "site.toml")
    return build(Request(site, output or root / "public", Options(**options), in_git=False))


def hrefs(text: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'(?:href|src)="([^"]*)"', text)]


def test_links_lead_to_the_readers_language_below_the_sites_own_path(blog: Path) -> None:
    built(blog)
    assert "/blog/posts/first/#a-part" in hrefs((blog / "public/about/index.html").read_text("utf-8"))
    french = hrefs((blog / "public/fr/about/index.html").read_text("utf-8"))
    assert "/blog/fr/posts/first/" in french
    assert "/blog/fr/tags/" in hrefs((blog / "public/fr/posts/first/index.html").read_text("utf-8"))


def test_every_link_in_a_feed_is_a_whole_url(blog: Path) -> None:
    built(blog)
    entries = ET.parse(blog / "public/feed.xml").getroot().findall(f"{ATOM}entry")
    found = [
        link
        for entry in entries
        for name in ("summary", "content")
        for link in hrefs(entry.findtext(f"{ATOM}{name}") or "")
    ]
    assert found
    assert [link for link in found if not link.startswith("https://t.example.org/blog/")] == []


def test_a_link_from_one_language_to_a_page_that_only_another_has_leads_there(blog: Path) -> None:
    page(blog, "only.md", "Only", "Here.")
    page(blog, "seul.fr.md", "Seul", "[Ici](only.md)")
    built(blog)
    assert "/blog/only/" in hrefs((blog / "public/fr/seul/index.html").read_text("utf-8"))


def test_drafts_and_scheduled_pages_come_only_when_asked_for(blog: Path) -> None:
    page(blog, "posts/draft.md", "Draft", "x", date="2026-01-01", draft="true")
    result = built(blog)
    assert result.drafts == ("content/posts/draft.md",)
    assert not (blog / "public/posts/draft").exists()
    built(blog, drafts=True)
    assert (blog / "public/posts/draft/index.html").is_file()


def test_stale_files_go_unchanged_ones_stay_and_so_does_what_is_not_ours(blog: Path) -> None:
    page(blog, "old.md", "Old", "x")
    built(blog)
    public = blog / "public"
    kept = (public / "robots.txt").stat().st_mtime_ns
    (blog / "content/old.md").unlink()
    (public / "link").symlink_to(blog)
    with pytest.raises(Problem, match="no build wrote link in"):
        built(blog)
    assert (public / "old/index.html").is_file()
    (public / "link").unlink()
    assert built(blog).tree.digest == built(blog, blog / "other").tree.digest
    assert not (public / "old").exists()
    assert (public / "robots.txt").stat().st_mtime_ns == kept


def test_a_folder_with_other_files_is_never_cleared(blog: Path) -> None:
    write(blog / "thesis/chapter.txt", "years of work")
    with pytest.raises(Problem, match=r"no build wrote chapter\.txt in") as caught:
        built(blog, blog / "thesis")
    assert caught.value.code is Exit.MACHINE
    assert [path.name for path in (blog / "thesis").iterdir()] == ["chapter.txt"]


def test_a_page_becomes_a_folder_where_a_file_was(blog: Path) -> None:
    write(blog / "static/notes", "a file")
    built(blog)
    (blog / "static/notes").unlink()
    page(blog, "notes.md", "Notes", "x")
    built(blog)
    assert (blog / "public/notes/index.html").is_file()


def test_a_failed_build_leaves_the_old_tree(blog: Path) -> None:
    before = built(blog).tree.digest
    page(blog, "broken.md", "Broken", "[x](nowhere.md)")
    with pytest.raises(Problem, match=r"nowhere\.md"):
        built(blog)
    (blog / "content/broken.md").unlink()
    assert built(blog).tree.digest == before


def test_a_name_with_a_number_sign_is_reached(blog: Path) -> None:
    """In a URL, "#" begins the anchor: as part of a file's name it must be encoded."""
    write(blog / "content/a#b.txt", "x")
    page(blog, "sharp.md", "Sharp", "[file](a%23b.txt)")
    built(blog)
    assert "/blog/a%23b.txt" in hrefs((blog / "public/sharp/index.html").read_text("utf-8"))
