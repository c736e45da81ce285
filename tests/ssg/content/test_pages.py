"""The content folder becomes pages: what is published, and when it is from."""

import datetime as dt
import os
import subprocess
import time
from pathlib import Path

import pytest

from ssg.content.model import Page
from ssg.content.sources import Options
from tests.ssg.content.conftest import Reader, complaints, page, post


def test_drafts_and_scheduled_posts_are_left_out_and_told(read: Reader) -> None:
    files = {
        "content/posts/past.md": post(date="2026-05-31"),
        "content/posts/now.md": post(date="2026-06-01"),
        "content/posts/future.md": post(date="2026-06-02"),
        "content/posts/draft.md": post(draft="true"),
        "content/later.md": page(date="2027-01-01"),
        "content/about.md": page(),
    }
    content = read(files).content
    assert [page.source for page in content.pages] == [
        "content/about.md",
        "content/posts/now.md",
        "content/posts/past.md",
    ]
    assert content.drafts == ("content/posts/draft.md",)
    assert content.scheduled == ("content/later.md", "content/posts/future.md")
    everything = read(files, options=Options(drafts=True, future=True)).content
    assert len(everything.pages) == len(files)
    assert (everything.drafts, everything.scheduled) == ((), ())


def test_without_a_commit_the_newest_page_is_the_moment(read: Reader) -> None:
    content = read({"content/posts/a.md": post(date="2031-01-01"), "content/posts/b.md": post()}, now=None).content
    assert content.as_of == dt.datetime(2031, 1, 1, tzinfo=dt.UTC)
    assert content.scheduled == ()


def moments(read: Reader, zone: str, date: str) -> str:
    found = read({"content/posts/x.md": post(date=date)}, f'timezone = "{zone}"\n')
    date_of_page = found.page("posts/x.md").date
    assert date_of_page
    return date_of_page.isoformat()


@pytest.mark.parametrize(
    ("zone", "date", "expected"),
    [
        ("UTC", "2026-05-04", "2026-05-04T00:00:00+00:00"),
        ("Europe/Paris", "2026-05-04", "2026-05-04T00:00:00+02:00"),
        ("Europe/Paris", "2026-01-04", "2026-01-04T00:00:00+01:00"),
        ("Europe/Paris", "2026-05-04 18:30", "2026-05-04T18:30:00+02:00"),
        ("Europe/Paris", "2026-05-04T18:30:00-03:30", "2026-05-04T18:30:00-03:30"),
        ("Europe/Paris", "2026-05-04T18:30:00Z", "2026-05-04T18:30:00+00:00"),
        ("America/St_Johns", "1900-01-01", "1900-01-01T00:00:00-03:30"),
    ],
)
def test_a_date_is_in_the_sites_zone_unless_it_has_its_own(read: Reader, zone: str, date: str, expected: str) -> None:
    assert moments(read, zone, date).startswith(expected)


def test_the_zone_decides_whether_a_post_is_out_yet(read: Reader) -> None:
    """2026-06-01 begins in Auckland while it is still May in Greenwich."""
    files = {"content/posts/x.md": post(date="2026-06-01 06:00")}
    assert not read(files).content.pages
    assert read(files, 'timezone = "Pacific/Auckland"\n').content.pages


def test_the_first_and_the_last_day_there_are(read: Reader) -> None:
    for zone in ("Pacific/Auckland", "America/St_Johns"):
        files = {"content/posts/a.md": post(date="0001-01-01"), "content/posts/b.md": post(date="9999-12-31")}
        found = read(files, f'timezone = "{zone}"\n', options=Options(future=True))
        assert [post.source for post in found.site.posts_by_language["en"]] == [
            "content/posts/b.md",
            "content/posts/a.md",
        ]


