"""The sealed nginx reads its own configuration at the bake; and takes whatever our rules for [image] let through."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from imagebake.image.entries import Bytes, File
from imagebake.image.layers import Layer
from imagebake.nginx import configuration, directives, runners, trial
from imagebake.packages.lock import Lock
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from sealpress.config import content_policy, serving, toml
from sealpress.config import redirects as rules
from sealpress.config.document import Node
from sealpress.config.settings import ImageSettings, Settings, SiteSettings
from sealpress.policy.source_lists import Policies
from sealpress.problems import Exit, Place, Problem
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree
from tests.imagebake.conftest import CREATED, HERE, write_tree
from tests.needs import unavailable

network = pytest.mark.network
PAGES = ("index.html", "404.html", "fr/index.html", "fr/404.html", "a.html")


@pytest.fixture(scope="module", autouse=True)
def runner() -> None:
    if not runners.has_bubblewrap():
        unavailable("bubblewrap can't make namespaces here")


@pytest.fixture(scope="module")
def root(image: Image, site_lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system of nginx and its configuration, which each test replaces."""
    folder = tmp_path_factory.mktemp("trial") / "root"
    runners.unpack([layer for layer in image.layers if _is_held(layer, site_lock)], folder)
    return folder


def _is_held(layer: Layer, lock: Lock) -> bool:
    return layer.name == site.CONFIGURATION or layer.name.partition(" ")[0] in {one.name for one in lock.of(HERE)}


