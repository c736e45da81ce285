"""Which file answers: one table of requests, which a real sealed nginx answers alike."""

import pytest

from sealpress.config.redirects import parse
from ssg.preview.answers import Answer, SiteAnswers

FILES = frozenset(
    {
        "index.html", "404.html", "about/index.html", "feed.xml", "plain.html", "a.html", "a/index.html",
        "fr/index.html", "fr/404.html", "fr/posts/été/index.html", "pt-br/index.html", "style.css",
    }
)  # fmt: skip
MOVED = parse("/old /about/\n/Temp https://a.example/x 302\n/gone 410\n/fr/gone 410\n/about /never/\n")
LANGUAGES = {"en": "", "fr": "fr", "pt-br": "pt-br"}


def site(below: str = "") -> SiteAnswers:
    return SiteAnswers(FILES, below, MOVED, LANGUAGES)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", Answer(200, "index.html")),
        ("/index.html", Answer(200, "index.html")),
        ("/about/", Answer(200, "about/index.html")),
        ("/about", Answer(301, location="/about/")),
        ("/about/index.html", Answer(200, "about/index.html")),
        ("/plain", Answer(200, "plain.html")),
        ("/plain.html", Answer(200, "plain.html")),
        ("/plain/", Answer(404, "404.html")),
        ("/a", Answer(200, "a.html")),
        ("/a/", Answer(200, "a/index.html")),
        ("/feed.xml", Answer(200, "feed.xml")),
        ("/fr/posts/été/", Answer(200, "fr/posts/été/index.html")),
        ("/fr/posts/été", Answer(301, location="/fr/posts/%C3%A9t%C3%A9/")),
        ("/fr/posts", Answer(404, "fr/404.html")),
        ("/fr/nothing/at/all", Answer(404, "fr/404.html")),
        ("/frnothing", Answer(404, "404.html")),
        ("/old", Answer(301, location="/about/")),
        ("/OLD", Answer(301, location="/about/")),
        ("/temp", Answer(302, location="https://a.example/x")),
        ("/gone", Answer(410, "404.html")),
        ("/fr/gone", Answer(410, "fr/404.html")),
        ("/../etc/passwd", Answer(404, "404.html")),
        ("//about/", Answer(404, "404.html")),
        ("/\udcff", Answer(404, "404.html")),
    ],
)
def test_a_request_and_its_answer(path: str, answer: Answer) -> None:
    assert site().to(path) == answer


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", Answer(302, location="/blog/")),
        ("/blog/", Answer(200, "index.html")),
        ("/blog", Answer(301, location="/blog/")),
        ("/blog/about", Answer(301, location="/blog/about/")),
        ("/about/", Answer(404, "404.html")),
        ("/blogs/about/", Answer(404, "404.html")),
        ("/blog/fr/x", Answer(404, "fr/404.html")),
    ],
)
def test_below_the_path_of_the_site_s_url(path: str, answer: Answer) -> None:
    assert SiteAnswers(FILES, "blog/").to(path) == answer


@pytest.mark.parametrize(
    ("header", "folder"),
    [
        ("", ""),
        ("fr", "fr"),
        ("fr-CH, en;q=0.5", "fr"),
        ("de, fr;q=0.3", "fr"),
        ("en, fr", ""),
        ("fr;q=0.8, en;q=0.9", ""),
        ("fr;q=0, en", ""),
        ("pt", "pt-br"),
        ("PT-BR;q=0.2, xx", "pt-br"),
        ("*, fr;q=0.5", ""),
        ("fr;q=2", ""),
        (";;;,fr\x00", ""),
    ],
)
def test_the_front_page_of_the_language_that_is_asked_for(header: str, folder: str) -> None:
    found = site().to("/", header)
    assert found == (Answer(302, location=f"/{folder}/") if folder else Answer(200, "index.html"))
    assert site().to("/", header, from_site=True) == Answer(200, "index.html")