def test_all_that_is_wrong_is_told_at_once(read: Reader) -> None:
    files = {"content/a.md": "no head", "content/b.md": page(tilte="x"), "content/c.de.md": page()}
    assert complaints(read, files) == [
        "content/a.md:1:1: the page has no front matter",
        'content/b.md:3:1: unknown key "tilte" in the front matter (did you mean "title"?)',
        'content/c.de.md: "de" is not one of the site\'s languages',
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.md", page(slug="A B"), 'content/a.md:3:7: the slug "A B" can\'t stand in a URL as it is'),
        ("a.md", page(slug="a/b"), 'content/a.md:3:7: the slug "a/b" can\'t stand in a URL as it is'),
        ("a.md", page(slug='"?"'), 'content/a.md:3:7: the slug "?" can\'t stand in a URL as it is'),
        ("!!.md", page(), "content/!!.md: the file's name gives no slug"),
        ("posts/a.md", page("X"), "content/posts/a.md:2:8: a post needs a date"),
        ("posts/a.md", post(updated="2026-05-03"), "content/posts/a.md:4:10: updated is before date"),
        ("posts/a.md", post(tags='[ok, "?"]'), 'content/posts/a.md:4:12: the tag "?" has no letter or digit'),
    ],
)
def test_what_a_page_may_not_say(read: Reader, name: str, text: str, said: str) -> None:
    assert complaints(read, {f"content/{name}": text}) == [said]


def test_a_home_page_needs_no_slug_and_a_posts_index_no_date(read: Reader) -> None:
    found = read({"content/index.md": page(), "content/posts/index.md": page(), "content/fr/posts/index.md": page()})
    assert [page.date for page in found.content.pages] == [None, None, None]


def test_author_is_the_nearest(read: Reader) -> None:
    toml = 'author = "Site"\n[language.fr]\nauthor = "Langue"\n'
    files = {"content/a.md": page(), "content/a.fr.md": page(), "content/b.fr.md": page(author="Own")}
    found = read(files, toml)
    assert [found.page(name).author for name in ("a.md", "a.fr.md", "b.fr.md")] == ["Site", "Langue", "Own"]


