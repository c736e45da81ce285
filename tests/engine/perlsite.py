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
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from imagebake.image import archive, oci
from imagebake.image.entries import Bytes, Directory, File, FromFile
from imagebake.image.layers import Layer, described
from sealpress import labels
from sealpress.config.settings import Architecture

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
    """publish.deploy.ship.Baked, as imagebake's Image is one, with an archive that can be spoilt on its way."""

    reference: str
    sealed: oci.Sealed
    labels: Mapping[str, str]
    spoil: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.sealed.layers

    def archive(
        self,
        reference: str,
        omit: Collection[str] = (),
        beside: Mapping[str, str] = archive.NOWHERE,
        more: Mapping[str, bytes] = archive.NOTHING,
    ) -> Iterator[bytes]:
        made = archive.stream(self.sealed, reference, omit, beside, more)
        return self.spoil(made) if self.spoil else made

    def archive_size(self, reference: str, omit: Collection[str] = ()) -> int:
        return archive.size(self.sealed, reference, omit)


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
    return SealedImage(f"localhost/site/{name}:{release[7:19]}", _sealed(layers, found), found)


def heavier(image: SealedImage, mebibytes: int) -> SealedImage:
    """The same image with a layer of noise on top, which takes a while to send."""
    noise = hashlib.shake_128(b"noise").digest(1 << 20) * mebibytes
    layer = described("noise", lambda: [File("noise", Bytes(noise))], "noise")
    return replace(image, sealed=_sealed((*image.layers, layer), image.labels))


def relabelled(image: SealedImage, release: str) -> SealedImage:
    """The same layers, said to be another release."""
    found = {**image.labels, labels.RELEASE: release}
    reference = f"{image.reference.rpartition(':')[0]}:{release[7:19]}"
    return SealedImage(reference, _sealed(image.layers, found), found)


def _sealed(layers: tuple[Layer, ...], found: Mapping[str, str]) -> oci.Sealed:
    runtime = oci.Runtime(("/usr/bin/perl", "/server.pl"), "101:101", 8080, "SIGQUIT", labels=found)
    architecture: Architecture = "arm64" if os.uname().machine == "aarch64" else "amd64"
    return oci.seal(runtime, layers, architecture, datetime(2026, 1, 1, tzinfo=UTC))


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
