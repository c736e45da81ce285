"""`ssg new`: pages from archetypes, and drafts of translations."""

import datetime as dt
from pathlib import Path

import pytest
from click.testing import CliRunner

from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Exit, Problem
from ssg.authoring.archetypes import new, translation
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.cli import ssg
from ssg.content import front_matter
from ssg.content.sources import Options

DAY = dt.date(2026, 5, 4)


@pytest.fixture
def site(tmp_path: Path) -> SiteFile:
    return made(tmp_path, '["en", "fr"]')


def made(folder: Path, languages: str) -> SiteFile:
    text = f'[site]\ntitle = "T"\nurl = "https://t.example.org/"\nlanguages = {languages}\n'
    (folder / "site.toml").write_text(text)
    page(folder, "content/about.md", "---\ntitle: About\n---\nWho.\n")
    return sitefile.load(folder / "site.toml")


def page(folder: Path, source: str, text: str) -> None:
    (folder / source).parent.mkdir(parents=True, exist_ok=True)
    (folder / source).write_text(text)


def title_of(site: SiteFile, source: str) -> str:
    return front_matter.read((site.root / source).read_bytes(), source).front_matter.title


@pytest.mark.parametrize(
    ("kind", "title", "language", "folder", "source"),
    [
        ("post", "First light", "", "", "content/posts/first-light.md"),
        ("post", "First light", "en", "2026", "content/posts/2026/first-light.md"),
        ("post", "L'été à Œuvre", "fr", "", "content/posts/l-ete-a-oeuvre.fr.md"),
        ("page", 'Star: "charts" \\ #1 {{ x }}', "", "docs/sky", "content/docs/sky/star-charts-1-x.md"),
        ("page", "日記", "", "", "content/日記.md"),
        ("page", "true", "", "", "content/true.md"),
        ("page", "- 2026-01-01", "", "", "content/2026-01-01.md"),
    ],
)
def test_a_page_has_its_title_at_its_place(
    site: SiteFile, kind: str, title: str, language: str, folder: str, source: str
) -> None:
    assert new(site, kind, title, language, folder, DAY) == source  # type: ignore[arg-type]
    assert title_of(site, source) == title
    assert ("date: 2026-05-04" in (site.root / source).read_text()) == (kind == "post")
    build(Request(site, site.root.parent / "out"))


def test_languages_by_folder_stay_by_folder(tmp_path: Path) -> None:
    site = made(tmp_path, '["en", "fr"]')
    page(tmp_path, "content/fr/about.md", "---\ntitle: À propos\n---\n")
    assert new(site, "post", "Un", "fr", "", DAY) == "content/fr/posts/un.md"
    assert new(site, "post", "One", "", "", DAY) == "content/en/posts/one.md"
    assert translation(site, tmp_path / "content/en/posts/one.md", "", "fr") == "content/fr/posts/one.md"


def test_an_archetype_is_filled_the_language_s_own_first(site: SiteFile) -> None:
    page(site.root, "archetypes/post.md", "---\ntitle: {{title}}\ndate: {{ date }}\ntags: [x]\n---\n{{ language }}\n")
    page(site.root, "archetypes/post.fr.md", "---\ntitle: {{ title }}\ndate: {{ date }}\n---\nBonjour\n")
    one, un = new(site, "post", "One", "", "", DAY), new(site, "post", "Un", "fr", "", DAY)
    assert (site.root / one).read_text() == '---\ntitle: "One"\ndate: 2026-05-04\ntags: [x]\n---\nen\n'
    assert (site.root / un).read_text().endswith("---\nBonjour\n")


def test_a_faulty_archetype_is_told_at_its_place(site: SiteFile) -> None:
    page(site.root, "archetypes/post.md", "---\ntitle: {{ titel }}\n---\n")
    with pytest.raises(Problem, match=r'no "titel" \(did you mean "title"') as caught:
        new(site, "post", "One", "", "", DAY)
    assert str(caught.value.place) == "archetypes/post.md:2:8"
    (site.root / "archetypes/post.md").write_bytes(b"\xff")
    with pytest.raises(Problem, match="is not UTF-8"):
        new(site, "post", "One", "", "", DAY)
    assert not (site.root / "content/posts").exists()


