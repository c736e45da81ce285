"""A recipe that is not nginx's: Python, a wheel, certificates, services, a locale, users and a volume, run for real."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.image.entries import Bytes, Directory, File
from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.packages.selection import Root
from imagebake.recipes import python, recipe, sbom, wheelhouse, wheels
from imagebake.recipes.recipe import Image
from imagebake.recipes.wheels import Pin
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from tests import keeper
from tests.imagebake.conftest import HERE
from tests.imagebake.packages.conftest import elf
from tests.needs import unavailable

network = pytest.mark.network


@pytest.fixture(scope="module")
def lock() -> Lock:
    return keeper.lock(HERE)


@pytest.fixture(scope="module")
def image(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return keeper.image(tmp_path_factory.mktemp("wheels"), lock)


@pytest.fixture(scope="module")
def rootfs(image: Image, open_folder: Path) -> Path:
    runners.unpack(image.layers, open_folder / "keeper")
    return open_folder / "keeper"


def runtime(*entrypoint: str):
    made = python.recipe("keeper", keeper.SUPPLIES, users=keeper.USERS, entrypoint=entrypoint)
    return made.runtime


def run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@network
def test_its_program_runs_in_a_world_of_its_own(rootfs: Path, tmp_path: Path) -> None:
    """The wheel, UTF-8, users, services, TLS roots, and a volume that lasts."""
    bubblewrap = next((one for one in runners.available() if isinstance(one, runners.Bubblewrap)), None)
    if bubblewrap is None:
        unavailable("needs bubblewrap and user namespaces")
    (rootfs / "db").mkdir(exist_ok=True)
    (tmp_path / "db").mkdir(mode=0o700)
    for times in (1, 2):
        volumes = {"/db": tmp_path / "db"}
        command = bubblewrap.program(rootfs, runtime(*keeper.ENTRYPOINT), ["--volume"], volumes)
        found = json.loads(run(command))
        assert found.pop("volume") == ["0o40700", 1000, "dear\n" * times]
        keeper.check(found)


@network
def test_its_program_runs_by_its_own_loader(rootfs: Path) -> None:
    """On this machine's file system, with the image's Python, modules and libraries."""
    lines = "import sys, ssl, tiny_keeper; print(tiny_keeper.greeting(), sys.version_info[:2], sys.prefix)"
    command = runners.DynamicLoader().program(rootfs, runtime("/usr/bin/python3", "-c", lines))
    assert run(command) == f"Grüße, 猫 → ça va (3, 13) {rootfs}/usr\n"
    with pytest.raises(Problem, match="without namespaces nothing can stand at /db") as caught:
        runners.DynamicLoader().program(rootfs, runtime("/x"), volumes={"/db": rootfs})
    assert caught.value.code is Exit.MACHINE


@network
def test_scripts_and_entry_points_run_with_the_images_python(rootfs: Path) -> None:
    runner = runners.find_runner()
    if not isinstance(runner, runners.Bubblewrap):
        unavailable("needs bubblewrap and user namespaces")
    for script in ("/usr/local/bin/tiny-script", "/usr/local/bin/tiny-keeper"):
        assert run(runner.program(rootfs, runtime(script))) == "Grüße, 猫 → ça va\n"


@network
def test_its_layers_hold_what_was_asked_for_and_no_more(image: Image, rootfs: Path, lock: Lock) -> None:
    names = [layer.name.split()[0] for layer in image.layers]
    assert names == [*(one.name for one in lock.packages), "inventory", "tiny-keeper", "configuration"]
    assert not [path for path in rootfs.rglob("*") if path.name in {"test", "tests", "__pycache__", "sh", "bash"}]
    assert (rootfs / "usr/local/share/tiny/words.txt").read_text() == "words\n"
    for package in lock.packages:
        assert (rootfs / f"usr/share/doc/{package.name}/copyright").is_file()
    assert image.size < 38_000_000


@network
def test_all_of_debians_certificates_are_there_once(rootfs: Path) -> None:
    text = (rootfs / "etc/ssl/certs/ca-certificates.crt").read_text("ascii")
    blocks = text.split("-----BEGIN CERTIFICATE-----\n")[1:]
    assert len(blocks) == len(set(blocks)) > 100
    assert all(block.endswith("-----END CERTIFICATE-----\n") for block in blocks)
    assert not (rootfs / "usr/share/ca-certificates").exists()
    assert (rootfs / "usr/lib/ssl/cert.pem").readlink() == Path("/etc/ssl/certs/ca-certificates.crt")


@network
def test_engines_are_told_of_the_volume_and_the_environment(image: Image) -> None:
    config = json.loads(image.sealed.config.data)["config"]
    assert config["Volumes"] == {"/db": {}}
    assert config["User"] == "1000:1000"
    assert config["Env"] == ["PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "LANG=C.UTF-8"]
    assert "ExposedPorts" not in config
    (layer,) = (layer for layer in image.layers if layer.name == "configuration")
    assert Directory("db", 0o700, (1000, 1000)) in list(layer.entries())


@network
def test_the_bill_of_materials_has_the_wheel_too(image: Image, rootfs: Path) -> None:
    for document in (json.loads(image.bill()), json.loads((rootfs / sbom.PATH).read_bytes())):
        found = {one["name"]: one for one in document["packages"]}
        assert found["tiny-keeper"]["licenseDeclared"] == "MIT"
        assert found["tiny-keeper"]["externalRefs"][0]["referenceLocator"] == "pkg:pypi/tiny-keeper@1.0"
        assert found["libpython3.13-stdlib"]["sourceInfo"].startswith("built package from: python3.13 3.13")


@network
def test_the_same_recipe_gives_the_same_image(
    image: Image, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder and without what the cache knows of layers."""
    kept = cache.folder()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/packages").symlink_to(kept / "packages")
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    assert keeper.image(tmp_path, lock).digest == image.digest


