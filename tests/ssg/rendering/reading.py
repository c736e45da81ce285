"""Rendered pages, read as a browser reads them."""

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit


class Read(HTMLParser):
    """Every tag of a page with its attributes, and a check that they nest."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag, **wanted):
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]


def pages(rendered):
    return {path: Read(text) for path, text in rendered.items() if path.endswith(".html")}


def output_at(href):
    path = unquote(urlsplit(href).path)
    return (path + "index.html" if path.endswith("/") else path).removeprefix("/")