def _refusal(root: Path, conf: str, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    (root / configuration.FOLDER / "nginx.conf").write_text(conf, encoding="utf-8")
    return trial.reason(root, tmp_path_factory.mktemp("scratch"))


# --- settings that our rules let through ------------------------------------------------------------------------------

_ODD = st.sampled_from(
    ["$", "$uri", "${x}", '"', "'", "\\", "{", "}", ";", "#", " ", "~", "^", "(", "*", "\\n", "é", "-"]
)
_TEXT = st.lists(_ODD | st.text(max_size=6), max_size=8).map("".join)
_LONG = st.tuples(_TEXT, st.sampled_from([0, 1, 30, 300, 2000, 4000, 4094, 5000, 100_000])).map(
    lambda pair: (pair[0] or "x") * (1 + pair[1] // max(1, len(pair[0])))
)
_NAMES = st.sampled_from(
    ["X-A", "x-a", "X-$uri", "X#", "X'", "X|Y", "#", "X~", "default", "Link", "Content-Security-Policy", "X" * 5000]
)
_NETWORKS = st.sampled_from(
    [
        *("10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/8", "10.0.0.0/08", "10.0.0.1", "10.0.0.1/032"),
        *("::1", "fe80::1%eth0", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::/128", "::1.2.3.4", "::ffff:1.2.3.4/128", "unix:"),
        *("2001:DB8::/032", "::ffff:0:0/96", "0.0.0.0/0", "10.0.0.0/33", "all", "1", "0x0a000001", "10.0.0.0/٨"),
    ]
)
_TAGS = st.sampled_from(["en", "fr", "FR", "pt-BR", "zh-Hans-CN", "en" + "-abcdefgh" * 3, "en" + "-aaa" * 40, "x"])
_PATHS = st.tuples(st.sampled_from(["/", "/old", "/%5C", "/default", "/~x", "old"]), _LONG).map("".join)
_SETTINGS = st.builds(
    ImageSettings,
    headers=st.dictionaries(_NAMES, _LONG, max_size=3),
    trusted_proxies=st.lists(_NETWORKS, max_size=3).map(tuple),
    negotiate_languages=st.lists(_TAGS, max_size=40).map(tuple),
    redirects=st.dictionaries(
        _PATHS,
        st.tuples(st.sampled_from(["/a.html?", "https://x.example.org/", "", "410 "]), _LONG).map("".join),
        max_size=3,
    ),
    policy=st.sampled_from(["computed", "off", "default-src 'self'", "img-src https://x/" + "$" * 900]),
    log=st.sampled_from(["combined", "json", "off"]),
    hsts=st.sampled_from([0, 1, 31_536_000]),
    http2=st.booleans(),
)


def _problems(image: ImageSettings) -> Iterator[Problem]:
    """What is found when a site.toml with these settings is loaded."""
    site = Settings(SiteSettings("x", "https://x.example.org/"), image=image)
    yield from serving.check(site, Node({}, Place("site.toml")), lambda *_path: Place("site.toml"))
    if wrong := content_policy.check_policy(image.policy):
        yield Problem(wrong)


@network
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(_SETTINGS)
@example(ImageSettings(trusted_proxies=("10.0.0.0/255.0.0.0",)))
@example(ImageSettings(trusted_proxies=("1:2:3:4:5:6:7::/128",)))
@example(ImageSettings(headers={"X-A": "x" * 100_000}))
@example(ImageSettings(headers={"X-A": "$" * 500}))
@example(ImageSettings(headers={"X-A": '"' * 2500}))
@example(ImageSettings(redirects={"/" + "%5C" * 2047: "/a.html"}))
@example(ImageSettings(redirects={"/old": "/a.html?" + "$" * 600}))
@example(ImageSettings(redirects={"/old": "/a.html?" + "x" * 5000}))
@example(
    ImageSettings(
        negotiate_languages=("en", *(f"f{a}-{b}bcdefgh-{c}bcdefgh" for a in "abcd" for b in "ab" for c in "ab"))
    )
)
def test_nginx_takes_what_our_rules_let_through(
    root: Path, tmp_path_factory: pytest.TempPathFactory, image: ImageSettings
) -> None:
    """Of values of any length and any character; each that is refused here is refused by us, at its place."""
    paths = {*PAGES, *(f"{tag}/index.html" for tag in image.negotiate_languages)}
    if list(_problems(image)):
        return
    try:
        moved = rules.of_table(image.redirects, None)
        policy = image.policy if image.policy not in {"computed", "off"} else ""
        conf = configuration.nginx_conf(image, paths, moved, Policies(policy))
    except Problem as problem:
        assert problem.code in {Exit.SITE, Exit.TREE}  # noqa: PT017 - most are taken
        return
    assert _refusal(root, conf, tmp_path_factory) is None


@network
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(["a", "-", ".", "_", "fr", "x" * 200]), min_size=1, max_size=30).map("".join))
def test_nginx_takes_the_404_page_of_any_folder(
    root: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Or the path is too long for it, which is said with its name."""
    assume(name not in {".", ".."})
    try:
        conf = configuration.nginx_conf(ImageSettings(), {*PAGES, f"{name}/404.html"})
    except Problem as problem:
        assert "nginx takes words of 4094 bytes" in problem.message  # noqa: PT017 - most are taken
        return
    assert _refusal(root, conf, tmp_path_factory) is None


@pytest.mark.parametrize("size", [4094, 4095])
@network
def test_the_longest_word_that_nginx_takes_is_known(
    root: Path, tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    text = f'pid tmp/x.pid;\nevents {{ }}\nhttp {{ server {{ include listen.conf; add_header X "{"x" * size}"; }} }}\n'
    said = _refusal(root, text, tmp_path_factory)
    assert (said is not None and "too long parameter" in said) == (size > directives.LONGEST)


# --- at the bake ------------------------------------------------------------------------------------------------------


@pytest.fixture
def scanned(tmp_path: Path) -> OutputTree:
    return tree.scan(write_tree(tmp_path / "tree", {"index.html": b"home"}))


def _bake(scanned: OutputTree, lock: Lock, image: ImageSettings, document: Node | None = None) -> Image:
    return site.bake(scanned, lock, image, [HERE], CREATED, name="x", document=document)[0]


@network
def test_what_our_rules_miss_is_found_before_anything_is_written(
    scanned: OutputTree, site_lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule is taken away here: then nginx itself says what it refuses, and site.toml's key is named."""
    text = '[image]\ntrusted_proxies = ["10.0.0.0/255.0.0.0"]\n'
    image = ImageSettings(trusted_proxies=("10.0.0.0/255.0.0.0",))
    with pytest.raises(Problem) as caught:
        _bake(scanned, site_lock, image, toml.parse(text, "site.toml"))
    assert caught.value.code is Exit.SITE
    assert 'nginx would refuse this site: host not found in set_real_ip_from "10.0.0.0/255.0.0.0"' in str(caught.value)
    assert str(caught.value).startswith("site.toml:2:19: ")
    assert "see [image] trusted_proxies in site.toml" in str(caught.value)


@network
def test_what_was_taken_once_is_not_tried_again(
    scanned: OutputTree, site_lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bake(scanned, site_lock, ImageSettings())

    def never(*_: object) -> None:
        raise AssertionError("tried")

    monkeypatch.setattr(trial, "reason", never)
    _bake(scanned, site_lock, ImageSettings())
    with pytest.raises(AssertionError, match="tried"):
        _bake(scanned, site_lock, ImageSettings(headers={"X-New": "once"}))


_NOSY = """#!/usr/sbin/sh
saw=
for path in /root/.ssh /home/* "$HOME" /etc/shadow; do [ -n "$path" ] && [ -e "$path" ] && saw="$saw $path"; done
for path in /x /usr/x /etc/x /srv/x; do (: > $path) 2>/dev/null && saw="$saw wrote:$path"; done
while read name _; do case $name in lo:|Inter-*|face) ;; *) saw="$saw net:$name" ;; esac; done < /proc/net/dev
for process in /proc/[0-9]*; do [ $process = /proc/1 ] || saw="$saw $process"; done
[ -n "$SECRET" ] && saw="$saw $SECRET"
echo "nginx: [emerg] saw:$saw" >&2
exit 1
"""


@network
def test_a_program_of_a_hostile_lock_sees_and_changes_nothing(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository brings its lock, and so the program: it has no network, no files, no rights, no environment."""
    monkeypatch.setenv("SECRET", "token")
    hostile = tmp_path / "root"
    shutil.copytree(root, hostile, symlinks=True)
    shutil.copy2(Path("/bin/sh").resolve(), hostile / "usr/sbin/sh")
    (hostile / "usr/sbin/nginx").write_text(_NOSY)
    before = sorted(str(path) for path in hostile.rglob("*"))
    (tmp_path / "scratch").mkdir()
    assert trial.reason(hostile, tmp_path / "scratch") == "saw:"
    assert sorted(str(path) for path in hostile.rglob("*")) == before


@network
def test_a_program_that_never_ends_costs_its_time_alone(tmp_path: Path, root: Path) -> None:
    conf = root / configuration.FOLDER / "nginx.conf"
    conf.unlink()
    os.mkfifo(conf)
    try:
        assert trial.reason(root, tmp_path, seconds=1) == ""
    finally:
        conf.unlink()


@network
def test_the_configuration_is_for_the_suite_of_the_lock(scanned: OutputTree, site_lock: Lock) -> None:
    """Bookworm's nginx has no `http2 on`; site.toml may say nothing of the suite, or must say the same."""
    old = replace(site_lock, suite="bookworm")
    conf = next(
        entry.content.data
        for layer in _bake(scanned, old, ImageSettings()).layers
        if layer.name == site.CONFIGURATION
        for entry in layer.entries()
        if isinstance(entry, File) and entry.path.endswith("nginx.conf") and isinstance(entry.content, Bytes)
    )
    assert b"http2" not in conf
    with pytest.raises(Problem, match='suite is "trixie", and the lock has packages of "bookworm"') as caught:
        _bake(scanned, old, ImageSettings(), toml.parse('[image]\nsuite = "trixie"\n', "site.toml"))
    assert caught.value.code is Exit.LOCK
