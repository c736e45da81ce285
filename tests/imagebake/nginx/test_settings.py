"""Each setting of [image] that nginx is told, in the configuration and, where it shows there only, on the wire."""

import re
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.image.entries import Bytes, File
from imagebake.nginx import configuration, runners
from imagebake.recipes import site
from sealpress.config import toml
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import Policies
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.imagebake.nginx.servers import Way, dressed, scratch_for, serving
from tests.needs import unavailable
from tests.ports import free_port

network = pytest.mark.network

PLAIN = ImageSettings()
PAGES = {"index.html": b"home", "404.html": b"not here", "fr/index.html": b"accueil"}


def conf(settings: ImageSettings = PLAIN, policy: str = "") -> str:
    return configuration.nginx_conf(settings, PAGES, (), Policies(policy))


def headers(text: str) -> dict[str, str]:
    return {
        name: value.strip('"')
        for name, value in re.findall(r'add_header ([A-Za-z-]+) ("(?:[^"\\]|\\.)*"|\S+)(?: always)?;', text)
    }


def test_the_defaults_are_safe() -> None:
    assert headers(conf()) == {
        "Cache-Control": "$cache",
        "Last-Modified": "",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    for word in ("realip", "set_real_ip_from", "accept_language", "Strict-Transport", "$moved", "$gone"):
        assert word not in conf()


def test_a_policy_is_a_header_that_gives_way_to_the_sites_own() -> None:
    policy = "default-src 'self'; script-src 'sha256-a+b/c='"
    assert headers(conf(policy=policy))["Content-Security-Policy"] == policy
    own = replace(PLAIN, headers={"content-security-policy": "default-src 'none'"})
    found = headers(conf(own, policy))
    assert found["content-security-policy"] == "default-src 'none'"
    assert "Content-Security-Policy" not in found


def test_hsts_gives_way_to_the_sites_own() -> None:
    own = replace(PLAIN, hsts=86400, headers={"Strict-Transport-Security": "max-age=0"})
    assert headers(conf(own))["Strict-Transport-Security"] == "max-age=0"
    assert headers(conf(replace(PLAIN, hsts=86400)))["Strict-Transport-Security"] == "$hsts"
    assert 'default "max-age=86400; includeSubDomains";' in conf(replace(PLAIN, hsts=86400, hsts_subdomains=True))
    assert "default max-age=86400;" in conf(replace(PLAIN, hsts=86400))


def test_http2_is_on_where_nginx_knows_it() -> None:
    assert "http2 on;" in conf()
    assert "http2" not in conf(replace(PLAIN, http2=False))
    assert "http2" not in conf(replace(PLAIN, suite="bookworm"))


def test_a_setting_changes_the_configuration_and_nothing_else(tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, PAGES))

    def parts(settings: ImageSettings) -> dict[str, str]:
        return {part.name: part.description for part in site.recipe(scanned, settings, "x", "sha256:0", "").parts}

    before = parts(PLAIN)
    for settings in (
        replace(PLAIN, redirects={"/a": "/fr/"}),
        replace(PLAIN, negotiate_languages=("en", "fr")),
        replace(PLAIN, hsts=1),
        replace(PLAIN, log="off"),
        replace(PLAIN, trusted_proxies=("::1",)),
        replace(PLAIN, http2=False),
        replace(PLAIN, ipv6=False),
    ):
        after = parts(settings)
        assert [name for name in before if before[name] != after[name]] == ["configuration"]


@pytest.mark.parametrize(
    ("languages", "paths", "message", "at"),
    [
        (
            ["en", "fr"],
            ["fr/index.html"],
            "needs the page index.html: it is for readers who ask for no language",
            "2:23",
        ),
        (["en", "de"], ["index.html"], 'names "de", and the tree has no de/index.html', "2:30"),
        (["en", "fr", "pt-BR"], ["index.html", "fr/index.html", "pt/index.html"], 'names "pt-BR", and', "2:36"),
    ],
)
def test_a_language_without_a_front_page_is_refused(
    languages: list[str], paths: list[str], message: str, at: str, tmp_path: Path
) -> None:
    document = toml.parse(f"[image]\nnegotiate_languages = {languages}\n", "site.toml")
    settings = replace(PLAIN, negotiate_languages=tuple(languages))
    scanned = tree.scan(write_tree(tmp_path, dict.fromkeys(paths, b"")))
    with pytest.raises(Problem) as caught:
        site.recipe(scanned, settings, "x", "sha256:0", "", document)
    assert message in caught.value.message
    assert (str(caught.value.place), caught.value.code) == (f"site.toml:{at}", Exit.TREE)
    with pytest.raises(Problem) as caught:
        configuration.nginx_conf(settings, paths)
    assert str(caught.value.place) == "site.toml"


@network
def test_the_combined_log_has_networks_for_addresses(rootfs: Path, open_folder: Path) -> None:
    with serving(dressed(rootfs, PAGES, PLAIN, open_folder / "combined"), Way("ld.so")) as server:
        # Nobody is trusted: what a reader claims is not even looked at.
        server.get("/?mark", {"X-Forwarded-For": "203.0.113.77", "User-Agent": 'x "y"', "Referer": "https://e.org/"})
        line = server.logged("mark")
    assert re.fullmatch(
        r'127\.0\.0\.0 - - \[[^]]+ \+0000\] "GET /\?mark HTTP/1\.1" 200 4 "https://e\.org/" "x \\x22y\\x22"', line
    )


