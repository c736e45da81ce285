"""[publish.NAME] tls and what goes with it: what is refused, each at its place; whose names a site with TLS has."""

from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.problems import Problem

SITE = '[site]\ntitle = "T"\nurl = "https://a.example/"\n'
TARGET = '[publish.p]\nhost = "local"\nedge = "caddy"\n'


def load(folder: Path, text: str) -> sitefile.SiteFile:
    (folder / "site.toml").write_text(SITE + text)
    return sitefile.load(folder / "site.toml", "site.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('email = "a@a.example"', "7:9: [publish.p] email is of no use without TLS"),
        ("tls = true\nport = 8080", "8:8: [publish.p] tls is at port 443, and port 80 leads there: it can't be 8080"),
        ('tls = "internal"\nacme = "https://a"', '8:8: [publish.p] acme is of no use with tls = "internal"'),
        ('tls = true\ncertificate = "a.pem"', "8:15: [publish.p] certificate goes with key, which is not there"),
        ('tls = true\nkey = "a.pem"', "8:7: [publish.p] key goes with certificate, which is not there"),
        ('tls = true\nkey = ""\ncertificate = "a"', "8:7: [publish.p] key is empty"),
        (
            'tls = true\ncertificate = "a"\nkey = "b"\nemail = "a@a"',
            "10:9: [publish.p] email is of no use with a certificate of one's own",
        ),
        *(
            (f'tls = true\nacme = "{url}"', "8:8: [publish.p] acme")
            for url in ("http://a/dir", "https://a/../b", "https://a/?x", "https://u@a/", "ca.example", "https://a/{x}")
        ),
        *(
            (f'tls = true\nemail = "{one}"', "8:9: [publish.p] email")
            for one in ("a", "a@b@c", "a b@c", f"{'a' * 300}@b")
        ),
        ('tls = "yes"', "7:7: "),
        ('tls = true\nhosts = ["*.a.example"]', "8:10: [publish.p] hosts has"),
    ],
)
def test_what_goes_wrong_is_told_at_its_place(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        load(tmp_path, f"{TARGET}{line}\n")
    assert str(caught.value).startswith(f"site.toml:{said}"), str(caught.value)


def test_there_is_no_tls_without_an_edge(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"\[publish.p\] tls is of no use without an edge"):
        load(tmp_path, '[publish.p]\nhost = "local"\nedge = "none"\ntls = true\n')


def test_a_site_that_says_no_names_has_that_of_its_url(tmp_path: Path) -> None:
    assert load(tmp_path, f"{TARGET}tls = true\n").settings.publish["p"].hosts == ("a.example",)
    assert load(tmp_path, f'{TARGET}tls = true\nhosts = ["b"]\n').settings.publish["p"].hosts == ("b",)
    assert load(tmp_path, TARGET).settings.publish["p"].hosts == ()
