"""Reads a small site from a table of files, as a build does."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.config.settings import Settings
from sealpress.problems import Exit, Problem
from ssg.content import front_matter
from ssg.content.assets import content_assets, static_assets
from ssg.content.findings import Findings
from ssg.content.location import locate
from ssg.content.model import FrontMatter, Page, Site, Term
from ssg.content.pages import PublishedPages, read_content
from ssg.content.sources import Options, Sources, list_sources
from ssg.content.taxonomies import terms_of
from ssg.l10n.language import Language, language
from ssg.l10n.timezones import timezone

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Read:
    """What reading found."""

    settings: Settings
    languages: dict[str, Language]
    content: PublishedPages
    site: Site

    @property
    def paths(self) -> dict[str, str]:
        """The path of each page, by source less "content/"."""
        return {page.source.removeprefix("content/"): page.path for page in self.content.pages}

    @property
    def assets(self) -> dict[str, str]:
        return {asset.source: asset.path for asset in self.site.assets}

    @property
    def tags(self) -> tuple[Term, ...]:
        return terms_of(self.settings, self.site.posts_by_language, self.languages)

    def page(self, source: str) -> Page:
        return self.site.by_source[f"content/{source}"]


Reader = Callable[..., Read]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reading(
        files: dict[str, str],
        toml: str = "",
        *,
        languages: Iterable[str] = ("en", "fr"),
        options: Options = Options(),  # noqa: B008 - frozen
        in_git: bool = False,
        now: dt.datetime | None = NOW,
    ) -> Read:
        listed = ", ".join(f'"{tag}"' for tag in languages)
        head = f'[site]\ntitle = "T"\nurl = "https://example.org/"\nlanguages = [{listed}]\n'
        (tmp_path / "site.toml").write_text(head + toml)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        settings = sitefile.load(tmp_path / "site.toml", "site.toml").settings
        sources = list_sources(tmp_path, [settings.build.content, settings.build.static], in_git=in_git)
        tags = {tag: language(tag) for tag in settings.site.languages}
        findings = Findings()
        content = read_content(
            settings,
            sources,
            heads(settings, sources, findings),
            tags,
            timezone(settings.site.timezone),
            lambda dates: now or max(dates, default=NOW),
            options,
            findings,
            set(),
        )
        findings.check()
        assets = content_assets(settings, sources, content.pages) + static_assets(settings, sources)
        return Read(settings, tags, content, Site(tmp_path, settings, content.pages, (), assets, content.as_of))

    return reading


def heads(settings: Settings, sources: Sources, findings: Findings) -> dict[str, tuple[FrontMatter, int]]:
    found: dict[str, tuple[FrontMatter, int]] = {}
    for file in sources.below("content"):
        if file.endswith(".md"):
            with findings.collecting(file):
                locate(settings, file)
                document = front_matter.read((sources.root / file).read_bytes(), file)
                found[file] = document.front_matter, document.body_line
    return found


def page(title: str = "Page", body: str = "Text.\n", **more: object) -> str:
    """A page's file; `more` is front matter."""
    return f"---\ntitle: {title}\n" + "".join(f"{key}: {value}\n" for key, value in more.items()) + f"---\n\n{body}"


def post(title: str = "Post", date: str = "2026-05-04", **more: object) -> str:
    return page(title, date=date, **more)


def complaints(read: Reader, files: dict[str, str], toml: str = "") -> list[str]:
    """What reading these files tells, each with its place."""
    with pytest.raises(Problem) as caught:
        read(files, toml)
    assert {problem.code for problem in caught.value.each} == {Exit.SITE}
    return [f"{problem.place}: {problem.message}" for problem in caught.value.each]
