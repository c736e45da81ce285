"""What `publish export` prints, read by the tools that it is for."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebake.packages.selection import Root
from publish.engines.protocol import ContainerSpec, Endpoint
from publish.target import export
from sealpress.config.settings import PublishTarget
from sealpress.problems import Exit, Problem
from tests.engine.newer import unpacked
from tests.ports import free_port

SPEC = ContainerSpec(
    "blog-example-org-production",
    "localhost/site/blog:production.0123456789abcdef-01234567",
    {8080: Endpoint("127.0.0.1", 8081)},
    {"traefik.http.routers.blog.rule": "Host(`blog.example.org`)", "odd": 'a "b" $c ${D} %d \\e; it\'s'},
    joins=("traefik", "monitoring"),
)
BEHIND = PublishTarget("local", port=8081, address="127.0.0.1")
FRONT = ContainerSpec("a", "localhost/site/a:b", {8080: Endpoint("::1", 8081), 9090: Endpoint("", 9090)})


@pytest.fixture(scope="module")
def nginx_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nginx") / "root"
    unpacked(folder, (Root("nginx", "usr/sbin/nginx"),), "trixie")
    return folder


@pytest.fixture(scope="module")
def quadlet_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quadlet") / "root"
    unpacked(folder, (Root("podman", "usr/libexec/podman/quadlet"),), "trixie")
    return folder


def run(root: Path, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of another suite than this machine's, by its own loader."""
    (loader,) = [*root.glob("lib64/ld-linux-*"), *root.glob("lib/ld-linux-aarch64*")]
    (libraries,) = root.glob("usr/lib/*-linux-gnu")
    command = [str(loader), "--library-path", str(libraries), str(root / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


@pytest.mark.network
@pytest.mark.parametrize(
    ("target", "url"),
    [
        (BEHIND, "https://blog.example.org/"),
        (replace(BEHIND, address=""), "https://xn--bcher-kva.example:8443/blog/"),
        (replace(BEHIND, address="::1"), "http://[2001:db8::1]/"),
        (replace(BEHIND, edge="caddy", hosts=("a.example", "www.a.example")), "https://a.example/"),
    ],
)
def test_nginx_takes_its_server(nginx_root: Path, tmp_path: Path, monkeypatch, target: PublishTarget, url: str) -> None:
    monkeypatch.setattr(export, "_HTTP", free_port())  # whoever runs the tests may open it
    (tmp_path / "site.conf").write_text(export.nginx(target, url))
    places = "".join(f"{name}_temp_path {tmp_path}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {places} include {tmp_path}/site.conf; }}"
    (tmp_path / "nginx.conf").write_text(conf)
    done = run(nginx_root, "usr/sbin/nginx", "-t", "-e", "stderr", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf")
    assert "test is successful" in done.stderr, done.stderr


def test_nginx_is_led_to_the_port_by_the_sites_names() -> None:
    told = export.nginx(replace(BEHIND, address=""), "https://blog.example.org/")
    assert "server_name blog.example.org;" in told
    assert "proxy_pass http://127.0.0.1:8081;" in told
    with pytest.raises(Problem) as caught:
        export.nginx(PublishTarget("local"), "https://blog.example.org/")
    assert (caught.value.code, caught.value.message) == (
        Exit.USAGE,
        "port 80 is the site's own, so nginx can't have it",
    )


@pytest.mark.network
@pytest.mark.parametrize("spec", [SPEC, FRONT])
def test_podmans_generator_makes_a_unit_of_it_that_runs_what_publish_would(quadlet_root, tmp_path, spec) -> None:
    (tmp_path / "site.container").write_text(export.quadlet(spec))
    program = "usr/libexec/podman/quadlet"
    done = run(quadlet_root, program, "-dryrun", QUADLET_UNIT_DIRS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ExecStart=")]
    words = words_of(line)
    for one in (
        *("--read-only", "--security-opt=no-new-privileges", "--memory=128m", "--memory-swap=128m", "--pids-limit=256"),
        *(f"{name}={text}" for name, text in spec.labels.items()),
        *spec.joins,
    ):
        assert one in words, line
    assert words[-1] == spec.reference
    assert published(words) == {"127.0.0.1:8081:8080"} if spec is SPEC else {"[::1]:8081:8080", "9090:9090"}
    assert words[words.index("--cap-drop") + 1] == "all"


@pytest.mark.parametrize("program", ["docker", "podman"])
@pytest.mark.parametrize("spec", [SPEC, FRONT])
def test_systemd_reads_the_service(tmp_path: Path, program: str, spec: ContainerSpec) -> None:
    text = export.systemd(spec, program)
    # Where the engine is missing, or is another's unit, systemd would tell that.
    checked = text.replace(f"={program} ", "=/bin/true ").replace(f"=-{program} ", "=-/bin/true ")
    checked = "".join(line for line in checked.splitlines(keepends=True) if "docker.service" not in line)
    unit = tmp_path / "site.service"
    unit.write_text(checked)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert text.count("docker.service") == (2 if program == "docker" else 0)


@given(st.dictionaries(st.from_regex(r"[!-<>-~]{1,20}", fullmatch=True), st.text().filter(str.isprintable), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_label_comes_through(labels: dict[str, str]) -> None:
    spec = replace(SPEC, labels=labels)
    (line,) = [line for line in export.systemd(spec, "podman").splitlines() if line.startswith("ExecStart=podman")]
    words = words_of(line)
    assert [words[at + 1] for at, word in enumerate(words) if word == "--label"] == [
        f"{name}={text}" for name, text in labels.items()
    ]
    site = yaml.safe_load(export.compose(spec))["services"]["site"]
    assert {name: text.replace("$$", "$") for name, text in site.get("labels", {}).items()} == labels


COMPOSE = {
    **dict.fromkeys(("image", "pull_policy", "container_name", "restart", "mem_limit", "memswap_limit"), str),
    **dict.fromkeys(("cap_drop", "security_opt", "tmpfs", "ports", "networks"), list),
    "read_only": bool,
    "pids_limit": int,
    "labels": dict,
}
"""Keys of a service in the Compose Specification, and of which kind each is."""


@pytest.mark.parametrize("spec", [SPEC, FRONT])
def test_compose_has_keys_that_it_knows(spec: ContainerSpec) -> None:
    told = yaml.safe_load(export.compose(spec))
    assert told.keys() <= {"services", "networks"}
    (site,) = told["services"].values()
    for key, value in site.items():
        assert isinstance(value, COMPOSE[key]), key
        for one in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            assert isinstance(one, str), key
    assert (site["image"], site["pull_policy"], site["read_only"]) == (spec.reference, "never", True)
    assert told.get("networks", {}) == {name: {"external": True} for name in spec.joins}
    if spec is SPEC:
        assert site["labels"]["odd"] == 'a "b" $$c $${D} %d \\e; it\'s'


def words_of(line: str) -> list[str]:
    """The words of a line of a unit, as systemd.syntax(7) and systemd.service(5) have them."""
    words, word, quote, at = [], "", "", line.index("=") + 1
    seen = False
    while at < len(line):
        char = line[at]
        if char == "\\":
            at += 1
            word += line[at]
        elif quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "\"'":
            quote, seen = char, True
        elif char == " ":
            words += [word] if word or seen else []
            word, seen = "", False
        else:
            word += char
        at += 1
    assert not quote
    return [one.replace("%%", "%").replace("$$", "$") for one in [*words, *([word] if word or seen else [])]]


def published(words: list[str]) -> set[str]:
    return {words[at + 1] for at, word in enumerate(words) if word == "--publish"}
