"""A wheel is unpacked as the specification says, or refused by name: nothing of it runs, nothing leaves its place."""

import base64
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebake.image import tar
from imagebake.image.entries import Bytes, Entry, File, Symlink
from imagebake.recipes import wheelhouse, wheels
from imagebake.recipes.wheels import Pin
from sealpress.problems import Exit, Problem
from tests.keeper import FILES, archive, pin_of, record, wheel_bytes

SITE = "usr/local/lib/python3.13/dist-packages"
INFO = "tiny_keeper-1.0.dist-info"


def unpacked(folder: Path, data: bytes, exclude: tuple[str, ...] = (), pin: Pin | None = None) -> dict[str, File]:
    file = folder / "a.whl"
    file.write_bytes(data)
    wheel = wheels.load(file, pin or pin_of(data))
    return {one.path: one for one in wheels.entries(wheel, "3.13", exclude) if isinstance(one, File)}


def text(file: File) -> str:
    return b"".join(file.content.chunks()).decode()


def refused(folder: Path, data: bytes, pin: Pin | None = None) -> str:
    with pytest.raises(Problem) as caught:
        unpacked(folder, data, pin=pin)
    assert caught.value.code is Exit.LOCK
    assert caught.value.message.startswith("the wheel tiny-keeper 1.0 is refused: ")
    return caught.value.message.removeprefix("the wheel tiny-keeper 1.0 is refused: ")


def test_everything_has_its_place(tmp_path: Path) -> None:
    found = unpacked(tmp_path, wheel_bytes(modes={"tiny_keeper/__main__.py": 0o100755}))
    assert {path: one.mode for path, one in found.items()} == {
        "usr/local/bin/tiny-keeper": 0o755,
        "usr/local/bin/tiny-script": 0o755,
        f"{SITE}/tiny_keeper/__init__.py": 0o644,
        f"{SITE}/tiny_keeper/__main__.py": 0o755,
        f"{SITE}/tiny_keeper/tests/test_it.py": 0o644,
        f"{SITE}/{INFO}/INSTALLER": 0o644,
        f"{SITE}/{INFO}/METADATA": 0o644,
        f"{SITE}/{INFO}/RECORD": 0o644,
        f"{SITE}/{INFO}/WHEEL": 0o644,
        f"{SITE}/{INFO}/entry_points.txt": 0o644,
        f"{SITE}/{INFO}/licenses/LICENSE": 0o644,
        "usr/local/share/tiny/words.txt": 0o644,
    }
    assert text(found["usr/local/bin/tiny-script"]).splitlines()[0] == "#!/usr/bin/python3.13"
    assert text(found["usr/local/bin/tiny-keeper"]).splitlines()[0] == "#!/usr/bin/python3.13"


def test_the_installed_record_is_true(tmp_path: Path) -> None:
    found = unpacked(tmp_path, wheel_bytes(), exclude=("**/tests",))
    rows = [line.split(",") for line in text(found[f"{SITE}/{INFO}/RECORD"]).splitlines()]
    named = {}
    for path, hashed, size in rows:
        place = os.path.normpath(f"{SITE}/{path}")
        named[place] = found[place]
        if path != f"{INFO}/RECORD":
            data = b"".join(found[place].content.chunks())
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (hashed, size) == (f"sha256={digest}", str(len(data)))
    assert named == found


def test_patterns_leave_files_out_but_never_what_tells_of_the_wheel(tmp_path: Path) -> None:
    found = unpacked(tmp_path, wheel_bytes(), exclude=("**",))
    assert {path.removeprefix(f"{SITE}/") for path in found if path.startswith(SITE)} == {
        *(path for path in FILES if path.startswith(INFO)),
        f"{INFO}/RECORD",
        f"{INFO}/INSTALLER",
    }


def test_the_same_wheel_gives_the_same_layer(tmp_path: Path) -> None:
    """Whatever order, times and compression its archive has: those reach no byte."""
    data = wheel_bytes()
    backwards = wheel_bytes(dict(reversed(FILES.items())))
    assert data != backwards
    assert tar.digest(unpacked(tmp_path, data).values()) == tar.digest(unpacked(tmp_path, backwards).values())


