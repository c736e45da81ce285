"""From a file's place to its language, kind and path."""

import pytest

from sealpress.config.settings import Settings, SiteSettings
from sealpress.problems import Problem
from ssg.content.location import locate
from ssg.content.model import PageKind
from tests.ssg.content.conftest import Reader, page, post

SETTINGS = Settings(SiteSettings("T", "https://example.org/", ("en", "fr", "pt-BR"), "en"))


@pytest.mark.parametrize(
    ("file", "language", "folder", "stem", "kind"),
    [
        ("index.md", "en", "", "index", PageKind.PAGE),
        ("index.fr.md", "fr", "", "index", PageKind.PAGE),
        ("fr/index.md", "fr", "", "index", PageKind.PAGE),
        ("about.md", "en", "", "about", PageKind.PAGE),
        ("about.pt-BR.md", "pt-BR", "", "about", PageKind.PAGE),
        ("pt-BR/about.md", "pt-BR", "", "about", PageKind.PAGE),
        ("fr/about.en.md", "en", "", "about", PageKind.PAGE),  # the name is nearer than the folder
        ("docs/fr/x.md", "en", "docs/fr", "x", PageKind.PAGE),  # only the first folder is a language's
        ("de/x.md", "en", "de", "x", PageKind.PAGE),
        ("posts/x.md", "en", "posts", "x", PageKind.POST),
        ("fr/posts/x.md", "fr", "posts", "x", PageKind.POST),
        ("posts/x/index.fr.md", "fr", "posts/x", "index", PageKind.POST),
        ("posts/2026/x.md", "en", "posts/2026", "x", PageKind.POST),
        ("posts/index.md", "en", "posts", "index", PageKind.PAGE),
        ("posts.md", "en", "", "posts", PageKind.PAGE),
        ("postscript/x.md", "en", "postscript", "x", PageKind.PAGE),
        ("v1.2.md", "en", "", "v1.2", PageKind.PAGE),
        ("notes.txt.md", "en", "", "notes.txt", PageKind.PAGE),
    ],
)
def test_the_place_of_a_file_says_what_it_is(file: str, language: str, folder: str, stem: str, kind: PageKind) -> None:
    where = locate(SETTINGS, f"content/{file}")
    assert (where.language, where.folder, where.stem, where.kind) == (language, folder, stem, kind)


@pytest.mark.parametrize(
    ("file", "suffix"),
    [
        ("x.de.md", "de"),
        ("posts/x.FR.md", "FR"),
        ("x.en-GB.md", "en-GB"),
        ("x.pt_BR.md", "pt_BR"),
        ("x.zh-Hant.md", "zh-Hant"),
    ],
)
def test_an_ending_that_looks_like_another_language_is_a_problem(file: str, suffix: str) -> None:
    with pytest.raises(Problem, match=f'"{suffix}" is not one of the site\'s languages') as caught:
        locate(SETTINGS, f"content/{file}")
    assert str(caught.value.place) == f"content/{file}"
    assert f'rename the file without ".{suffix}"' in (caught.value.hint or "")


def test_default_permalinks(read: Reader) -> None:
    files = {
        "index.md": page(),
        "index.fr.md": page(),
        "about.md": page(),
        "about.fr.md": page(),
        "docs/index.md": page(),
        "docs/how-to/first.md": page(),
        "posts/index.md": page(),
        "posts/index.fr.md": page(),
        "posts/news.md": post(),
        "posts/2026/deep.md": post(),
        "posts/trip/index.md": post(),
        "fr/posts/voyage.md": post(),
    }
    assert read({f"content/{name}": text for name, text in files.items()}).paths == {
        "index.md": "/",
        "index.fr.md": "/fr/",
        "about.md": "/about/",
        "about.fr.md": "/fr/about/",
        "docs/index.md": "/docs/",
        "docs/how-to/first.md": "/docs/how-to/first/",
        "posts/index.md": "/posts/",
        "posts/index.fr.md": "/fr/posts/",
        "posts/news.md": "/posts/news/",
        "posts/2026/deep.md": "/posts/deep/",
        "posts/trip/index.md": "/posts/trip/",
        "fr/posts/voyage.md": "/fr/posts/voyage/",
    }


def test_every_field_of_a_permalink(read: Reader) -> None:
    toml = """
    [permalinks]
    post = "/{year}/{month}/{day}/{section}/{path}.html"
    page = "/p/{section}/{slug}/"
    posts = "/news/"
    [language.fr.permalinks]
    post = "/articles/{slug}/"
    posts = "/nouvelles/"
    """
    files = {
        "posts/index.md": page(),
        "posts/index.fr.md": page(),
        "posts/a.md": post(date="2026-05-04"),
        "posts/sub/b.md": post(date="2026-11-30 23:59"),
        "posts/a.fr.md": post(),
        "docs/deep/x.md": page(),
        "x.md": page(),
    }
    options = {"now": None}
    assert read({f"content/{name}": text for name, text in files.items()}, toml, **options).paths == {
        "posts/index.md": "/news/",
        "posts/index.fr.md": "/fr/nouvelles/",
        "posts/a.md": "/2026/05/04/a.html",
        "posts/sub/b.md": "/2026/11/30/sub/sub/b.html",
        "posts/a.fr.md": "/fr/articles/a/",
        "docs/deep/x.md": "/p/docs/x/",
        "x.md": "/p/x/",
    }


def test_a_folder_is_called_as_its_index_page_says_in_each_language(read: Reader) -> None:
    files = {
        "docs/index.md": page(slug="documentation"),
        "docs/index.fr.md": page(slug="manuel"),
        "docs/how to/x.md": page(),
        "docs/how to/x.fr.md": page(slug="premiers-pas"),
        "docs/how to/index.fr.md": page(slug="guides"),
    }
    assert read({f"content/{name}": text for name, text in files.items()}).paths == {
        "docs/index.md": "/documentation/",
        "docs/index.fr.md": "/fr/manuel/",
        "docs/how to/x.md": "/documentation/how-to/x/",
        "docs/how to/x.fr.md": "/fr/manuel/guides/premiers-pas/",
        "docs/how to/index.fr.md": "/fr/manuel/guides/",
    }


def test_slugs_come_from_names_and_keep_letters_of_every_script(read: Reader) -> None:
    files = {
        "L'été.fr.md": page(),
        "Hello World!.md": page(),
        "Привет.md": page(),
        "日本.md": page(),
        "2026 in review.md": page(),
    }
    assert sorted(read({f"content/{name}": text for name, text in files.items()}).paths.values()) == sorted(
        ["/fr/l-ete/", "/hello-world/", "/привет/", "/日本/", "/2026-in-review/"]
    )