def test_an_archetype_that_leads_out_of_the_repository_is_not_read(site: SiteFile, tmp_path: Path) -> None:
    (site.root / ".git").mkdir()
    outside = tmp_path.parent / f"{tmp_path.name}-secret"
    outside.write_text("secret {{ title }}")
    (site.root / "archetypes").mkdir()
    (site.root / "archetypes/post.md").symlink_to(outside)
    with pytest.raises(Problem, match=r"can't read archetypes/post\.md"):
        new(site, "post", "One", "", "", DAY)


@pytest.mark.parametrize(
    ("title", "language", "folder", "said"),
    [
        ("…", "", "", "the title gives no file name"),
        ("a\x07b", "", "", "the title gives no file name"),
        ("a\nb", "", "", "the title gives no file name"),
        ("About", "", "", "content/about.md is there already"),
        ("One", "de", "", '"de" is not one of the site\'s languages'),
        ("One", "", "..", "must lie below"),
        ("One", "", "/etc", "must lie below"),
        ("One", "", "a/../../..", "must lie below"),
    ],
)
def test_what_can_t_be_is_said_and_nothing_written(
    site: SiteFile, title: str, language: str, folder: str, said: str
) -> None:
    before = sorted(site.root.rglob("*"))
    with pytest.raises(Problem, match=said) as caught:
        new(site, "page", title, language, folder, DAY)
    assert caught.value.code is Exit.USAGE
    assert sorted(site.root.rglob("*")) == before


def test_a_link_leads_no_page_elsewhere(site: SiteFile, tmp_path: Path) -> None:
    (site.root / ".git").mkdir()
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (site.root / "content/posts").symlink_to(outside)
    with pytest.raises(Problem):
        new(site, "post", "One", "", "", DAY)
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("---\ntitle: One\ntags: [x]\n---\n", ""),
        ("---\ntitle: One\n---\n", "Un: deux"),
        ("---\ndraft: false\ntitle: One\n---\n", "Un"),
        ("---\r\ntitle: One\r\n---\r\n", "Un"),
        ('+++\ntitle = "One"\n[params]\nx = 1\n+++\n', "Un"),
        ('+++\ntitle = "One"\ndraft = true\n+++\n', ""),
    ],
)
def test_a_translation_begins_as_a_draft_with_the_text(site: SiteFile, head: str, title: str) -> None:
    (site.root / "content/one.md").write_bytes(f"{head}Text é.\n".encode())
    source = translation(site, site.root / "content/one.md", title, "")
    assert source == "content/one.fr.md"
    read = front_matter.read((site.root / source).read_bytes(), source)
    assert read.front_matter.draft
    assert read.front_matter.title == (title or "One")
    assert read.body == "Text é.\n"
    built = build(Request(site, site.root.parent / "out", Options(drafts=True)))
    assert built.pages["fr"] == 1


def test_what_is_no_page_or_no_other_language_is_refused(site: SiteFile, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.md"
    other.write_text("---\ntitle: X\n---\n")
    for file, language, said in (
        (other, "fr", "is no page of this site"),
        (site.root / "content/missing.md", "fr", "is no page of this site"),
        (site.root / "content/../site.toml", "fr", "is no page of this site"),
        (site.root / "content/about.md", "en", 'is in "en" already'),
        (site.root / "content/about.md", "de", "is not one of the site's languages"),
    ):
        with pytest.raises(Problem, match=said) as caught:
            translation(site, file, "", language)
        assert caught.value.code is Exit.USAGE
    page(site.root, "content/odd.md", '---\n"title": One\n---\n')
    with pytest.raises(Problem, match="can't be taken over"):
        translation(site, site.root / "content/odd.md", "Un", "fr")
    many = made(tmp_path / "many", '["en", "fr", "de"]') if (tmp_path / "many").mkdir() is None else site
    with pytest.raises(Problem, match="into which language") as caught:
        translation(many, many.root / "content/about.md", "", "")
    assert caught.value.hint == "name one with --lang: fr, de"


def test_the_command(site: SiteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.root)
    done = CliRunner().invoke(ssg, ["new", "post", "First light"])
    assert (done.exit_code, done.stdout) == (0, "content/posts/first-light.md\n")
    done = CliRunner().invoke(ssg, ["new", "post", "--translates", "content/posts/first-light.md"])
    assert done.stdout == "content/posts/first-light.fr.md\n"
    assert CliRunner().invoke(ssg, ["new", "post"]).exit_code == Exit.USAGE
    assert CliRunner().invoke(ssg, ["new", "news", "X"]).exit_code == Exit.USAGE