# A wheel with a compiled module, for Debian 13's Python.
NATIVE = (
    Pin("markupsafe", "3.0.3", "ccfcd093f13f0f0b7fdd0f198b90053bf7b2f02a3927a30e63f3ccc9df56b676", "amd64"),
    Pin("markupsafe", "3.0.3", "133a43e73a802c5562be9bbcd03d090aa5a1fe899db609c29e8c8d815c5f6de6", "arm64"),
)


@network
def test_a_compiled_wheel_runs_and_is_in_the_image_of_its_architecture_alone(lock: Lock, open_folder: Path) -> None:
    try:
        found = wheelhouse.gather(NATIVE, "3.13")
    except Problem as problem:
        unavailable(f"no index of wheels: {problem}".splitlines()[0])
    lines = "from markupsafe import _speedups, escape; print(_speedups.__file__[-3:], escape('<é>'))"
    made = python.recipe(
        "native",
        keeper.SUPPLIES,
        users=keeper.USERS,
        entrypoint=("/usr/bin/python3", "-c", lines),
        python_wheels=found,
    )
    settings = ImageSettings()
    (baked,) = recipe.bake(made, lock, settings, [HERE], keeper.CREATED, python.release_id(made, lock.digest))
    assert [layer.name for layer in baked.layers].count("markupsafe 3.0.3") == 1
    wheel = next(one for one in json.loads(baked.bill())["packages"] if one["name"] == "markupsafe")
    assert wheel["checksums"][0]["checksumValue"] == next(pin.sha256 for pin in NATIVE if pin.architecture == HERE)
    assert wheel["licenseDeclared"] == "BSD-3-Clause"
    runners.unpack(baked.layers, open_folder / "native")
    assert run(runners.find_runner().program(open_folder / "native", made.runtime)) == ".so &lt;é&gt;\n"


@network
def test_a_library_that_a_wheel_lacks_is_an_error_of_the_bake(lock: Lock, tmp_path: Path) -> None:
    """Not of the first request: there it would show as a message about something else."""
    tag = {"amd64": b"cp313-cp313-linux_x86_64", "arm64": b"cp313-cp313-linux_aarch64"}[HERE]
    info = "tiny_keeper-1.0.dist-info/WHEEL"
    needed = ["libc.so.6", "libstdc++.so.6"]
    native = {info: keeper.FILES[info].replace(b"py3-none-any", tag), "tiny_keeper/fast.so": elf(HERE, needed=needed)}
    data = keeper.wheel_bytes({**keeper.FILES, **native})
    (tmp_path / "a.whl").write_bytes(data)
    wheel = wheels.load(tmp_path / "a.whl", keeper.pin_of(data, HERE))
    made = python.recipe("x", keeper.SUPPLIES, users=keeper.USERS, entrypoint=("/x",), python_wheels=[wheel])
    with pytest.raises(Problem, match=r'"libstdc\+\+\.so\.6" is missing: ".*/fast\.so" needs it') as caught:
        recipe.bake(made, lock, ImageSettings(), [HERE], keeper.CREATED, "sha256:" + "0" * 64)
    assert caught.value.code is Exit.LOCK


def test_a_release_is_named_by_all_that_a_recipe_depends_on(tmp_path: Path) -> None:
    made = python.recipe("a", [python.UTF8], users=keeper.USERS, entrypoint=("/x",))
    others = [
        replace(made, name="b"),
        replace(made, runtime=replace(made.runtime, port=80)),
        python.recipe("a", [python.UTF8, python.CA_ROOTS], users=keeper.USERS, entrypoint=("/x",)),
        python.recipe(
            "a", [python.UTF8], users=keeper.USERS, entrypoint=("/x",), python_wheels=[keeper.wheel(tmp_path)]
        ),
        python.recipe("a", [python.UTF8], users=keeper.USERS, entrypoint=("/x",), entries=[File("y", Bytes(b""))]),
    ]
    assert len({python.release_id(one, "lock") for one in (made, *others)} | {python.release_id(made, "other")}) == 7


def test_each_root_stands_once_in_a_lock() -> None:
    assert python.roots([python.SERVICES, python.UTF8, python.SERVICES]) == (
        Root("netbase", "etc/services"),
        Root("netbase", "etc/protocols"),
        Root("libc-bin", "usr/lib/locale/C.utf8/**"),
    )


def test_a_runner_gives_the_program_its_own_environment_alone(tmp_path: Path) -> None:
    """Nothing of this machine's environment reaches the program."""
    command = list(runners.Bubblewrap().program(tmp_path, runtime("/usr/bin/x", "a=b"), ["c"]))
    assert command[-5:] == ["/", "--", "/usr/bin/x", "a=b", "c"]
    assert "--clearenv" in command
    assert command[command.index("--uid") + 1] == "1000"
