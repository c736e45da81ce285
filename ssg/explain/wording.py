"""The questions of a trace (ssg.cache.tracing) as a person says them: one table, for `ssg why`.

Every question has a Group, something that it is about, and what is asked of it: "content/posts/x.md" and "title",
"[site]" and "url", "neighbours of" and "this page".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ssg.cache.tracing import Key


class QuestionGroup(StrEnum):
    PAGES = "pages"
    SITE = "site"
    SETTINGS = "settings"
    OPTIONS = "theme options"
    STRINGS = "interface strings"
    TEMPLATES = "templates"
    FILES = "theme files"
    DATA = "data files"


class AnswerOrigin(StrEnum):
    """Where the answer of a question about a page comes from."""

    FRONT = "front matter"
    BODY = "body"
    PLACE = "place"  # the file's name and folder, with the slug


FACTS: Final[Mapping[str, tuple[AnswerOrigin, str]]] = MappingProxyType(
    {
        "title": (AnswerOrigin.FRONT, "title"),
        "path": (AnswerOrigin.PLACE, "path"),
        "date": (AnswerOrigin.FRONT, "date"),
        "updated": (AnswerOrigin.FRONT, "day of the last change"),
        "last_change": (AnswerOrigin.FRONT, "moment of the last change"),
        "author": (AnswerOrigin.FRONT, "author"),
        "description": (AnswerOrigin.FRONT, "description"),
        "params": (AnswerOrigin.FRONT, "params"),
        "wants_contents": (AnswerOrigin.FRONT, "toc"),
        "wanted_template": (AnswerOrigin.FRONT, "template"),
        "body_html": (AnswerOrigin.BODY, "text"),
        "summary_html": (AnswerOrigin.BODY, "summary"),
        "links": (AnswerOrigin.BODY, "links"),
        "headings": (AnswerOrigin.BODY, "headings"),
        "heading_count": (AnswerOrigin.BODY, "number of headings"),
        "has_code": (AnswerOrigin.BODY, "whether there is code"),
        "summary_has_code": (AnswerOrigin.BODY, "whether there is code in the summary"),
        "reading_minutes": (AnswerOrigin.BODY, "reading time"),
        "kind": (AnswerOrigin.PLACE, "kind"),
        "language": (AnswerOrigin.PLACE, "language"),
        "place_in_tree": (AnswerOrigin.PLACE, "folder"),
    }
)
"""Of one page, by the question's name; in the order in which a person reads them."""

_SITE: Final[Mapping[str, tuple[str, int | None, int | None]]] = MappingProxyType(
    {
        "neighbours": ("neighbours of", 0, None),
        "parent": ("the page above", 0, None),
        "ancestors": ("the pages above", 0, None),
        "children": ("the pages below", 0, None),
        "top": ("the section of", 0, None),
        "pages_below": ("the pages in folder", 0, 1),
        "versions_of_page": ("languages of", 0, None),
        "versions_of_list": ("languages of", 0, None),
        "listing": ("the list at", 0, None),
        "posts": ("posts", None, 0),
        "months": ("posts by month of", 0, None),
        "newest_change": ("newest change of", 0, None),
        "post_count": ("number of posts", None, 0),
        "has_posts": ("whether there are posts", None, None),
        "posts_path": ("where posts begin", None, 0),
        "posts_page": ("the page above the posts", None, 0),
        "year_path": ("the archive of", 1, 0),
        "tags": ("all tags", None, 0),
        "tags_of": ("tags of", 0, None),
        "tag": ("name and path of tag", 1, 0),
        "tag_count": ("number of posts of tag", 1, 0),
        "has_tags": ("whether there are tags", None, None),
        "found": ("the page named", 0, 1),
        "linked": ("link to", 0, 1),
        "asset_path": ("address of", 0, None),
        "spelled": ("spelling of", 0, None),
        "image": ("size and variants of", 0, None),
        "image_size": ("size of", 0, None),
        "subjects": ("all pages and lists", None, None),
        "data_named": ("the data named", 0, None),
        "data_names": ("all data in folder", 0, None),
    }
)
"""Of the site: the words before the thing, the place of the thing among the arguments, of the language."""

IMAGES: Final = frozenset({"image", "image_size"})
"""Questions about a file, by its source."""

