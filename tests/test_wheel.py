"""What a user installs: the built wheel, in a fresh environment, used from a folder that is not ours."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.mirrors import require_mirror

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "site"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git tracks."""
    source = tmp_path_factory.mktemp("source")
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    for name in tracked.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "site/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    # No isolation: hatchling is in the environment of the tests, so nothing is fetched for it.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return next(out.glob("sealpress-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands in a new environment that holds the wheel and what it depends on, and nothing else."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True, timeout=100)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", str(wheel)]
    done = subprocess.run(pip, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return venv / "bin"


def run(command: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command as a user types it: nothing of this checkout can be seen."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(command), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.timeout(400)
def test_the_wheel_holds_the_packages_the_theme_and_the_keys_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sealpress", "ssg", "imagebake", "publish"}
    assert "ssg/themes/plain/templates/base.html" in names
    assert any(name.startswith("imagebake/packages/keys/") for name in names)
    assert "sealpress/py.typed" in names


@pytest.mark.timeout(400)
def test_ssg_builds_with_the_default_theme(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "blog")
    done = run(installed / "ssg", "build", "--json", folder=tmp_path / "blog")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "blog" / "public" / "fr" / "index.html").is_file()
    assert json.loads(done.stdout)["pages"] == {"en": 7, "fr": 2}


@pytest.mark.timeout(400)
@pytest.mark.network
def test_imagebake_bakes_and_publish_runs_the_site(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_mirror()
    blog = tmp_path / "blog"
    shutil.copytree(GOLDEN, blog)
    target = '\n[publish.here]\nhost = "local"\nengine = "embedded"\nport = 18431\naddress = "127.0.0.1"\n'
    (blog / "site.toml").write_text((blog / "site.toml").read_text() + target)
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    try:
        assert run(installed / "ssg", "build", folder=blog).returncode == 0
        locked = run(installed / "imagebake", "lock", folder=blog)
        assert locked.returncode == 0, locked.stderr
        baked = run(installed / "imagebake", "bake", "public", "--arch", "amd64", folder=blog)
        assert baked.returncode == 0, baked.stderr
        published = run(installed / "publish", "here", "--dirty", folder=blog)
        assert published.returncode == 0, published.stderr
        verified = run(installed / "publish", "verify", "here", "--dirty", folder=blog)
        assert verified.returncode == 0, verified.stderr
        assert run(installed / "publish", "stop", "here", folder=blog).returncode == 0
    finally:
        run(installed / "publish", "stop", "here", folder=blog)
