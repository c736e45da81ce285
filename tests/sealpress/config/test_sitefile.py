"""site.toml: what it may say, and what it answers to what it may not."""
# ruff: noqa: E501 - a message stands here as it is printed

from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Exit, Problem

Load = Callable[[str], SiteFile]
SITE = '[site]\ntitle = "T"\nurl = "https://example.org/"\n'


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str) -> SiteFile:
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        return sitefile.load(tmp_path / "site.toml", "site.toml")

    return read


def complaints(load: Load, text: str) -> list[str]:
    """The first line of each Problem: place and message."""
    with pytest.raises(Problem) as caught:
        load(text)
    assert {problem.code for problem in caught.value.each} == {Exit.SITE}
    return [f"{problem.place}: {problem.message}" for problem in caught.value.each]


def test_the_least_site_file_is_filled_with_defaults(load: Load, tmp_path: Path) -> None:
    site = load(SITE)
    settings = site.settings
    assert site.root == tmp_path
    assert (settings.site.title, settings.site.url) == ("T", "https://example.org/")
    assert settings.site.languages == ("en",)
    assert settings.site.default_language == "en"
    assert settings.language["en"].permalinks == settings.permalinks
    assert settings.permalinks.post == "/posts/{slug}/"
    assert (settings.build.content, settings.build.output) == ("content", "public")


def test_a_url_ends_with_one_slash(load: Load) -> None:
    for url in ("https://example.org", "https://example.org/", "https://example.org//"):
        assert load(f'[site]\ntitle = "T"\nurl = "{url}"').settings.site.url == "https://example.org/"
    assert (
        load('[site]\ntitle = "T"\nurl = "https://example.org/blog"').settings.site.url == "https://example.org/blog/"
    )


def test_a_language_inherits_what_it_does_not_say(load: Load) -> None:
    site = load(
        SITE
        + """languages = ["en", "fr"]
        default_language = "fr"
        [permalinks]
        post = "/blog/{slug}/"
        tag = "/t/{slug}/"
        [menus]
        main = [{title = "Home", url = "/"}]
        foot = [{title = "About", url = "about.md"}]
        [language.fr]
        title = "Titre"
        permalinks.tag = "/etiquettes/{slug}/"
        menus.main = [{title = "Accueil", url = "/"}]
        """
    )
    french, english = site.settings.language["fr"], site.settings.language["en"]
    assert site.settings.site.default_language == "fr"
    assert french.permalinks
    assert english.permalinks
    assert (french.permalinks.post, french.permalinks.tag) == ("/blog/{slug}/", "/etiquettes/{slug}/")
    assert english.permalinks.tag == "/t/{slug}/"
    assert french.menus
    assert [item.title for item in french.menus["main"]] == ["Accueil"]
    assert [item.title for item in french.menus["foot"]] == ["About"]


def test_every_value_keeps_its_place(load: Load) -> None:
    site = load(SITE + '[publish.production]\nhost = "deploy@example.org"\n')
    assert str(site.place("publish", "production", "host")) == "site.toml:5:8"
    assert str(site.place("publish", "production", "keep")) == "site.toml:4:1"  # its table
    assert str(site.place("feeds", "limit")) == "site.toml:1:1"