@network
def test_a_log_that_is_off_says_nothing(rootfs: Path, open_folder: Path) -> None:
    settings = replace(PLAIN, log="off")
    with serving(dressed(rootfs, PAGES, settings, open_folder / "silent"), Way("ld.so")) as server:
        for path in ("/", "/nowhere", "/fr", "/../x"):
            server.get(path)
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(10)  # what was to be written has been
        assert server.log.read_text() == ""


@network
@pytest.mark.parametrize("kernel", ["with IPv6", "without"])
def test_it_listens_on_both_families_and_starts_where_the_kernel_has_one(
    rootfs: Path, open_folder: Path, kernel: str
) -> None:
    """Each on a socket of its own; readers of either are logged as networks. The configuration is as it was sealed."""
    if not runners.has_bubblewrap() or not runners.has_ipv6():
        unavailable("needs bubblewrap, and a kernel with IPv6")
    settings = replace(PLAIN, port=free_port())
    made = dressed(rootfs, PAGES, settings, open_folder / kernel.replace(" ", "-"))
    with scratch_for(Way("bubblewrap")) as scratch, (scratch / "log").open("wb") as log:
        command = list(runners.Bubblewrap().command(rootfs, settings.port, "127.0.0.1", scratch))
        # The runner's listen.conf stands for one address: the image's own takes its place.
        at = command.index(str(scratch / "listen.conf")) - 1
        own = [word for name in ("etc", "srv") for word in ("--ro-bind", str(made / name), f"/{name}")]
        command[at : at + 3] = own
        if kernel == "without":
            at = command.index("/proc") + 1
            command[at:at] = ["--tmpfs", "/proc/sys/net"]
        process = subprocess.Popen(["timeout", "60", *command], stdout=log, stderr=log)
        try:
            assert b"200 OK" in ask(socket.AF_INET, "127.0.0.1", settings.port), (scratch / "log").read_text()
            if kernel == "without":
                with socket.socket(socket.AF_INET6) as connection:
                    assert connection.connect_ex(("::1", settings.port)) != 0
            else:
                assert b"200 OK" in ask(socket.AF_INET6, "::1", settings.port)
            readers = ["127.0.0.0", "::"][: 1 if kernel == "without" else 2]
            until = time.monotonic() + 30  # a line is written when the reader has gone
            while sorted(line.split()[0] for line in (scratch / "log").read_text().splitlines()) != readers:
                assert time.monotonic() < until, (scratch / "log").read_text()
                time.sleep(0.02)
        finally:
            process.terminate()
            process.wait(10)


def ask(family: socket.AddressFamily, address: str, port: int) -> bytes:
    import time

    until = time.monotonic() + 10
    while True:
        with socket.socket(family) as connection:
            connection.settimeout(5)
            if connection.connect_ex((address, port)) == 0:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(4096), b""))
        if time.monotonic() > until:
            return b""
        time.sleep(0.01)


def test_the_image_listens_on_ipv4_alone_where_it_is_told_so() -> None:
    found = {
        settings.ipv6: {
            entry.path.rpartition("/")[2]: entry.content.data.decode()
            for entry in configuration.entries(settings, PAGES)
            if isinstance(entry, File) and "listen" in entry.path and isinstance(entry.content, Bytes)
        }
        for settings in (PLAIN, replace(PLAIN, ipv6=False))
    }
    assert found == {
        False: {"listen.conf": "listen 8080 default_server;\n"},
        True: {
            "listen.conf": "listen 8080 default_server;\n# Where the kernel has IPv6.\n"
            'include "/proc/sys/net/ipv[6]/../../../../etc/nginx/listen-ipv6.conf";\n',
            "listen-ipv6.conf": 'listen "[::]:8080" default_server;\n',
        },
    }


@network
def test_http2_without_tls_can_be_turned_off(rootfs: Path, open_folder: Path) -> None:
    settings = replace(PLAIN, http2=False)
    with serving(dressed(rootfs, PAGES, settings, open_folder / "http1"), Way("ld.so")) as server:
        assert server.curl("/", "--http1.1").body == b"home"
        with pytest.raises(subprocess.CalledProcessError):
            server.curl("/", "--http2-prior-knowledge")


def test_drawings_have_a_policy_of_their_own_where_it_is_another_one() -> None:
    """By the ending, in any case; what is not there is answered with a page, under the pages' policy."""
    found = configuration.nginx_conf(
        ImageSettings(), PAGES, (), Policies("default-src 'none'", "style-src 'unsafe-inline'")
    )
    assert "map $uri $policy {\n        default \"default-src 'none'\";" in found
    assert "~*\\\\.svg$ \"style-src 'unsafe-inline'\";" in found.replace('"~*\\\\.svg$"', "~*\\\\.svg$")
    assert "add_header Content-Security-Policy $policy always;" in found
    for same in (Policies("default-src 'none'"), Policies("default-src 'none'", "default-src 'none'")):
        assert "$policy" not in configuration.nginx_conf(ImageSettings(), PAGES, (), same)
