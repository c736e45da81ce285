"""[publish.NAME] edge and what goes with it: what is refused, each at its place; and what the image follows from it."""

from pathlib import Path

import pytest

from sealpress.config import edge, sitefile
from sealpress.problems import Problem

SITE = '[site]\ntitle = "T"\nurl = "https://a.example/"\n'
TARGET = '[publish.p]\nhost = "local"\n'


def load(folder: Path, text: str) -> sitefile.SiteFile:
    (folder / "site.toml").write_text(SITE + text)
    return sitefile.load(folder / "site.toml", "site.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("replicas = 2", "6:12: [publish.p] replicas is of no use without an edge"),
        ('hosts = ["a.example"]', "6:9: [publish.p] hosts is of no use without an edge"),
        ('edge = "caddy"\nengine = "embedded"', "6:8: [publish.p] edge needs Docker or Podman"),
        ('edge = "caddy"\nhosts = ["a.example", "a.example"]', '7:23: [publish.p] hosts names "a.example" twice'),
        ('edge = "caddy"\nreplicas = 17', "7:12: [publish.p] replicas must lie between 1 and 16"),
        ('edge = "nginx"', "6:8: "),
        ('edge = "caddy"\nnetworks = ["proxy"]', "7:12: [publish.p] networks is for a proxy of your own"),
        ('engine = "embedded"\nnetworks = ["proxy"]', "7:12: [publish.p] networks needs Docker or Podman"),
        (
            'labels = { "org.sealpress.role" = "x" }',
            '6:35: [publish.p] labels has "org.sealpress.role": all names that',
        ),
        ('labels = { "a b" = "x" }', '6:20: [publish.p] labels has "a b", which is no label'),
        ('labels = { a = "x\\ny" }', '6:16: [publish.p] labels has "a", which is no label, or has a text of several'),
        ('networks = ["a", "a"]', '6:18: [publish.p] networks names "a" twice'),
        *(
            (f'networks = ["{name}"]', f'6:13: [publish.p] networks has "{name}", which is')
            for name in ("", "a b", "container:x", "host", "none", "sealpress", "sealpress-edge-80", "../x")
        ),
        *(
            (f'edge = "caddy"\nhosts = ["{host}"]', f'7:10: [publish.p] hosts has "{host}", which is not')
            for host in (
                "A.example",
                "a.example:80",
                "*.example",
                "a..b",
                "-a",
                "http://a.example",
                "é.example",
                "",
                "{x}",
            )
        ),
    ],
)
def test_what_goes_wrong_is_told_at_its_place(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        load(tmp_path, f"{TARGET}{line}\n")
    assert str(caught.value).startswith(f"site.toml:{said}"), str(caught.value)


def test_the_image_believes_an_edge_where_a_target_has_one(tmp_path: Path) -> None:
    proxies = '[image]\ntrusted_proxies = ["192.0.2.1"]\n'
    assert load(tmp_path, proxies + TARGET).settings.image.trusted_proxies == ("192.0.2.1",)
    found = load(tmp_path, f'{proxies}{TARGET}edge = "caddy"\n').settings.image.trusted_proxies
    assert found == ("192.0.2.1", *edge.NETWORKS)


def test_no_site_is_called_as_the_edge(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is what the edge is called on a host"):
        load(tmp_path, '[image]\nname = "sealpress-edge"\n')
    (tmp_path / "site.toml").write_text(SITE.replace("a.example", "sealpress.edge"))
    assert sitefile.image_name(sitefile.load(tmp_path / "site.toml").settings) == "sealpress-edge-site"