# Behind SITE, which has three lines.
CHECKS = {
    "zzz = 1": 'site.toml:4:1: unknown key "zzz" in [site]',
    "tilte = 'x'": 'site.toml:4:1: unknown key "tilte" in [site] (did you mean "title"?)',
    "[biuld]": 'site.toml:4:1: unknown key "biuld" in site.toml (did you mean "build"?)',
    "author = 3": "site.toml:4:10: [site] author must be text, not the number 3",
    "languages = 'en'": "site.toml:4:13: [site] languages must be a list, not text",
    "languages = []": "site.toml:4:13: [site] languages is empty",
    "languages = ['en', 'fr', 'en']": 'site.toml:4:26: [site] languages names "en" twice',
    "languages = ['EN']": 'site.toml:4:14: [site] languages has "EN", which is not a language tag such as "en", "fr" '
    'or "pt-BR" (BCP 47)',
    "languages = ['../x']": 'site.toml:4:14: [site] languages has "../x", which is not a language tag such as "en", '
    '"fr" or "pt-BR" (BCP 47)',
    "default_language = 'fr'": 'site.toml:4:20: [site] default_language "fr" is not one of languages',
    "[language.fr]": "site.toml:4:1: [language.fr] is not one of [site] languages",
    "[language.en]\nurl = 'x'": 'site.toml:5:1: unknown key "url" in [language.en]',
    "[language.en]\npermalinks.post = '/x/'": "site.toml:5:19: [language.en.permalinks] post would put every page on one "
    "path: use {path} or {slug}",
    "[permalinks]\npost = '/x/'": "site.toml:5:8: [permalinks] post would put every page on one path: use {path} or {slug}",
    "[permalinks]\npost = '/{slgu}/'": "site.toml:5:8: [permalinks] post has an unknown field {slgu} (did you mean "
    '"slug"?); possible here: {day}, {month}, {path}, {section}, {slug}, {year}',
    "[permalinks]\npage = '/{year}/{slug}/'": "site.toml:5:8: [permalinks] page has an unknown field {year}; possible "
    "here: {path}, {section}, {slug}",
    "[permalinks]\ntags = '/{slug}/'": "site.toml:5:8: [permalinks] tags has an unknown field {slug}; possible here: none",
    "[permalinks]\npost = '/{slug/'": 'site.toml:5:8: [permalinks] post "/{slug/" has a brace without its twin',
    "[permalinks]\npost = '/{slug:>9}/'": "site.toml:5:8: [permalinks] post has a format in a field; a plain {name} is "
    "all there is",
    "[permalinks]\npost = '/{slug!r}/'": "site.toml:5:8: [permalinks] post has a format in a field; a plain {name} is "
    "all there is",
    "[permalinks]\npost = '/{slug.x}/'": "site.toml:5:8: [permalinks] post has an unknown field {slug.x}",
    "[permalinks]\npost = '{slug}/'": 'site.toml:5:8: [permalinks] post must begin with "/"',
    "[permalinks]\npost = '/{slug}'": 'site.toml:5:8: [permalinks] post must end with "/" or ".html"',
    "[permalinks]\npost = '/../{slug}/'": "site.toml:5:8: [permalinks] post is not a plain path",
    "[permalinks]\npost = '//{slug}/'": "site.toml:5:8: [permalinks] post is not a plain path",
    "[permalinks]\npost = '/a?b/{slug}/'": "site.toml:5:8: [permalinks] post has a character that has another meaning",
    "[build]\ncontent = '..'": "site.toml:5:11: [build] content must be a folder inside the repository, relative to "
    'site.toml: "content"',
    "[build]\ncontent = '.'": "site.toml:5:11: [build] content must be a folder inside the repository",
    "[build]\ncontent = ''": "site.toml:5:11: [build] content must be a folder inside the repository",
    "[build]\nstatic = '/etc'": "site.toml:5:10: [build] static must be a folder inside the repository",
    "[build]\ntemplates = 'a/../../b'": "site.toml:5:13: [build] templates must be a folder inside the repository",
    "[build]\noutput = '.'": "site.toml:5:10: [build] output must be a folder of its own: it is overwritten",
    "[build]\noutput = '.git/x'": "site.toml:5:10: [build] output must be a folder of its own: it is overwritten",
    "[build]\noutput = 'a/.GIT'": "site.toml:5:10: [build] output must be a folder of its own: it is overwritten",
    "[build]\noutput = 'a/git~1'": "site.toml:5:10: [build] output must be a folder of its own: it is overwritten",
    "[build]\noutput = '../x'": (
        'site.toml:5:10: [build] output must be a folder inside the repository, relative to site.toml: "public"'
    ),
    "[build]\noutput = '.sealpress/cache'": 'site.toml:5:10: [build] output ".sealpress/cache" and what sealpress keeps '
    '".sealpress" lie in one another',
    "[build]\noutput = 'I18n/x'": 'site.toml:5:10: [build] output "I18n/x" and the strings "i18n" lie in one another',
    "[build]\noutput = 'site.toml'": 'site.toml:5:10: [build] output "site.toml" and the site file "site.toml" lie in one',
    "[build]\noutput = './imagebake.lock/'": 'site.toml:5:10: [build] output "./imagebake.lock/" and the lock '
    '"imagebake.lock" lie in one another',
    "[build]\noutput = 'plain'": 'site.toml:5:10: [build] output "plain" and theme "plain" lie in one another',
    "[build]\noutput = 'content'": 'site.toml:5:10: [build] output "content" and content "content" lie in one another',
    "[build]\noutput = 'static/out'": 'site.toml:5:10: [build] output "static/out" and static "static" lie in one '
    "another",
    "[build]\ncontent = 'public/x'": 'site.toml:4:1: [build] output "public" and content "public/x" lie in one another',
    "[markdown]\ntoc_depth = 7": "site.toml:5:13: [markdown] toc_depth must lie between 1 and 6",
    "[lists]\nper_page = 0": "site.toml:5:12: [lists] per_page must lie between 1 and 10000",
    "[feeds]\nlimit = 0": "site.toml:5:9: [feeds] limit must lie between 1 and 10000",
    "[image]\nport = 80": "site.toml:5:8: [image] port must lie between 1024 and 65535",
    "[image]\nname = 'A b'": 'site.toml:5:8: [image] name "A b" is not an image name: small letters, digits, single dots, '
    "dashes and underscores",
    "[image]\nsuite = '../x'": 'site.toml:5:9: [image] suite "../x" is not the name of a Debian suite such as "trixie"',
    "[image]\nmirror = 'ftp://x'": "site.toml:5:10: [image] mirror must be the base URL of a Debian mirror: http://…, "
    "https://… or file:///…",
    "[image]\narchitectures = ['amd64', 'amd64']": "site.toml:5:17: [image] architectures must name each architecture "
    "once",
    "[image]\narchitectures = []": "site.toml:5:17: [image] architectures must name each architecture once",
    "[image]\narchitectures = ['arm']": 'site.toml:5:18: an item of [image] architectures can\'t be "arm" (did you mean '
    '"arm64"?)',
    '[image.headers]\n"X Y" = "z"': "site.toml:5:9: [image.headers] X Y is not the name of a header",
    '[image.headers]\n"X: y" = "z"': "site.toml:5:10: [image.headers] X: y is not the name of a header",
    '[image.headers]\nX = "a\\nb"': "site.toml:5:5: [image.headers] X has a character that no header may hold (control or "
    "not ASCII)",
    "[publish.status]\nhost = 'local'": "site.toml:4:1: [publish] status is the name of a command: choose another",
    f"[publish.{'p' * 41}]\nhost = 'local'": f"site.toml:4:1: [publish] {'p' * 41} is longer than 40 characters",
    "[publish.Prod]\nhost = 'local'": "site.toml:4:1: [publish] Prod must be small letters, digits and dashes",
    "[publish.p]": 'site.toml:4:1: [publish.p] needs the key "host", text or a list',
    "[publish.p]\nhost = 5": "site.toml:5:8: [publish.p] host must be text or a list, not the number 5",
    "[publish.p]\nhost = ['a', 5]": "site.toml:5:14: an item of [publish.p] host must be text, not the number 5",
    "[publish.p]\nhost = []": "site.toml:5:8: [publish.p] host names none",
    "[publish.p]\nhost = ['a', 'a']": 'site.toml:5:14: [publish.p] host names "a" twice',
    "[publish.p]\nhost = ['a', '-x']": 'site.toml:5:14: [publish.p] host "-x" is not',
    "[publish.p]\nhost = ['a']\nrollout = 'canary'": 'site.toml:6:11: [publish.p] rollout = "canary" is of no use with '
    "one host",
    "[publish.p]\nhost = ['a', 'b']\nrollout = 'canary'\ncanary_wait = 0": "site.toml:7:15: [publish.p] canary_wait must "
    "lie between 1 and 3600",
    "[publish.p]\nhost = '-oProxyCommand=x'": 'site.toml:5:8: [publish.p] host "-oProxyCommand=x" is not "user@host", '
    '"ssh://user@host:port" or "local"',
    "[publish.p]\nhost = 'u@-x'": 'site.toml:5:8: [publish.p] host "u@-x" is not',
    "[publish.p]\nhost = 'u@[fd77::1]:22'": 'site.toml:5:8: [publish.p] host "u@[fd77::1]:22" has a port: '
    "write ssh://u@[fd77::1]:22",
    "[publish.p]\nhost = 'u@fd77::1'": 'site.toml:5:8: [publish.p] host "u@fd77::1" needs brackets around its address: '
    "u@[fd77::1]",
    "[publish.p]\nhost = 'ssh://fd77::1'": 'site.toml:5:8: [publish.p] host "ssh://fd77::1" needs brackets around its '
    "address: ssh://[fd77::1]",
    "[publish.p]\nhost = 'u@[fd77::x]'": 'site.toml:5:8: [publish.p] host "u@[fd77::x]" is not',
    "[publish]\nhost = 'u@h'": 'site.toml:5:1: [publish] has "host", which belongs to a target, and a target has a name',
    "[publish]\nport = 80\n[publish.p]\nhost = 'h'": 'site.toml:5:1: [publish] has "port", which belongs to a target',
    "[publish.p]\nhost = 'h:22'": 'site.toml:5:8: [publish.p] host "h:22" has a port: write ssh://h:22',
    "[publish.p]\nhost = 'h'\nport = 0": "site.toml:6:8: [publish.p] port must lie between 1 and 65535",
    "[publish.p]\nhost = 'h'\nkeep = 0": "site.toml:6:8: [publish.p] keep must lie between 1 and 1000",
    "[publish.p]\nhost = 'h'\nmemory = 1": "site.toml:6:10: [publish.p] memory must lie between 16 and 65536",
    "[publish.p]\nhost = 'h'\nengine = 'lxc'": 'site.toml:6:10: [publish.p] engine can\'t be "lxc"',
    "[publish.p]\nhost = 'h'\naddress = 'all'": 'site.toml:6:11: [publish.p] address "all" is not an IP address',
}


