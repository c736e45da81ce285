"""Which pages are each other's translation: by their file's name, by their folder, by a key."""

from ssg.content.translations import translations
from tests.ssg.content.conftest import Reader, complaints, page, post


def test_translations_are_found_by_name_by_folder_and_by_key(read: Reader) -> None:
    found = read(
        {
            "content/about.md": page("About"),
            "content/about.fr.md": page("À propos"),
            "content/docs/x.md": page("X"),
            "content/fr/docs/x.md": page("X fr"),
            "content/posts/sealed.md": post("Sealed", key="the-seal"),
            "content/posts/scelle.fr.md": post("Scellé", key="the-seal", slug="un-article-scelle"),
            "content/posts/trip/index.md": post("Trip"),
            "content/posts/trip/index.fr.md": post("Voyage"),
            "content/alone.md": page("Alone"),
        }
    )

    def others(source: str) -> list[str]:
        return [other.title for other in translations(found.site, found.page(source))]

    assert others("about.md") == ["About", "À propos"]
    assert others("about.fr.md") == ["About", "À propos"]
    assert others("docs/x.md") == ["X", "X fr"]
    assert others("posts/scelle.fr.md") == ["Sealed", "Scellé"]
    assert others("posts/trip/index.md") == ["Trip", "Voyage"]
    assert others("alone.md") == ["Alone"]
    assert found.paths["posts/scelle.fr.md"] == "/fr/posts/un-article-scelle/"


def test_a_key_belongs_to_one_page_of_a_language(read: Reader) -> None:
    files = {"content/a.md": page(key="b"), "content/b.md": page(), "content/b.fr.md": page()}
    assert complaints(read, files) == [
        'content/b.md: the key "b" is already that of content/a.md, in the same language'
    ]
    files = {"content/a.md": page(), "content/en/a.md": page()}
    assert complaints(read, files) == [
        'content/en/a.md: the key "a" is already that of content/a.md, in the same language'
    ]
