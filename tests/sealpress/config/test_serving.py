"""What [image] says about serving is checked when site.toml is loaded, and told at its place."""

from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.problems import Exit, Problem

SITE = '[site]\ntitle = "T"\nurl = "https://example.org/"\n'

WRONG = {
    '[image.headers]\nContent-Type = "x"': "site.toml:5:16: [image.headers] Content-Type can't be set: nginx works",
    '[image.headers]\netag = "x"': "site.toml:5:8: [image.headers] etag can't be set: nginx works",
    '[image.redirects]\n"/a" = "b"': 'site.toml:5:8: "b" is neither a path of the site nor a web address',
    '[image.redirects]\n"/a" = "/b 999"': 'site.toml:5:8: "999" is no status of a redirect',
    '[image.redirects]\n"/a" = ""': 'site.toml:5:1: "/a" leads nowhere',
    '[image.redirects]\n"/a/*" = "/b"': 'site.toml:5:1: "/a/*" has a wildcard, and there are none',
    '[image.redirects]\n"a" = "/b"': 'site.toml:5:1: "a" is not a path of the site: it must begin with "/"',
    '[image.redirects]\n"/a" = "/b\\n302"': "site.toml:5:8: '\\n' can't stand in an address",
    '[image.redirects]\n"/a" = 410': "site.toml:5:8: [image] redirects /a must be text, not the number 410",
    "[image]\nnegotiate_languages = ['en', 'x_y']": 'site.toml:5:30: [image] negotiate_languages has "x_y", which',
    "[image]\nnegotiate_languages = ['en', 'fr', 'EN']": 'site.toml:5:36: [image] negotiate_languages names "EN" twice',
    "[image]\nnegotiate_languages = ['en']": "site.toml:5:23: [image] negotiate_languages names one language, so there",
    "[image]\nhsts = -1": "site.toml:5:8: [image] hsts must lie between 0 and 315360000 seconds",
    "[image]\nhsts = 315360001": "site.toml:5:8: [image] hsts must lie between 0 and 315360000 seconds",
    "[image]\nhsts_subdomains = true": "site.toml:5:19: [image] hsts_subdomains says nothing without hsts",
    "[image]\nhsts = 31536000\nhsts_preload = true": "site.toml:6:16: [image] hsts_preload needs hsts_subdomains",
    "[image]\nhsts = 86400\nhsts_preload = true\nhsts_subdomains = true": "site.toml:6:16: [image] hsts_preload needs",
    "[image]\nlog = 'xml'": 'site.toml:5:7: [image] log can\'t be "xml"',
    "[image]\ntrusted_proxies = ['proxy']": 'site.toml:5:20: [image] trusted_proxies "proxy" is neither an IP address',
    "[image]\ntrusted_proxies = ['10.0.0.1/8']": 'site.toml:5:20: [image] trusted_proxies "10.0.0.1/8" has bits behind '
    "its mask: write 10.0.0.0/8",
    "[image]\ntrusted_proxies = ['::1', '0.0.0.0/0']": 'site.toml:5:27: [image] trusted_proxies "0.0.0.0/0" would',
    "[image]\ntrusted_proxies = ['::/0']": 'site.toml:5:20: [image] trusted_proxies "::/0" would believe everybody',
    "[image]\ntrusted_proxies = ['10.0.0.0/255.0.0.0']": 'site.toml:5:20: [image] trusted_proxies "10.0.0.0/255.0.0.0" '
    "is not written as nginx reads it: write 10.0.0.0/8",
    "[image]\ntrusted_proxies = ['10.0.0.0/0.0.255.255']": "site.toml:5:20: [image] trusted_proxies "
    '"10.0.0.0/0.0.255.255" is not written as nginx reads it: write 10.0.0.0/16',
    "[image]\ntrusted_proxies = ['1:2:3:4:5:6:7::/128']": "site.toml:5:20: [image] trusted_proxies "
    '"1:2:3:4:5:6:7::/128" is not written as nginx reads it: write 1:2:3:4:5:6:7:0/128',
    f"[image.headers]\nX-A = '{'x' * 100_000}'": "site.toml:5:7: [image.headers] X-A is too long: nginx would",
    f"[image.headers]\nX-A = '{'$' * 500}'": "site.toml:5:7: [image.headers] X-A is too long: nginx would be",
    f"[image.headers]\nX-A = 'a'\nX-B = '{'x' * 2990}'": "site.toml:6:7: [image.headers] has 3005 characters",
    f"[image.headers]\n{'X' * 3001} = 'a'": "site.toml:5:3005: [image.headers] XXX",
    "[image.headers]\nX-A = 'a'\nx-a = 'b'": "site.toml:6:7: [image.headers] x-a is X-A once more",
    f"[image.redirects]\n'/{'%5C' * 1024}' = '/b'": "site.toml:5:1: a path of more than 2048 bytes",
    f"[image.redirects]\n'/a' = '/{'x' * 2048}'": "site.toml:5:8: an address of more than 2048 bytes",
    f"[image.redirects]\n'/a' = '/{'$' * 230}'": "site.toml:5:8: an address of more than 2048 bytes",
    f"[image.redirects]\n'/a' = '/{'é' * 400}'": "site.toml:5:8: an address of more than 2048 bytes",
    f"[image]\nnegotiate_languages = ['en', 'en{'-abcdefgh' * 4}']": "site.toml:5:30: [image] negotiate_languages has",
    f"[image]\npolicy = 'img-src https://x/{'a' * 3000}'": "site.toml:5:10: [image] policy has 3018 characters",
    f"[image]\nname = '{'x' * 129}'": "site.toml:5:8: [image] name has 129 characters; 128 is the most",
    "[image]\ntrusted_proxies = ['fe80::1%eth0']": 'site.toml:5:20: [image] trusted_proxies "fe80::1%eth0" names a',
}


def load(text: str, folder: Path) -> sitefile.SiteFile:
    (folder / "site.toml").write_text(text, encoding="utf-8")
    return sitefile.load(folder / "site.toml", "site.toml")


@pytest.mark.parametrize(("text", "expected"), WRONG.items(), ids=[text.replace("\n", " ")[:80] for text in WRONG])
def test_what_is_wrong_is_told_at_its_place(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        load(f"{SITE}{text}\n", tmp_path)
    assert str(caught.value).splitlines()[0].startswith(expected)
    assert caught.value.code is Exit.SITE
    assert "^" in str(caught.value)


def test_hsts_is_refused_for_a_site_without_tls(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"hsts needs TLS, and \[site\] url begins with http:"):
        load(SITE.replace("https", "http") + "[image]\nhsts = 86400\n", tmp_path)


def test_all_that_can_be_said_is_taken(tmp_path: Path) -> None:
    image = load(
        SITE
        + """
[image]
negotiate_languages = ["en", "fr", "pt-BR"]
hsts = 63072000
hsts_subdomains = true
hsts_preload = true
log = "json"
trusted_proxies = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
http2 = false
ipv6 = true
headers = { X-Clacks-Overhead = "GNU Terry Pratchett", Permissions-Policy = "" }

[image.redirects]
"/old/" = "/new/"
"/shop/" = "https://shop.example.org/ 302"
"/gone/" = "410"
""",
        tmp_path,
    ).settings.image
    assert image.negotiate_languages == ("en", "fr", "pt-BR")
    assert (image.hsts, image.hsts_subdomains, image.hsts_preload) == (63_072_000, True, True)
    assert image.redirects["/shop/"] == "https://shop.example.org/ 302"
    assert image.trusted_proxies == ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")
    assert (image.log, image.http2, image.ipv6) == ("json", False, True)
