"""What earlier releases have served, and what of it another one would lose."""

from dataclasses import replace

import pytest

from publish.publishing import ledger
from publish.publishing.ledger import Ledger, Lost
from sealpress.config import redirects
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Problem
from sealpress.tree import tree

FEED = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'
ENTRY = "<entry><id>{1}</id><link href='https://a.example{0}'/></entry>"


@pytest.fixture
def served(tmp_path):
    """What a tree of these files answers, with the lines of a list of what has moved."""
    count = 0

    def make(*paths: str, moved: str = "", feed: dict[str, str] | None = None, below: str = "") -> ledger.Served:
        nonlocal count
        count += 1
        root = tmp_path / str(count)
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x")
        if feed:
            (root / "feed.xml").write_text(FEED.format("".join(ENTRY.format(*one) for one in feed.items())))
        return ledger.served(replace(tree.scan(root), below=below), redirects.parse(moved))

    return make


def urls(found: ledger.Served) -> list[str]:
    return sorted({url for url, _ in found.entries})


def test_a_release_serves_its_files_and_what_has_moved_for_good(served):
    found = served(
        *("index.html", "404.html", "a/index.html", "b.html", "été/x y.pdf", "app.0a1b2c3d.css"),
        moved="/old/ /a/\n/soon/ /a/ 302\n/gone/ 410\n/for-ever /a/ 308",
    )
    assert urls(found) == ["/", "/%C3%A9t%C3%A9/x%20y.pdf", "/a/", "/b.html", "/for-ever", "/old/"]
    assert urls(served("index.html", "a/index.html", below="blog/")) == ["/blog/", "/blog/a/"]


@pytest.mark.parametrize(
    ("paths", "moved"),
    [
        (["a/index.html"], ""),
        (["a/index.html"], "/c/ /a/\n/é/ /a/ 308"),
        (["b/index.html"], "/a/ /b/ 301"),
        (["b/index.html"], "/A/ /b/ 308"),
        (["b/index.html"], "/a/ 410"),
    ],
)
def test_a_url_that_is_answered_is_not_lost(served, paths, moved):
    known = Ledger(served("a/index.html").entries)
    assert ledger.lost(known, served(*paths, moved=moved)) == ()


@pytest.mark.parametrize("moved", ["", "/a/ /b/ 302", "/a/ /b/ 307", "/a /b/"])
def test_a_url_that_nothing_answers_for_good_is_lost(served, moved):
    known = Ledger(served("a/index.html").entries)
    assert [one.url for one in ledger.lost(known, served("b/index.html", moved=moved))] == ["/a/"]


def test_other_spellings_of_a_file_answer_too(served):
    known = Ledger(served("a.html", "b/index.html").entries | {("/a", ""), ("/b", ""), ("/b/index.html", "")})
    assert ledger.lost(known, served("a.html", "b/index.html")) == ()
    assert [one.url for one in ledger.lost(known, served("a/index.html", "b.html"))] == [
        "/a.html",
        "/b/",
        "/b/index.html",
    ]


@pytest.mark.parametrize(
    ("after", "line"),
    [
        ("posts/shed/index.html", '"/2025/shed/" = "/posts/shed/"'),
        ("2025/sheds/index.html", '"/2025/shed/" = "/2025/sheds/"'),
        ("about/index.html", '"/2025/shed/" = "410"'),
    ],
)
def test_the_line_to_add_leads_to_what_took_its_place(served, after, line):
    known = Ledger(served("2025/shed/index.html").entries)
    (found,) = ledger.lost(known, served(after))
    assert found.line == line
    problem = found.problem()
    assert (problem.code, line in (problem.hint or "")) == (3, True)
    # What is proposed is what is needed.
    assert ledger.lost(known, served(after, moved=line.replace('"', "").replace(" = ", " "))) == ()


def test_an_item_keeps_its_id_as_long_as_a_feed_has_it(served):
    first = served("a/index.html", feed={"/a/": "tag:a"})
    known = Ledger(first.entries)
    assert ledger.lost(known, first) == ()
    assert ledger.lost(known, served("a/index.html", "feed.xml")) == ()  # too old for the feed
    (found,) = ledger.lost(known, served("a/index.html", feed={"/a/": "tag:b"}))
    assert found == Lost("/a/", "tag:a", "tag:b")
    assert 'calls /a/ "tag:b" now, and an earlier release "tag:a"' in found.problem().message


def test_a_permalink_moves_with_its_page_and_any_other_id_stays(served):
    known = Ledger(served("a/index.html", feed={"/a/": "https://a.example/a/"}).entries)
    moved = {"moved": "/a/ /b/"}
    assert ledger.lost(known, served("b/index.html", feed={"/b/": "https://a.example/b/"}, **moved)) == ()
    known = Ledger(served("a/index.html", feed={"/a/": "tag:a"}).entries)
    assert ledger.lost(known, served("b/index.html", feed={"/b/": "tag:a"}, **moved)) == ()
    (found,) = ledger.lost(known, served("b/index.html", feed={"/b/": "tag:b"}, **moved))
    assert (found.url, found.id) == ("/a/", "tag:a")


def test_the_file_tells_what_it_was_written_from(served, tmp_path):
    entries = served("a/index.html", "b.html", feed={"/a/": "tag:a, 2026 é"}).entries
    (tmp_path / "urls.txt").write_text(ledger.text(entries))
    assert ledger.text(entries).splitlines()[1:] == ["/a/ tag:a, 2026 é", "/b.html", "/feed.xml"]
    assert ledger.committed(site(tmp_path)) == entries


def test_no_file_is_an_empty_one(tmp_path):
    assert ledger.committed(site(tmp_path)) == frozenset()


@pytest.mark.parametrize("line", ["a/", "https://a.example/a/", "/a\x1b[31m/", "/\u00e9/", " /a/"])
def test_a_line_that_is_no_path_is_told_at_its_place(tmp_path, line):
    (tmp_path / "urls.txt").write_text(f"# one\n/a/\n{line}\n")
    with pytest.raises(Problem) as caught:
        ledger.committed(site(tmp_path))
    assert (caught.value.code, str(caught.value.place)) == (3, "urls.txt:3:1")


def site(folder) -> SiteFile:
    return SiteFile(folder, None, None)