_SETTINGS: Final[Mapping[str, tuple[str, str, int | None]]] = MappingProxyType(
    {
        "site_title": ("[site]", "title", 0),
        "site_description": ("[site]", "description", 0),
        "site_author": ("[site]", "author", 0),
        "site_url": ("[site]", "url", None),
        "languages": ("[site]", "languages", None),
        "default_language": ("[site]", "default_language", None),
        "home_path": ("[site]", "default_language", None),
        "feed_path": ("[site]", "default_language", None),
        "site_params": ("[params]", "all", 0),
        "dialect": ("[markdown]", "dialect", None),
        "has_typography": ("[markdown]", "typography", None),
        "tags_path": ("[permalinks]", "tags", 0),
        "archive_path": ("[permalinks]", "archive", 0),
        "wants_feeds": ("[feeds]", "enabled", None),
        "feed_wishes": ("[feeds]", "limit and full", None),
        "image_sizes": ("[images]", "sizes", None),
        "image_quality": ("[images]", "quality", None),
        "as_of": ("the clock", "of the build", None),
    }
)
"""Of site.toml: its table, the key in it, the place of the language among the arguments."""

DATA: Final = "data"
"""The one question about a data file."""

WORDS: Final = frozenset(
    {*FACTS, *_SITE, *_SETTINGS, DATA, "menu", "option", "option_names", "string", "template", "asset"}
)
"""The names of all questions that there are words for."""

ITSELF: Final = "this page"


@dataclass(frozen=True, slots=True)
class Said:
    """A question for a person, in two halves that stand side by side or make a sentence. `language` may be ""."""

    group: QuestionGroup
    about: str
    what: str
    language: str = ""

    def sentence(self) -> str:
        """As one says it alone: "title of content/posts/x.md"."""
        of = f" ({self.language})" if self.language else ""
        match self.group:
            case QuestionGroup.PAGES | QuestionGroup.DATA:
                return f"{self.what} of {self.about}"
            case QuestionGroup.SITE | QuestionGroup.SETTINGS:
                return f"{self.about} {self.what}".rstrip() + of
            case QuestionGroup.OPTIONS:
                return f"theme option {self.what}{of}"
            case QuestionGroup.STRINGS:
                return f"interface string {self.what}{of}"
            case QuestionGroup.TEMPLATES:
                return f"template {self.what}"
            case QuestionGroup.FILES:
                return f"theme file {self.what}"


def said(key: Key, subject: str = "") -> Said:
    """A question in words. `subject` is the page that is spoken of, which is then "this page"."""
    name, *given = (str(key[0]), *key[1:])
    if name in FACTS:
        return Said(QuestionGroup.PAGES, _text(given, 0), FACTS[name][1])
    if name in _SITE:
        about, thing, language = _SITE[name]
        what = _posts(given) if name == "posts" else _text(given, thing)
        match name:
            case "pages_below" | "data_names":
                what = f"{what}/"
            case "data_named":
                what = what.replace("/", ".")
        return Said(QuestionGroup.SITE, about, ITSELF if subject and what == subject else what, _text(given, language))
    if name in _SETTINGS:
        about, what, language = _SETTINGS[name]
        return Said(QuestionGroup.SETTINGS, about, what, _text(given, language))
    match name, given:
        case "data", [source]:
            return Said(QuestionGroup.DATA, str(source), DATA)
        case "menu", [tag, menu]:
            return Said(QuestionGroup.SETTINGS, "[menus]", str(menu), str(tag))
        case "option", [option, tag]:
            return Said(QuestionGroup.OPTIONS, "[theme]", str(option), str(tag))
        case "option_names", []:
            return Said(QuestionGroup.OPTIONS, "[theme]", "list of options")
        case "string", [string, tag]:
            return Said(QuestionGroup.STRINGS, "", str(string), str(tag))
        case "template", [template]:
            return Said(QuestionGroup.TEMPLATES, "", str(template))
        case "asset", [asset]:
            return Said(QuestionGroup.FILES, "", str(asset))
    return Said(
        QuestionGroup.SITE, name.replace("_", " "), ", ".join(str(one) for one in given if one not in {None, ""})
    )


def facts_in_order(names: Iterable[str]) -> list[str]:
    """Questions about one page, as FACTS has them."""
    order = list(FACTS)
    return sorted(names, key=order.index)


def _text(given: list[str | int | None], place: int | None) -> str:
    found = None if place is None or place >= len(given) else given[place]
    return "" if found is None else str(found)


def _posts(given: list[str | int | None]) -> str:
    """Which posts a question is about: all of them, the newest, those of a tag."""
    _, limit, tag = (*given, None, None, None)[:3]
    words = "all" if limit is None else f"the newest {limit}"
    return words if tag is None else f"{words} of tag {tag}"
