"""A site's own certificate and key: what is wrong with them is told at its place, before a host is asked."""

import subprocess
from pathlib import Path

import pytest

from publish.edge import pair
from publish.edge.certificates import CertificateSource
from sealpress.config.settings import PublishTarget
from sealpress.problems import Place, Problem
from tests.certificates import signed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pairs")
    signed(made, "blog", "DNS:blog.example,DNS:*.blog.example")
    signed(made, "other", "DNS:other.example")
    signed(made, "old", "DNS:blog.example", days=-1)
    (made / "chain.pem").write_text((made / "blog.pem").read_text() + (made / "ca.pem").read_text())
    (made / "turned.pem").write_text((made / "ca.pem").read_text() + (made / "blog.pem").read_text())
    (made / "text.pem").write_text("no certificate\n")
    (made / "binary.pem").write_bytes(b"\xff\x00" * 99)
    (made / "cut.key").write_text((made / "blog.key").read_text()[:-40])
    subprocess.run(
        ["openssl", "pkey", "-in", "blog.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"],
        cwd=made,
        check=True,
        capture_output=True,
    )
    return made


def read(folder: Path, certificate: str, key: str, *hosts: str) -> pair.SiteFiles:
    target = PublishTarget("local", tls=True, hosts=hosts or ("blog.example",), certificate=certificate, key=key)
    return pair.read(target, folder, lambda key: Place("site.toml", {"certificate": 1, "key": 2}[key]))


def test_a_pair_is_written_for_the_edge_alone(folder: Path) -> None:
    found = read(folder, "chain.pem", str(folder / "blog.key"), "blog.example", "www.blog.example")
    assert found.source == CertificateSource("own", file=found.source.file)
    assert len(found.source.file) == 12
    assert found.pem.startswith((folder / "blog.pem").read_bytes())
    assert found.pem.endswith((folder / "blog.key").read_bytes())
    assert "PRIVATE" not in found.trust + found.source.label


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("none.pem", "blog.key", "site.toml:1: can't read none.pem: No such file or directory"),
        ("blog.pem", "none.key", "site.toml:2: can't read none.key: No such file or directory"),
        ("blog.pem", "/dev/zero", "site.toml:2: can't read /dev/zero: "),
        ("text.pem", "blog.key", "site.toml:1: text.pem holds no certificate in PEM"),
        ("binary.pem", "blog.key", "site.toml:1: binary.pem holds no certificate in PEM"),
        ("blog.key", "blog.key", "site.toml:1: blog.key holds no certificate in PEM"),
        ("blog.pem", "blog.pem", "site.toml:2: blog.pem holds no private key in PEM"),
        ("blog.pem", "cut.key", "site.toml:2: cut.key holds no private key in PEM"),
        ("blog.pem", "other.key", "site.toml:2: other.key is not the key of blog.pem"),
        ("turned.pem", "blog.key", "site.toml:2: blog.key is not the key of turned.pem"),
        ("blog.pem", "locked.key", "site.toml:2: locked.key has a passphrase"),
        ("other.pem", "other.key", "site.toml:1: other.pem is no certificate for blog.example"),
        ("old.pem", "old.key", "site.toml:1: old.pem ended on "),
    ],
)
def test_what_is_wrong_with_a_pair_is_told_at_its_place(folder: Path, certificate: str, key: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        read(folder, certificate, key)
    assert str(caught.value).startswith(said), str(caught.value)
    assert "BEGIN" not in str(caught.value)


def test_a_star_stands_for_one_part_of_a_name(folder: Path) -> None:
    with pytest.raises(Problem, match=r"blog.pem is no certificate for a.b.blog.example"):
        read(folder, "blog.pem", "blog.key", "a.b.blog.example")


def test_roots_that_are_none_are_told(folder: Path) -> None:
    target = PublishTarget("local", tls=True, hosts=("blog.example",), acme_roots="text.pem")
    with pytest.raises(Problem, match=r"text.pem holds no certificate in PEM"):
        pair.read(target, folder, lambda _key: Place("site.toml"))
