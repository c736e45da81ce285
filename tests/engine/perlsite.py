"""A site's image that any Debian can make: Perl from this machine as the server, in layers as imagebake makes them.

    layers, from the lowest   loader and C libraries · Perl · the server's script · the pages

Pages are files below /site. /.well-known/release and /healthz answer like imagebake's nginx.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from imagebake.image import tar
from imagebake.image.entries import Bytes, Directory, Entry, File, FromFile
from imagebake.image.layers import Layer, described
from sealpress import labels

SERVER = r"""
use strict; use Socket;
$| = 1; $SIG{TERM} = $SIG{QUIT} = sub { exit 0 }; $SIG{CHLD} = 'IGNORE';
socket(my $server, PF_INET, SOCK_STREAM, 6) or die "socket: $!";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in(8080, INADDR_ANY)) or die "bind: $!";
listen($server, 64) or die "listen: $!";
print "serving\n";
while (1) {
    next unless accept(my $client, $server);
    next if fork;
    my $request = <$client> // exit;
    while (<$client>) { last if /^\r?\n$/ }
    my ($path) = $request =~ m{^GET (/[^ ?]*)}; $path .= 'index.html' if $path =~ m{/$};
    my ($status, $body) = ('404 Not Found', "not here\n");
    if (defined $path && $path !~ /\.\./ && open(my $file, '<', "/site$path")) {
        local $/; $body = <$file>; $status = '200 OK';
    }
    print $client "HTTP/1.1 $status\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
    print $client 'Content-Length: ', length $body, "\r\n\r\n", $body;
    close $client; exit;
}
"""


@dataclass(frozen=True)
class SealedImage:
    """publish.ship.Baked, made here."""

    reference: str
    layers: tuple[Layer, ...]
    labels: Mapping[str, str]
    command: tuple[str, ...]
    spoil: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None

    @property
    def config(self) -> bytes:
        return _json(
            {
                "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
                "os": "linux",
                "created": "2026-01-01T00:00:00Z",
                "config": {
                    "User": "101:101",
                    "Cmd": self.command,
                    "Labels": self.labels,
                    "ExposedPorts": {"8080/tcp": {}},
                },
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
                "history": [{"created_by": layer.created_by} for layer in self.layers],
            }
        )

    def archive(self, reference: str, omit: Collection[str]) -> Iterator[bytes]:
        made = tar.stream(self._entries(reference, omit))
        return self.spoil(made) if self.spoil else made

    def archive_size(self, reference: str, omit: Collection[str]) -> int:
        return sum(map(len, tar.stream(self._entries(reference, omit))))

    def _entries(self, reference: str, omit: Collection[str]) -> list[Entry]:
        config = self.config
        layer_type = "application/vnd.oci.image.layer.v1.tar"
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **_named(config)},
                "layers": [
                    {"mediaType": layer_type, "digest": layer.diff_id, "size": layer.size} for layer in self.layers
                ],
            }
        )
        index = {
            "schemaVersion": 2,
            "manifests": [
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    **_named(manifest),
                    "annotations": {
                        "io.containerd.image.name": reference,
                        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
                    },
                }
            ],
        }
        docker = [
            {
                "Config": _blob(config),
                "RepoTags": [reference],
                "Layers": [f"blobs/sha256/{layer.diff_id.partition(':')[2]}" for layer in self.layers],
            }
        ]
        files = {
            "manifest.json": _json(docker),
            "index.json": _json(index),
            "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
            _blob(config): config,
            _blob(manifest): manifest,
        }
        sent = [layer for layer in self.layers if layer.diff_id not in omit]
        return [
            *(File(path, Bytes(data)) for path, data in files.items()),
            *(File(f"blobs/sha256/{layer.diff_id.partition(':')[2]}", _LayerContent(layer)) for layer in sent),
        ]


@dataclass(frozen=True)
class _LayerContent:
    layer: Layer

    @property
    def size(self) -> int:
        return self.layer.size

    def chunks(self) -> Iterator[bytes]:
        return self.layer.stream()


def seal(pages: Mapping[str, str], *, name: str = "blog", server: str = SERVER) -> SealedImage:
    """The image of these pages. Its release is a digest of all that it is made of."""
    release = "sha256:" + hashlib.sha256(json.dumps([dict(pages), server], sort_keys=True).encode()).hexdigest()
    pages = {**pages, ".well-known/release": f"{release}\n", "healthz": "ok\n"}
    site = [File(f"site/{path}", Bytes(text.encode())) for path, text in pages.items()]
    script = [File("server.pl", Bytes(server.encode())), Directory("tmp", 0o1777)]
    layers = (
        *_runtime(),
        described("server", lambda: script, "the server's script"),
        described("site", lambda: site, "the pages"),
    )
    found = {labels.SITE: name, labels.RELEASE: release, labels.COMMIT: ""}
    reference = f"localhost/site/{name}:{release[7:19]}"
    return SealedImage(reference, layers, found, ("/usr/bin/perl", "/server.pl"))


def heavier(image: SealedImage, mebibytes: int) -> SealedImage:
    """The same image with a layer of noise on top, which takes a while to send."""
    noise = hashlib.shake_128(b"noise").digest(1 << 20) * mebibytes
    layer = described("noise", lambda: [File("noise", Bytes(noise))], "noise")
    return replace(image, layers=(*image.layers, layer))


@cache
def _runtime() -> tuple[Layer, Layer]:
    """Perl's own folder, and the libraries that it is linked to."""
    perl = shutil.which("perl") or "/usr/bin/perl"
    linked = subprocess.run(["ldd", perl], check=True, capture_output=True, text=True, timeout=10).stdout
    where = subprocess.run([perl, "-e", r"print grep m{/perl-base$}, @INC"], check=True, capture_output=True, text=True)
    modules = Path(where.stdout)
    libraries = [_file(path, path.lstrip("/"), 0o755) for path in re.findall(r"(/\S+) \(", linked)]
    own = [_file(str(file), str(file).lstrip("/"), 0o644) for file in sorted(modules.rglob("*")) if file.is_file()]
    binary = _file(perl, "usr/bin/perl", 0o755)
    return (
        described("libraries", lambda: libraries, "libraries"),
        described("perl", lambda: [binary, *own], "perl"),
    )


def _file(source: str, path: str, mode: int) -> File:
    real = Path(source).resolve()
    return File(path, FromFile(real, real.stat().st_size), mode)


def _json(data: object) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def _named(data: bytes) -> dict[str, object]:
    return {"digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}


def _blob(data: bytes) -> str:
    return "blobs/sha256/" + hashlib.sha256(data).hexdigest()
