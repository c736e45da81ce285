"""What site.toml may say of the Content-Security-Policy, and how a mistake in it is told."""

import json
import tomllib
from pathlib import Path

import pytest

from sealpress.config import content_policy, sitefile
from sealpress.problems import Problem

SITE = '[site]\ntitle = "T"\nurl = "https://blog.example.org/"\n[image]\n'


def load(folder: Path, text: str) -> sitefile.SiteFile:
    (folder / "site.toml").write_text(SITE + text, encoding="utf-8")
    return sitefile.load(folder / "site.toml", shown="site.toml")


@pytest.mark.parametrize(
    "text",
    [
        'policy = "computed"',
        'policy = "off"',
        "policy = \"default-src 'self'; img-src * data:; upgrade-insecure-requests; report-uri /csp\"",
        'third_parties = ["https://cdn.example.org", "https://*.example.org", "http://localhost:8080", "wss://a.example"]',
        'policy_sources = { connect-src = ["https://a.example/api/", "https://b.example:*"], img-src = ["data:"] }',
        "policy_sources = { script-src = [\"'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='\"] }",
        "policy_sources = { frame-ancestors = [\"'none'\"] }",
    ],
)
def test_what_may_be_said(tmp_path: Path, text: str) -> None:
    key, said = next(iter(tomllib.loads(text).items()))
    found = getattr(load(tmp_path, text).settings.image, key)
    assert json.loads(json.dumps(found, default=dict)) == said


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('policy = ""', "5:10", '[image] policy is empty: "off" is how to have no policy'),
        ('policy = "of"', "5:10", '[image] policy has "of", which is no directive'),
        (
            "policy = \"defualt-src 'self'\"",
            "5:10",
            '[image] policy has "defualt-src", which is no directive (did you mean "default-src"?)',
        ),
        (
            'policy = "default-src self"',
            "5:10",
            '[image] policy has "self" without its own quotes: write "\'self\'" (in default-src)',
        ),
        (
            'policy = "img-src *; img-src data:"',
            "5:10",
            '[image] policy has the directive "img-src" twice: browsers take the first alone',
        ),
        (
            'policy = "img-src a\u00e9"',
            "5:10",
            (
                '[image] policy has "a\u00e9", which is no source: a keyword, a hash, a scheme ("data:") or a host'
                ' ("https://example.org") (in img-src)'
            ),
        ),
        (
            'policy = "report-uri /\u00e9"',
            "5:10",
            "[image] policy has a character that no header may hold (control or not ASCII)",
        ),
        (
            'third_parties = ["cdn.example.org"]',
            "5:18",
            (
                '[image] third_parties has "cdn.example.org", which is not an origin such as'
                ' "https://cdn.example.org" or "https://*.example.org"'
            ),
        ),
        (
            'third_parties = ["https://cdn.example.org/"]',
            "5:18",
            '[image] third_parties has "https://cdn.example.org/": leave out the slash at its end',
        ),
        (
            "policy_sources = { img-scr = [\"'self'\"] }",
            "5:30",
            '[image.policy_sources] img-scr is not a directive that takes sources (did you mean "img-src"?)',
        ),
        (
            'policy_sources = { img-src = ["\'none\'", "data:"] }',
            "5:30",
            "[image.policy_sources] img-src has 'none' beside other sources",
        ),
        (
            "policy_sources = { script-src = [\"'nonce-abc'\"] }",
            "5:34",
            (
                "[image.policy_sources] script-src has a nonce: pages that are files have the same one each time, which"
                " protects from nothing"
            ),
        ),
        (
            'policy_sources = { img-src = ["a; script-src *"] }',
            "5:31",
            (
                '[image.policy_sources] img-src has "a; script-src *", which is no source: a keyword, a hash, a scheme'
                ' ("data:") or a host ("https://example.org")'
            ),
        ),
    ],
)
def test_a_mistake_is_shown_at_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        load(tmp_path, text)
    assert str(caught.value).splitlines()[0] == f"site.toml:{place}: {message}"


def test_each_directive_has_its_place_in_the_order() -> None:
    assert len(set(content_policy.DIRECTIVES)) == len(content_policy.DIRECTIVES)
    assert content_policy.DIRECTIVES[0] == "default-src"
