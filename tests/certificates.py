"""Certificates for tests, by a CA of a folder's own."""

import shutil
import subprocess
from pathlib import Path

from tests.needs import unavailable


def signed(folder: Path, name: str, alternatives: str, *, days: int = 2) -> tuple[Path, Path]:
    """A certificate by the folder's own CA, ca.pem, and its key: `name`.pem and `name`.key."""
    if not shutil.which("openssl"):
        unavailable("needs Debian's openssl")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    if not (folder / "ca.pem").exists():
        _openssl(
            folder, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=Tests", "-days", "3"
        )
    (folder / "ext").write_text(f"subjectAltName={alternatives}\n")
    _openssl(folder, "req", *curve, "-keyout", f"{name}.key", "-out", "request", "-subj", f"/CN={name}")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days), "-extfile", "ext")
    _openssl(folder, "x509", "-req", "-in", "request", *signer, "-out", f"{name}.pem")
    return folder / f"{name}.pem", folder / f"{name}.key"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