@pytest.mark.parametrize(("text", "expected"), CHECKS.items(), ids=[text.replace("\n", " ") for text in CHECKS])
def test_every_check_says_what_and_where_and_once(load: Load, text: str, expected: str) -> None:
    (said,) = complaints(load, SITE + text)
    assert said.startswith(expected)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "must be a whole URL"),
        ("example.org", "must be a whole URL"),
        ("ftp://example.org/", "must be a whole URL"),
        ("https:///x", "must be a whole URL"),
        ("https://example.org:99999/", "is not a URL"),
        ("https://[::1/", "is not a URL"),
        ("https://a@example.org/", "without user, query or fragment"),
        ("https://example.org/?q", "without user, query or fragment"),
        ("https://example.org/#f", "without user, query or fragment"),
        ("https://exämple.org/", "must be ASCII"),
        ("https://example.org/a b", "must be ASCII without spaces"),
        ("https://<script>/", "is not a host name"),
        ("https://example.org/<x>/", "has a path with characters that no URL may hold"),
        ("https://example.org/../x/", "has a path with characters that no URL may hold"),
    ],
)
def test_a_url_must_be_one_that_stands_in_any_page(load: Load, url: str, said: str) -> None:
    (complaint,) = complaints(load, f"[site]\ntitle = 'T'\nurl = '{url}'")
    assert complaint.startswith("site.toml:3:7: [site] url ")
    assert said in complaint


