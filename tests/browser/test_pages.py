"""What a page needs by imagebake's own reading is what Chromium says that it needs: each page under its own policy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from imagebake.policy import header
from sealpress.config.settings import ImageSettings
from sealpress.tree import tree
from tests.browser.chromium import visit
from tests.browser.serving import served
from tests.imagebake.conftest import write_tree
from tests.sealpress.policy.test_pages import SNIPPETS

pytestmark = pytest.mark.xdist_group("browser")

PAGES = [text for text, needs in SNIPPETS if ("javascript:", "javascript:") not in needs]  # those are refused

# Other sites that the pages name. Nothing of them can be reached; that they were asked is what counts.
SETTINGS = ImageSettings(
    third_parties=("https://*.example",),
    policy_sources={"object-src": ("'self'",), "img-src": ("data:", "'self'")},
)


@contextmanager
def serving(policies: list[str]) -> Iterator[int]:
    """The pages, each with its policy, and a page with a frame for each of them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = re.fullmatch(r"/([0-9]+)\.html", self.path)
            frames = "".join(f"<iframe src=/{number}.html></iframe>" for number in range(len(PAGES)))
            body = PAGES[int(found[1])] if found else frames if self.path == "/" else ""
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8" if body else "text/plain")
            if found:
                self.send_header("Content-Security-Policy", policies[int(found[1])])
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as port:
        yield port


def policy(folder: Path, page: str) -> str:
    return header.compute(tree.scan(write_tree(folder, {"index.html": page.encode()})), SETTINGS).pages


def test_each_page_has_what_it_needs(browser: str, tmp_path: Path) -> None:
    policies = [policy(tmp_path / str(number), page) for number, page in enumerate(PAGES)]
    with serving(policies) as port:
        assert visit(browser, f"http://127.0.0.1:{port}/").violations == []


def test_with_less_they_would_complain(browser: str) -> None:
    """So the test above can fail."""
    with serving(["default-src 'none'"] * len(PAGES)) as port:
        complained = visit(browser, f"http://127.0.0.1:{port}/").violations
    assert len({found[0] for line in complained if (found := re.search(r"/[0-9]+\.html", line))}) > len(PAGES) // 2