def test_pip_installs_the_same_modules(tmp_path: Path) -> None:
    """What a real installer makes of it, but for its own files and the shebangs of its Python."""
    data = wheel_bytes()
    (tmp_path / "tiny_keeper-1.0-py3-none-any.whl").write_bytes(data)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--prefix"]
    command += [str(tmp_path / "prefix"), str(tmp_path / "tiny_keeper-1.0-py3-none-any.whl")]
    subprocess.run(command, check=True, timeout=100, capture_output=True)
    (site,) = (tmp_path / "prefix").glob("l*/python*/*-packages")
    ours = {path.removeprefix(f"{SITE}/"): one for path, one in unpacked(tmp_path, data).items() if SITE in path}
    theirs = {str(file.relative_to(site)): file for file in site.rglob("*") if file.is_file()}
    own = {f"{INFO}/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")}
    assert {path: text(one) for path, one in ours.items() if path not in own} == {
        path: file.read_text("utf-8") for path, file in theirs.items() if path not in own
    }
    assert sorted(file.name for file in (tmp_path / "prefix/bin").iterdir()) == ["tiny-keeper", "tiny-script"]
    assert (tmp_path / "prefix/share/tiny/words.txt").read_bytes() == b"words\n"


def test_another_wheel_than_the_pinned_one_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = wheel_bytes()
    monkeypatch.setattr("zipfile.ZipFile", lambda *_: pytest.fail("opened"))
    assert "it has the sha256" in refused(tmp_path, data, replace(pin_of(data), sha256="0" * 64))


def bent(**changes: bytes | None) -> bytes:
    """A wheel whose RECORD is true, with files of its .dist-info changed, or taken away."""
    files: dict[str, bytes] = dict(FILES)
    for name, data in changes.items():
        path = f"{INFO}/{name}"
        if data is None:
            del files[path]
        else:
            files[path] = data
    own = f"{INFO}/RECORD"
    return archive({**files, own: record(files, own)})


WHEEL = FILES[f"{INFO}/WHEEL"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is no archive that can be read"),
        (b"PK\3\4 and then nothing", "it is no archive that can be read"),
        (wheel_bytes()[:-40], "it is no archive that can be read"),
        (archive({"a": b""}), "it has 0 .dist-info folders"),
        (bent(WHEEL=None), f'it has no "{INFO}/WHEEL"'),
        (bent(METADATA=None), f'it has no "{INFO}/METADATA"'),
        (bent(WHEEL=WHEEL.replace(b"1.0", b"2.0", 1)), "it has the format 2.0"),
        (bent(METADATA=b"Name: tiny-keeper\nVersion: 1.1\n"), "it is tiny-keeper 1.1"),
        (bent(METADATA=b"Name: other\nVersion: 1.0\n"), "it is other 1.0"),
        (bent(WHEEL=WHEEL.replace(b"py3-none-any", b"cp312-cp312-any")), "not for Python 3.13 on every machine"),
        (bent(WHEEL=WHEEL.replace(b"none-any", b"none-manylinux_2_17_x86_64")), "not for Python 3.13 on every machine"),
        (bent(WHEEL=b"Wheel-Version: 1.0\n"), "it is made for nothing"),
        (bent(**{"entry_points.txt": b"[console_scripts]\nx = os;system:rm\n"}), 'its entry point "x" is broken'),
        (bent(**{"entry_points.txt": b"[console_scripts]\n../x = a:b\n"}), 'its entry point "../x" is broken'),
        (bent(**{"entry_points.txt": b"x\n"}), "its entry_points.txt can't be read"),
        (wheel_bytes({**FILES, "tiny_keeper-1.0.data/evil/x": b""}), 'its data has a folder "evil"'),
        (wheel_bytes({**FILES, "other-2.dist-info/WHEEL": b""}), "it has 2 .dist-info folders"),
        (wheel_bytes({**FILES, "tiny_keeper-1.0.data/purelib/tiny_keeper/__init__.py": b"evil"}), "two of its files"),
        (wheel_bytes({**FILES, "../evil": b""}), 'the path "../evil" leads elsewhere'),
        (wheel_bytes({**FILES, "/etc/evil": b""}), 'the path "/etc/evil" leads elsewhere'),
        (wheel_bytes({**FILES, "tiny_keeper/.wh.x": b""}), '"tiny_keeper/.wh.x" has a name that begins with ".wh."'),
        (wheel_bytes({**FILES, "a//b": b""}), 'the path "a//b" leads elsewhere'),
        (wheel_bytes({**FILES, "a\\b": b""}), "leads elsewhere"),
        (wheel_bytes({**FILES, "c:evil": b""}), "leads elsewhere"),
        (wheel_bytes({**FILES, "tiny_keeper-1.0.data/scripts/../../../etc/x": b""}), "leads elsewhere"),
        (wheel_bytes(modes={"tiny_keeper/__main__.py": 0o120777}), '"tiny_keeper/__main__.py" is a link'),
    ],
)
def test_a_bent_wheel_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refused(tmp_path, data)