@pytest.mark.parametrize("url", ["http://localhost:8080/", "https://[::1]:8080/", "https://a.b-c.example.org/~me/b_c/"])
def test_such_urls_are_fine(load: Load, url: str) -> None:
    assert load(f"[site]\ntitle = 'T'\nurl = '{url}'").settings.site.url == url


@pytest.mark.parametrize(
    "host",
    ["local", "example.org", "deploy@example.org", "ssh://deploy@example.org:2222", "ssh://[::1]:22", "u.v@10.0.0.1"],
)
def test_such_hosts_are_fine(load: Load, host: str) -> None:
    assert load(SITE + f"[publish.p]\nhost = '{host}'").settings.publish["p"].host == host


def test_what_is_missing_is_named(load: Load) -> None:
    assert complaints(load, "") == ['site.toml:1:1: site.toml needs the key "site", a table']
    assert complaints(load, "[site]") == [
        'site.toml:1:1: [site] needs the key "title", text',
        'site.toml:1:1: [site] needs the key "url", text',
    ]
    assert complaints(load, SITE.replace('"T"', '" "')) == ["site.toml:2:9: [site] title is empty"]


def test_all_that_is_wrong_is_told_at_once(load: Load) -> None:
    assert len(complaints(load, SITE + "[lists]\nper_page = 0\n[feeds]\nlimit = 0\n[permalinks]\npost = 'x'")) == 3


def test_broken_toml_has_its_place(load: Load) -> None:
    assert complaints(load, "[site]\ntitle = My blog\n") == ["site.toml:2:9: not valid TOML: invalid value"]


def test_a_file_from_any_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xef\xbb\xbf" + SITE.replace("\n", "\r\n").encode())
    assert sitefile.load(tmp_path / "site.toml").settings.site.title == "T"
    (tmp_path / "site.toml").write_bytes(b'[site]\ntitle = "caf\xe9"\n')
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml", "site.toml")
    assert str(caught.value).startswith('site.toml:2:13: byte 0xe9 is not UTF-8\n2 | title = "caf\ufffd')


def test_no_file_is_a_problem_that_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"there is no site\.toml in"):
        sitefile.load(tmp_path / "site.toml")
    (tmp_path / "site.toml").mkdir()
    with pytest.raises(Problem, match=r"can't read .*: it is a folder, and no file"):
        sitefile.load(tmp_path / "site.toml")


def test_the_nearest_site_file_above_is_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "content" / "posts").mkdir(parents=True)
    assert sitefile.find(tmp_path / "content" / "posts") == tmp_path / "site.toml"
    monkeypatch.chdir(tmp_path / "content")
    assert sitefile.open_site().root == tmp_path
    assert sitefile.open_site(tmp_path).root == tmp_path
    assert str(sitefile.open_site().place("site", "title")) == "site.toml:2:9"


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://blog.Example.org/", "blog-example-org"), ("http://localhost:80/", "localhost"), ("https://[::1]/", "1")],
)
def test_an_image_is_called_after_the_host(load: Load, url: str, name: str) -> None:
    site = load(f"[site]\ntitle = 'T'\nurl = '{url}'")
    assert sitefile.image_name(site.settings) == name
    named = load(f"[site]\ntitle = 'T'\nurl = '{url}'\n[image]\nname = 'my.site'")
    assert sitefile.image_name(named.settings) == "my.site"
