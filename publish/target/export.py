"""What somebody else's tools need for a target: a proxy on the host that leads to it, or what runs its image.

    nginx     leads the site's names to the port that its container has
    compose   a file for `docker compose`            systemd   a service that runs the container by the engine's command
    quadlet   a file for Podman's systemd generator

The container is the one that publish itself makes (publish/engines/protocol.py, ContainerSpec), with its limits. It has
none of our labels but those of its image, so no publish takes it for its own.

Sources: nginx.org/en/docs; the Compose Specification; podman-systemd.unit(5); systemd.service(5) and systemd.syntax(7).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from imagebake.nginx.directives import Directive, directive, rendered
from publish.engines.protocol import PIDS, TMP, ContainerSpec, EdgeEngine, Endpoint
from publish.releases import history
from publish.target.targets import OpenTarget
from sealpress.config.settings import PublishTarget
from sealpress.problems import EngineProblem, ReleaseProblem, UsageProblem

_HTTP: Final = 80


def nginx(settings: PublishTarget, url: str) -> str:
    """A server block, to be included in `http`. `url`: the site's. Raises Problem (exit 2) where nginx has no port."""
    if settings.port == _HTTP:
        hint = 'give it another one: address = "127.0.0.1" and port = 8080 in site.toml, then publish'
        raise UsageProblem(f"port {_HTTP} is the site's own, so nginx can't have it", hint=hint)
    at = Endpoint(settings.address, settings.port).local
    names = settings.hosts or (urlsplit(url).hostname or "_",)
    ours = "The site believes it where [image] trusted_proxies has the address that it comes from."
    passed = (
        directive("proxy_pass", f"http://{_host(at.address)}:{at.port}"),
        directive("proxy_http_version", "1.1"),
        directive("proxy_set_header", "Connection", ""),
        directive("proxy_set_header", "Host", "$host"),
        directive("proxy_set_header", "X-Forwarded-For", "$remote_addr", why=ours),
        directive("proxy_set_header", "X-Forwarded-Proto", "$scheme"),
    )
    block = (
        directive("listen", str(_HTTP)),
        directive("listen", f"[::]:{_HTTP}"),
        directive("server_name", *map(_host, names)),
        Directive("location", ("/",), passed),
    )
    return rendered([Directive("server", (), block, "In a file of its own: /etc/nginx/conf.d/NAME.conf")])


def container(there: OpenTarget) -> ContainerSpec:
    """The newest release on the host, as somebody else would run it. Raises Problem (exit 2, 7, 8)."""
    if there.line.hosts:
        hint = 'edge = "none"; the site then has the port itself'
        raise UsageProblem(f"{there.name} has an edge, which leads to what publish runs alone", hint=hint)
    if not isinstance(there.engine, EdgeEngine):
        raise EngineProblem(f"{there.engine.title} has no images: Docker or Podman runs them")
    found = history.read(there.engine, there.line)
    if not found:
        raise ReleaseProblem("there is no release of this site on the host", hint="publish it first")
    service = there.site_service()
    return ContainerSpec(
        name=f"{there.line.site}-{there.name}",
        reference=found[0].site.image,
        ports=MappingProxyType({service.port: there.line.readers}),
        labels=service.labels,
        memory=service.memory,
        joins=service.joins,
    )


def compose(spec: ContainerSpec) -> str:
    import yaml  # noqa: PLC0415 - of no use to the others

    site = {
        "image": spec.reference,
        "pull_policy": "never",
        "container_name": spec.name,
        "restart": "unless-stopped",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": [_tmpfs()],
        "mem_limit": f"{spec.memory}m",
        "memswap_limit": f"{spec.memory}m",
        "pids_limit": PIDS,
        "ports": list(_ports(spec)),
        # Compose has variables of its own.
        **({"labels": {name: text.replace("$", "$$") for name, text in spec.labels.items()}} if spec.labels else {}),
        **({"networks": list(spec.joins)} if spec.joins else {}),
    }
    networks = {"networks": {name: {"external": True} for name in spec.joins}} if spec.joins else {}
    text = yaml.safe_dump({"services": {"site": site}, **networks}, sort_keys=False, allow_unicode=True, width=1000)
    return f"# compose.yaml: `publish stop` first, for the port is had once; then docker compose up --detach\n{text}"


def quadlet(spec: ContainerSpec) -> str:
    limits = f"--memory={spec.memory}m --memory-swap={spec.memory}m --pids-limit={PIDS}"
    keys = [
        ("Image", spec.reference),
        ("Pull", "never"),
        ("ContainerName", spec.name),
        ("ReadOnly", "true"),
        ("DropCapability", "all"),
        ("NoNewPrivileges", "true"),
        ("Tmpfs", _tmpfs()),
        *(("PublishPort", port) for port in _ports(spec)),
        *(("Label", _quoted(f"{name}={text}")) for name, text in spec.labels.items()),
        *(("Network", name) for name in spec.joins),
        ("PodmanArgs", limits),
    ]
    return _unit(
        f"{spec.name}.container, in /etc/containers/systemd: `publish stop` first, for the port is had once",
        spec,
        ["[Container]", *(f"{key}={value}" for key, value in keys), "", "[Service]", "Restart=always"],
    )


def systemd(spec: ContainerSpec, program: str) -> str:
    """`program`: "docker" or "podman"."""
    words = [
        *("run", "--rm", "--name", spec.name, "--pull", "never", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--tmpfs", _tmpfs()),
        *("--memory", f"{spec.memory}m", "--memory-swap", f"{spec.memory}m", "--pids-limit", str(PIDS)),
        *(word for port in _ports(spec) for word in ("--publish", port)),
        *(word for name, text in spec.labels.items() for word in ("--label", f"{name}={text}")),
        *(word for name in spec.joins[:1] for word in ("--network", name)),
        spec.reference,
    ]
    after = ["After=docker.service", "Requires=docker.service"] if program == "docker" else []
    return _unit(
        f"{spec.name}.service, in /etc/systemd/system: `publish stop` first, for the port is had once",
        spec,
        [
            "[Service]",
            f"ExecStartPre=-{program} rm --force {_quoted(spec.name)}",
            f"ExecStart={program} {' '.join(map(_quoted, words))}",
            *(f"ExecStartPost={program} network connect {_quoted(name)} {spec.name}" for name in spec.joins[1:]),
            f"ExecStop={program} stop {_quoted(spec.name)}",
            "Restart=always",
        ],
        after,
    )


FORMATS: Final[Mapping[str, Callable[[OpenTarget], str]]] = MappingProxyType(
    {
        "compose": lambda there: compose(container(there)),
        "quadlet": lambda there: quadlet(container(there)),
        "systemd": lambda there: systemd(
            container(there), "podman" if there.engine.title.startswith("Podman") else "docker"
        ),
    }
)
"""Those that ask the host."""


def _unit(head: str, spec: ContainerSpec, lines: Iterable[str], after: Iterable[str] = ()) -> str:
    first = [f"# {head}", "[Unit]", f"Description=The site {spec.name}", *after, ""]
    last = ["", "[Install]", "WantedBy=default.target"]
    return "\n".join([*first, *lines, *last]) + "\n"


def _tmpfs() -> str:
    return ":".join(TMP)


def _ports(spec: ContainerSpec) -> Iterator[str]:
    for port, at in spec.ports.items():
        yield f"{_host(at.address)}:{at.port}:{port}" if at.address else f"{at.port}:{port}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _quoted(text: str) -> str:
    """One word of a unit's line, in which nothing is a variable or a specifier."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or any(char in text for char in " '`;") else escaped