def recorded(change: Any) -> bytes:
    """A wheel with a RECORD that a test bends."""
    own = f"{INFO}/RECORD"
    return archive({**FILES, own: change(record(FILES, own).decode()).encode("utf-8", "surrogateescape")})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.replace("tiny_keeper/__main__.py,", "tiny_keeper/other.py,"), "which is not in it"),
        (lambda rows: rows.split("\n", 1)[1], '"tiny_keeper/__init__.py" does not stand in its RECORD'),
        (lambda rows: rows.replace("sha256=", "sha256=A", 1), "is not the file that its RECORD says"),
        (lambda rows: rows.replace("sha256=", "md5=", 1), "gives no good hash"),
        (lambda rows: rows.replace("__init__.py,sha256=", "__init__.py,", 1), "gives no good hash"),
        (lambda rows: rows.split("\n", 1)[0].rsplit(",", 1)[0] + ",7\n" + rows.split("\n", 1)[1], "is not the file"),
        (lambda rows: rows + rows, "its RECORD is broken"),
        (lambda rows: rows + "a,b\n", "its RECORD is broken"),
        (lambda rows: rows + '"', "its RECORD can't be read"),
        (lambda rows: rows + "\udcff", "its RECORD can't be read"),
    ],
)
def test_a_record_that_is_not_true_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    assert said in refused(tmp_path, recorded(change))