def commit(root: Path, when: str) -> None:
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(
            ["git", *command],
            cwd=root,
            env={**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            check=True,
            timeout=60,
        )


def test_git_says_when_a_page_was_updated_where_it_is_asked(read: Reader, tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": post(),
        "content/posts/early.md": post(date="2026-05-20"),
        "content/posts/own.md": post(updated="2026-05-06"),
    }
    toml = "[build]\ngit_dates = true\n"
    read(files, toml)
    commit(tmp_path, "2026-05-10T12:00:00+02:00")
    found = read(files, toml, in_git=True)
    committed = dt.datetime(2026, 5, 10, 10, tzinfo=dt.UTC)
    assert found.page("posts/a.md").updated == committed
    assert found.page("posts/early.md").updated is None  # written before its date: not updated since
    assert found.page("posts/own.md").updated == dt.datetime(2026, 5, 6, tzinfo=dt.UTC)
    assert read(files, in_git=True).page("posts/a.md").updated is None


def test_tags_of_one_slug_are_one_and_sorted_as_the_language_sorts(read: Reader) -> None:
    files = {
        "content/posts/a.md": post(date="2026-05-01", tags="[Python, été, python]"),
        "content/posts/b.md": post(date="2026-05-02", tags='["PYTHON", zebra, "a  b"]'),
        "content/posts/c.fr.md": post(tags="[Œuvre, Été, zèbre]"),
        "content/page.md": page(tags="[ignored]"),
    }
    found = read(files, '[language.fr]\npermalinks.tag = "/mots/{slug}/"\n').tags
    assert [(tag.language, tag.name, tag.path, len(tag.posts)) for tag in found] == [
        ("en", "a b", "/tags/a-b/", 1),
        ("en", "été", "/tags/ete/", 1),
        ("en", "PYTHON", "/tags/python/", 2),
        ("en", "zebra", "/tags/zebra/", 1),
        ("fr", "Été", "/fr/mots/ete/", 1),
        ("fr", "Œuvre", "/fr/mots/oeuvre/", 1),
        ("fr", "zèbre", "/fr/mots/zebre/", 1),
    ]
    python = next(tag for tag in found if tag.slug == "python")
    assert [post.source for post in python.posts] == ["content/posts/b.md", "content/posts/a.md"]


def test_tags_that_are_told_apart_by_a_sign_have_pages_of_their_own(read: Reader) -> None:
    found = read({"content/posts/a.md": post(tags='["C#", "C++", C, "F#"]')}).tags
    assert [(tag.name, tag.path) for tag in found] == [
        ("C", "/tags/c/"),
        ("C#", "/tags/c-sharp/"),
        ("C++", "/tags/c-plus-plus/"),
        ("F#", "/tags/f-sharp/"),
    ]


def test_two_names_never_share_a_page(read: Reader) -> None:
    """Each is told once, where it stands, with the other one; a tag of another language is another tag."""
    files = {
        "content/posts/a.md": post(tags='[R&D, "machine learning"]'),
        "content/posts/b.md": post(tags='[r/d, "Machine  Learning", machine-learning]'),
        "content/posts/c.md": post(tags="[r/d]"),
        "content/posts/d.fr.md": post(tags="[r/d]"),
    }
    where = "in content/posts/a.md, would have one page"
    assert complaints(read, files) == [
        f'content/posts/b.md:4:8: the tags "r/d" and "R&D", {where}, "r-d"',
        f'content/posts/b.md:4:34: the tags "machine-learning" and "machine learning", {where}, "machine-learning"',
    ]


def test_assets_go_where_their_page_goes(read: Reader) -> None:
    files = {
        "content/index.md": page(),
        "content/top.png": "",
        "content/docs/index.md": page(slug="manual"),
        "content/docs/index.fr.md": page(slug="manuel"),
        "content/docs/plan.svg": "",
        "content/docs/img/deep.svg": "",
        "content/docs/x.md": page(),
        "content/posts/trip/index.fr.md": post(slug="voyage"),
        "content/posts/trip/lake.jpg": "",
        "content/posts/both/index.md": post(),
        "content/posts/both/index.fr.md": post(slug="les-deux"),
        "content/posts/both/é a.jpg": "",
        "content/posts/loose.jpg": "",
        "content/fr/loose.jpg": "",
        "static/a/b.css": "",
        "static/robots.txt": "",
    }
    assert read(files).assets == {
        "content/top.png": "/top.png",
        "content/docs/plan.svg": "/manual/plan.svg",
        "content/docs/img/deep.svg": "/manual/img/deep.svg",
        "content/posts/trip/lake.jpg": "/fr/posts/voyage/lake.jpg",
        "content/posts/both/é a.jpg": "/posts/both/é a.jpg",
        "content/posts/loose.jpg": "/posts/loose.jpg",
        "content/fr/loose.jpg": "/fr/loose.jpg",
        "static/a/b.css": "/a/b.css",
        "static/robots.txt": "/robots.txt",
    }


def test_files_of_unpublished_bundles_are_notpublished(read: Reader) -> None:
    files = {
        "content/index.md": page(draft="true"),
        "content/top.png": "",
        "content/about.md": page(),
        "content/posts/secret/index.md": post(draft="true"),
        "content/posts/secret/plan.png": "",
        "content/posts/secret/img/deep.png": "",
        "content/posts/later/index.md": post(date="2030-01-01"),
        "content/posts/later/photo.png": "",
        "content/posts/half/index.md": post(draft="true"),
        "content/posts/half/index.fr.md": post(),
        "content/posts/half/photo.png": "",
        "content/img/free.png": "",
    }
    assert set(read(files).assets) == {"content/top.png", "content/posts/half/photo.png", "content/img/free.png"}
    assert len(read(files, options=Options(drafts=True, future=True)).assets) == 6


def test_ten_thousand_posts_are_sorted_out_quickly(read: Reader) -> None:
    """Which are scheduled, and which have a tag, is found in one pass each."""
    from ssg.content.pages import published

    found = read({"content/posts/a.md": post(tags="[t]")})
    (first,) = found.content.pages
    pages = [_renamed(first, number) for number in range(10_000)]
    started = time.monotonic()
    content = published(pages, lambda _dates: dt.datetime(2026, 6, 1, tzinfo=dt.UTC), Options())
    from ssg.content.taxonomies import terms_of

    (tag,) = terms_of(found.settings, {"en": content.pages, "fr": ()}, found.languages)
    assert len(tag.posts) == 10_000
    assert time.monotonic() - started < 2


def _renamed(one: Page, number: int) -> Page:
    from dataclasses import replace

    return replace(one, source=f"content/posts/{number:05}.md")
