"""The mirror is the first one that is named: by site.toml, by the environment, by this machine's apt."""

from pathlib import Path

import pytest

from imagebake.packages import mirror
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem

NONE = ImageSettings()

ONE_LINE = """\
# a comment
deb [arch=amd64 signed-by=/usr/share/keyrings/other.gpg] https://other.example/debian bookworm main
deb https://tools.example/apt bookworm tools
deb-src http://m.example/debian bookworm main
deb [ arch=amd64 ] http://m.example/debian/ bookworm main contrib # the one
deb http://m.example/debian bookworm-updates main
deb http://s.example/debian-security bookworm-security main
"""

DEB822 = """\
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main
Enabled: no

# between
Types: deb deb-src
URIs: https://m.example/debian/ https://second.example/debian
Suites: trixie trixie-updates
Components: main non-free
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://s.example/debian-security
Suites: trixie-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 debian-archive
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_a_one_line_list(apt: Path) -> None:
    (apt / "sources.list").write_text(ONE_LINE)
    assert mirror.find(NONE, {}, apt) == mirror.Mirrors("http://m.example/debian", "http://s.example/debian-security")


def test_deb822_sources(apt: Path) -> None:
    (apt / "sources.list.d/debian.sources").write_text(DEB822)
    (apt / "sources.list.d/debian.sources.bak").write_text(DEB822.replace("m.example", "old.example"))
    assert mirror.find(NONE, {}, apt) == mirror.Mirrors("https://m.example/debian", "https://s.example/debian-security")


def test_the_mirror_lists_of_cloud_images(apt: Path) -> None:
    (apt / "mirrors.list").write_text("# mirrors\n\nhttps://m.example/debian/ priority:1\nhttps://n.example/debian\n")
    (apt / "sources.list.d/debian.sources").write_text(
        DEB822.replace("https://m.example/debian/ https://second.example/debian", f"mirror+file:{apt}/mirrors.list")
    )
    assert mirror.find(NONE, {}, apt).main == "https://m.example/debian"


def test_site_toml_goes_before_the_environment_and_that_before_apt(apt: Path) -> None:
    (apt / "sources.list").write_text(ONE_LINE)
    environ = {
        "SEALPRESS_MIRROR": "https://env.example/debian/",
        "SEALPRESS_SECURITY_MIRROR": "file:///srv/security",
        "SEALPRESS_SNAPSHOT_MIRROR": "https://old.example/{archive}/{date}",
    }
    settings = ImageSettings(mirror="file:///srv/debian", snapshot_mirror="https://kept.example")
    assert mirror.find(settings, environ, apt) == mirror.Mirrors(
        "file:///srv/debian", "file:///srv/security", "https://kept.example"
    )
    assert mirror.find(NONE, environ, apt) == mirror.Mirrors(
        "https://env.example/debian", "file:///srv/security", "https://old.example/{archive}/{date}"
    )


@pytest.mark.parametrize("text", ["", "deb http://x.example/ubuntu noble main\n", "no: sources\n  at: all\n", "deb ["])
def test_a_machine_without_debian_says_what_to_set(apt: Path, text: str) -> None:
    (apt / "sources.list").write_text(text)
    (apt / "sources.list.d/broken.sources").write_text(" continues nothing\n" + text)
    with pytest.raises(Problem) as caught:
        mirror.find(NONE, {}, apt)
    assert str(caught.value) == (
        "no Debian mirror is known: this machine's apt names none\n"
        "hint: set mirror under [image] in site.toml, or SEALPRESS_MIRROR, to the mirror's URL (http, https or file)"
    )
    assert caught.value.code is Exit.LOCK


def test_a_security_mirror_is_needed_too(apt: Path) -> None:
    with pytest.raises(Problem, match="no mirror of Debian's security updates is known") as caught:
        mirror.find(ImageSettings(mirror="https://m.example/debian"), {}, apt / "nowhere")
    assert "SEALPRESS_SECURITY_MIRROR" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["m.example/debian", "ftp://m.example/", "https://", "file://host/x", "file:x", "https://m/?a", "https://m/ x"],
)
def test_what_is_no_url_of_a_mirror_is_refused_with_its_setting(apt: Path, url: str) -> None:
    with pytest.raises(Problem) as caught:
        mirror.find(ImageSettings(mirror=url), {}, apt)
    assert caught.value.message == f'[image] mirror is "{url}", which is no URL of a mirror'