def test_a_file_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Two readers of one archive could see two different files."""
    own = f"{INFO}/RECORD"
    members = [*FILES.items(), (own, record(FILES, own)), ("tiny_keeper/__init__.py", b"evil")]
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(members)
    assert '"tiny_keeper/__init__.py" stands in it twice' in refused(tmp_path, data)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Bounds against bombs that no caller may widen.
    monkeypatch.setattr(wheels, "_TOTAL_LIMIT", 1 << 20)
    assert "it is too large" in refused(tmp_path, wheel_bytes({**FILES, "big": bytes(1 << 21)}))
    monkeypatch.setattr(wheels, "_TOTAL_LIMIT", 1 << 30)
    monkeypatch.setattr(wheels, "_FILE_LIMIT", 1 << 20)
    assert "more than" in refused(tmp_path, wheel_bytes({**FILES, "big": bytes(1 << 21)}))


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        (b"License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        (b"License: MIT", "MIT"),
        (b"License: Copyright somebody, do what you like", ""),
        (b"License-Expression: LicenseRef-Own", ""),
        (b"License-Expression: MIT AND (Zlib OR (GPL-2.0-only WITH x))", "MIT AND (Zlib OR (GPL-2.0-only WITH x))"),
        (b"License-Expression: MIT) AND (Zlib", ""),
        (b"License-Expression: <script>", ""),
        (b"License-Expression: MIT AND", ""),
        (b"License-Expression: do what you like", ""),
        (b"", ""),
    ],
)
def test_a_wheels_licence_is_told_where_it_is_plain(tmp_path: Path, about: bytes, licence: str) -> None:
    data = bent(METADATA=b"Name: tiny-keeper\nVersion: 1.0\n" + about + b"\n")
    (tmp_path / "a.whl").write_bytes(data)
    assert wheels.load(tmp_path / "a.whl", pin_of(data)).component.licence.expression == licence


@pytest.mark.parametrize(
    ("tag", "architecture", "fits"),
    [
        ("cp313-cp313-manylinux_2_28_x86_64", "amd64", True),
        ("cp313-cp313-manylinux2014_aarch64.manylinux_2_17_aarch64", "arm64", True),
        ("cp38-abi3-linux_x86_64", "amd64", True),
        ("py2.py3-none-any", "arm64", True),
        ("cp314-abi3-manylinux_2_28_x86_64", "amd64", False),
        ("cp313-cp313-manylinux_2_28_x86_64", "arm64", False),
        ("cp313-cp313-musllinux_1_2_x86_64", "amd64", False),
        ("cp313-cp313t-manylinux_2_28_x86_64", "amd64", False),
        ("cp313-cp313-win_amd64", "amd64", False),
        ("py2-none-any", "amd64", False),
    ],
)
def test_a_wheel_for_another_machine_or_python_is_refused(
    tmp_path: Path, tag: str, architecture: Any, fits: bool
) -> None:
    data = bent(WHEEL=WHEEL.replace(b"py3-none-any", tag.encode()))
    if fits:
        assert unpacked(tmp_path, data, pin=pin_of(data, architecture))
    else:
        assert "it is made for" in refused(tmp_path, data, pin_of(data, architecture))


def test_what_a_wheels_libraries_need_must_be_in_the_image() -> None:
    from tests.imagebake.packages.conftest import elf

    def library(path: str, *needed: str, architecture: str = "amd64") -> File:
        return File(path, Bytes(elf(architecture, needed=needed)), 0o755)

    lib = "usr/lib/x86_64-linux-gnu"
    present: list[Entry] = [library(f"{lib}/libc.so.6"), Symlink(f"{lib}/libm.so.6", "x"), library("opt/libopt.so.1")]
    module = library(f"{SITE}/fast.so", "libc.so.6", "libm.so.6", "libown-1.so")
    own = library(f"{SITE}/fast.libs/libown-1.so", "libc.so.6")
    wheels.check_libraries([module, own, File("a.py", Bytes(b"#!"))], present, "amd64")
    with pytest.raises(Problem, match=r'"libown-1\.so" is missing: ".*fast\.so" needs it'):
        wheels.check_libraries([module], present, "amd64")
    with pytest.raises(Problem, match="libopt"):
        wheels.check_libraries([library("x.so", "libopt.so.1")], present, "amd64")
    with pytest.raises(Problem, match="is for arm64, not for amd64"):
        wheels.check_libraries([library("x.so", architecture="arm64")], present, "amd64")


@settings(max_examples=150)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4), st.booleans())
def test_any_damage_is_a_problem_or_harmless(tmp_path_factory: Any, at: int, data: bytes, cut: bool) -> None:
    """The pin is of the damaged file: as if somebody had pinned a hostile one."""
    whole = wheel_bytes()
    at %= len(whole)
    found = tried(tmp_path_factory, whole[:at] + data + (b"" if cut else whole[at + len(data) :]))
    assert tar.digest(found.values()).size == tar.measure(found.values())


def tried(tmp_path_factory: Any, data: bytes) -> Mapping[str, File]:
    """The files of the wheel, or none where it is refused. Anything else that is raised is a defect."""
    folder = tmp_path_factory.mktemp("tried", numbered=True)
    try:
        return unpacked(folder, data)
    except Problem:
        return {}
    finally:
        shutil.rmtree(folder)


names = st.text("ab./\\:é ~", min_size=1, max_size=12)


@settings(max_examples=100)
@given(st.dictionaries(names, st.binary(max_size=8), max_size=4), st.sampled_from(["", "tiny_keeper-1.0.data/data/"]))
def test_no_name_leads_out_of_its_place(tmp_path_factory: Any, more: Mapping[str, bytes], below: str) -> None:
    for path in tried(tmp_path_factory, wheel_bytes({**FILES, **{below + name: data for name, data in more.items()}})):
        assert os.path.normpath(path) == path
        assert path.startswith("usr/local/")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels as the machine's one index, as pip may be told."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    (folder / "tiny_keeper-1.0-py3-none-any.whl").write_bytes(wheel_bytes())
    return folder


def test_a_wheel_is_fetched_by_the_machines_pip_and_kept(index: Path, tmp_path: Path) -> None:
    pin = pin_of(wheel_bytes())
    (wheel,) = wheelhouse.gather([pin], "3.13", tmp_path / "cache")
    assert wheel.file == tmp_path / "cache/wheels" / pin.sha256
    shutil.rmtree(index)
    assert wheelhouse.gather([pin], "3.13", tmp_path / "cache") == (wheel,)


def test_a_pip_that_lies_in_the_folder_is_not_run(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One may stand in somebody's repository."""
    for name in ("pip.py", "json.py", "os.py"):
        (tmp_path / name).write_text("open('it-ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    wheelhouse.gather([pin_of(wheel_bytes())], "3.13", tmp_path / "cache")
    assert not (tmp_path / "it-ran").exists()


def test_a_damaged_wheel_in_the_cache_is_fetched_anew(index: Path, tmp_path: Path) -> None:
    pin = pin_of(wheel_bytes())
    file = tmp_path / "cache/wheels" / pin.sha256
    file.parent.mkdir(parents=True)
    file.write_bytes(wheel_bytes()[:-1])
    assert wheelhouse.gather([pin], "3.13", tmp_path / "cache")[0].file == file
    assert file.read_bytes() == wheel_bytes()


def test_another_file_of_that_name_and_version_is_not_taken(index: Path, tmp_path: Path) -> None:
    pin = replace(pin_of(wheel_bytes()), sha256="0" * 64)
    with pytest.raises(Problem, match=r"can't fetch the wheel tiny-keeper 1\.0") as caught:
        wheelhouse.gather([pin], "3.13", tmp_path / "cache")
    assert caught.value.code is Exit.LOCK
    assert not (tmp_path / "cache").exists()


def test_without_pip_somebody_has_to_install_it(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S -I "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(Problem, match="has no pip") as caught:
        wheelhouse.gather([pin_of(wheel_bytes())], "3.13", tmp_path / "cache")
    assert caught.value.code is Exit.MACHINE
