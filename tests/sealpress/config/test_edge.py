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
        ('edge = "none"\nreplicas = 2', "7:12: [publish.p] replicas is of no use without an edge"),
        ('edge = "none"\nhosts = ["a.example"]', "7:9: [publish.p] hosts is of no use without an edge"),
        ('engine = "embedded"\ngrace = 0', "7:9: [publish.p] grace is of no use without an edge"),
        ('networks = ["a"]\ntls = true', "7:7: [publish.p] tls is of no use without an edge"),
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


PROXIES = '[image]\ntrusted_proxies = ["192.0.2.1"]\n'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TARGET, "auto"),
        (f"{TARGET}port = 8080\n", "auto"),
        (f'{TARGET}engine = "docker"\n', "auto"),
        (f'{TARGET}engine = "embedded"\n', "none"),
        (f'{TARGET}networks = ["proxy"]\n', "none"),
        (f'{TARGET}labels = {{ a = "x" }}\n', "none"),
        (f"{PROXIES}{TARGET}", "none"),
        (f"{PROXIES}{TARGET}replicas = 2\n", "caddy"),
        (f'{PROXIES}{TARGET}edge = "caddy"\n', "caddy"),
        (f'{TARGET}edge = "none"\n', "none"),
        (f"{TARGET}grace = 3600\n", "caddy"),
        (f"{TARGET}tls = true\n", "caddy"),
    ],
)
def test_what_needs_an_edge_asks_for_it_and_a_proxy_of_ones_own_has_its_place(
    tmp_path: Path, text: str, wanted: str
) -> None:
    assert load(tmp_path, text).settings.publish["p"].edge == wanted


def test_what_is_of_no_use_is_told_with_what_gives_it_one(tmp_path: Path) -> None:
    def hint(lines: str) -> str | None:
        with pytest.raises(Problem) as caught:
            load(tmp_path, f"{TARGET}{lines}\nreplicas = 2\n")
        return caught.value.hint

    assert hint('edge = "none"') == 'edge = "caddy"'
    assert hint('networks = ["a"]') == "leave out networks"
    assert hint('engine = "embedded"') == "Docker or Podman can have one, the embedded runner has none"


def test_the_image_believes_an_edge_where_a_target_may_have_one(tmp_path: Path) -> None:
    """By site.toml alone, so that a commit is one image wherever it goes."""
    both = f'{TARGET}edge = "none"\n[publish.q]\nhost = "local"\n'
    for text, wanted in (
        ("", ()),
        (f'{TARGET}edge = "none"\n', ()),
        (TARGET, edge.NETWORKS),
        (both, edge.NETWORKS),
        (PROXIES + TARGET, ("192.0.2.1",)),
        (f'{PROXIES}{TARGET}edge = "caddy"\n', ("192.0.2.1", *edge.NETWORKS)),
    ):
        assert load(tmp_path, text).settings.image.trusted_proxies == wanted, text


def test_no_site_is_called_as_the_edge(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is what the edge is called on a host"):
        load(tmp_path, '[image]\nname = "sealpress-edge"\n')
    (tmp_path / "site.toml").write_text(SITE.replace("a.example", "sealpress.edge"))
    assert sitefile.image_name(sitefile.load(tmp_path / "site.toml").settings) == "sealpress-edge-site"
