"""What differs between two images is found, all of it, and nothing else; hostile archives are refused."""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from imagebake.image import archive, comparison, layers, oci, tar
from imagebake.image.comparison import ImageDifference, Setting
from imagebake.image.entries import Bytes, Directory, Entry, File, Symlink
from imagebake.image.layers import Layer
from imagebake.nginx import configuration
from sealpress.problems import Problem

CREATED = datetime(2026, 6, 1, tzinfo=UTC)
RUNTIME = oci.Runtime(
    entrypoint=("/x",), user="101:101", port=8080, stop_signal="SIGQUIT", labels={"org.sealpress.site": "x"}
)


def layer(name: str, *entries: Entry, created_by: str = "imagebake: x") -> Layer:
    return layers.described(name, lambda: entries, created_by)


def file(path: str, text: str = "", mode: int = 0o644) -> File:
    return File(path, Bytes(text.encode()), mode)


def package(version: str) -> Layer:
    entry = file("usr/sbin/nginx", f"nginx {version}", 0o755)
    return layer(f"nginx {version}", entry, created_by=f"imagebake: pool/main/n/nginx_{version}_amd64.deb")


CONFIGURATION = layer("configuration", file("etc/nginx/nginx.conf", "a;\nb;\nc;\n"), Directory("var/empty"))
PAGES = layer("pages", file("srv/www/a", "a"), file("srv/www/b", "bb"), Symlink("srv/www/l", "a"))
STACK = (package("1.26"), CONFIGURATION, PAGES)


def save(
    path: Path,
    stack: Sequence[Layer] = STACK,
    runtime: oci.Runtime = RUNTIME,
    omit: Sequence[Layer] = (),
) -> Path:
    image = oci.seal(runtime, stack, "amd64", CREATED)
    path.write_bytes(b"".join(archive.stream(image, "localhost/site/x:1", {one.diff_id for one in omit})))
    return path


def only(before: Path, after: Path) -> ImageDifference:
    (found,) = comparison.compare(before, after, lines_in=configuration.FOLDER)
    return found


def told(found: ImageDifference) -> list[tuple[str, int | None, int | None]]:
    return [(one.path, one.before and one.before.size, one.after and one.after.size) for one in found.files]


def test_an_image_is_equal_to_itself_as_archive_and_as_layout(tmp_path: Path) -> None:
    oci.write_layout([oci.seal(RUNTIME, STACK, "amd64", CREATED)], "x:1", tmp_path / "image/oci")
    found = only(save(tmp_path / "a"), tmp_path / "image")
    assert found.is_equal
    assert (found.packages, found.settings, found.files) == ((), (), ())


def test_packages_settings_and_files_are_told_apart(tmp_path: Path) -> None:
    other = (
        package("1.28"),
        layer("configuration", file("etc/nginx/nginx.conf", "a;\nB;\nc;\n"), Directory("var/empty")),
        layer("pages", file("srv/www/a", "A"), file("srv/www/c", "ccc"), Symlink("srv/www/l", "c")),
    )
    runtime = replace(RUNTIME, port=9000, environment=("TZ=UTC",), labels={"org.sealpress.site": "y"})
    found = only(save(tmp_path / "a"), save(tmp_path / "b", other, runtime))
    assert not found.is_equal
    assert found.packages == (Setting("nginx", "1.26", "1.28"),)
    assert found.settings == (
        Setting("label org.sealpress.site", "x", "y"),
        Setting("ports", "8080/tcp", "9000/tcp"),
        Setting("variable TZ", None, "UTC"),
    )
    assert told(found) == [
        ("etc/nginx/nginx.conf", 9, 9),
        ("srv/www/a", 1, 1),
        ("srv/www/b", 2, None),
        ("srv/www/c", None, 3),
        ("srv/www/l", 0, 0),
        ("usr/sbin/nginx", 10, 10),
    ]
    assert found.files[0].lines == ("-b;", "+B;")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (file("a", "x"), file("a", "x", 0o755)),
        (file("a", "x"), Symlink("a", "x")),
        (file("a"), Directory("a")),
        (Directory("a"), Directory("a", 0o1777)),
        (Directory("a"), None),
    ],
)
def test_kind_and_mode_count_too(tmp_path: Path, one: Entry, other: Entry | None) -> None:
    left = save(tmp_path / "a", [layer("x", one), PAGES])
    right = save(tmp_path / "b", [layer("x", *([other] if other else [])), PAGES])
    assert [change.path for change in only(left, right).files] == ["a"]


def test_files_count_and_not_how_they_are_cut_into_layers(tmp_path: Path) -> None:
    together = layer("all", *PAGES.entries(), *CONFIGURATION.entries())
    found = only(save(tmp_path / "a"), save(tmp_path / "b", [package("1.26"), together]))
    assert not found.is_equal, "another image all the same"
    assert (found.files, [one.name for one in found.settings]) == ((), ["layers"])


def test_a_layer_above_hides_what_lies_below(tmp_path: Path) -> None:
    above = layer("above", file("srv/www/b", "other"))
    assert told(only(save(tmp_path / "a"), save(tmp_path / "b", [*STACK, above]))) == [("srv/www/b", 2, 5)]


@pytest.mark.parametrize(
    ("whiteout", "gone"),
    [
        ("srv/www/.wh.a", ["srv/www/a"]),
        ("srv/.wh.www", ["srv/www/a", "srv/www/b", "srv/www/l"]),
        ("srv/www/.wh..wh..opq", ["srv/www/a", "srv/www/b", "srv/www/l"]),
    ],
)
def test_what_a_layer_takes_away_is_gone(
    tmp_path: Path, whiteout: str, gone: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """We write no such layer, but read those of others."""
    monkeypatch.setattr(tar, "unfit", lambda *_arguments: "")
    found = only(save(tmp_path / "a"), save(tmp_path / "b", [*STACK, layer("gone", file(whiteout))]))
    assert [one.path for one in found.files if one.after is None] == gone


def test_layers_that_were_left_out_are_had_from_the_other_side(tmp_path: Path) -> None:
    other = [*STACK[:2], layer("pages", file("srv/www/a", "new"))]
    left = save(tmp_path / "a", omit=STACK[:1])
    assert told(only(left, save(tmp_path / "b", other)))[0] == ("srv/www/a", 1, 3)
    right = save(tmp_path / "c", other, omit=STACK[:1])
    assert told(only(left, right))[0] == ("srv/www/a", 1, 3), "neither has it, and it is the same in both"
    with pytest.raises(Problem, match='the layer "pages" was left out'):
        comparison.compare(save(tmp_path / "d", omit=[PAGES]), right)


def test_an_architecture_that_only_one_has_is_a_difference(tmp_path: Path) -> None:
    both = [oci.seal(RUNTIME, STACK, name, CREATED) for name in ("arm64", "amd64")]
    oci.write_layout(both, "x:1", tmp_path / "both")
    found = comparison.compare(tmp_path / "both", save(tmp_path / "a"))
    assert [(one.architecture, one.is_equal, one.after != "") for one in found] == [
        ("amd64", True, True),
        ("arm64", False, False),
    ]
    (wanted,) = comparison.compare(tmp_path / "both", tmp_path / "a", ["amd64"])
    assert wanted.is_equal
    with pytest.raises(Problem, match=r"neither .* holds an image for riscv64"):
        comparison.compare(tmp_path / "a", tmp_path / "a", ["riscv64"])


def save_hostile(folder: Path, *members: tarfile.TarInfo) -> Path:
    """An image with a layer of just these members, which imagebake itself would not write."""
    blob = folder / "blob"
    with tarfile.open(blob, mode="w") as tar:
        for info in members:
            tar.addfile(info)
    data = blob.read_bytes()
    named = Layer("hostile", "sha256:" + hashlib.sha256(data).hexdigest(), len(data), "", list, blob)
    return save(folder / "hostile", [*STACK, named])


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a//b"])
def test_a_layer_with_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Problem, match="leads out of it"):
        comparison.compare(save(tmp_path / "a"), save_hostile(tmp_path, tarfile.TarInfo(path)))


def test_devices_and_hard_links_of_others_are_only_told(tmp_path: Path) -> None:
    device, link = tarfile.TarInfo("null"), tarfile.TarInfo("hard")
    device.type, link.type, link.linkname = tarfile.CHRTYPE, tarfile.LNKTYPE, "srv/www/a"
    found = only(save(tmp_path / "a"), save_hostile(tmp_path, device, link))
    assert {one.path: one.after.kind for one in found.files if one.after} == {"hard": "hard link", "null": "device"}


def test_whiteouts_without_end_are_refused(tmp_path: Path) -> None:
    many = [tarfile.TarInfo(f".wh.{number}") for number in range(1001)]
    with pytest.raises(Problem, match="removes more than 1000 files"):
        comparison.compare(save(tmp_path / "a"), save_hostile(tmp_path, *many))


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imagebake.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_shows_what_differs_and_ends_with_1(tmp_path: Path) -> None:
    save(tmp_path / "a")
    save(tmp_path / "b", [package("1.28"), *STACK[1:]])
    done = run("diff", "a", "b", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    shown = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for words in ("nginx 1.26 1.28", "~ usr/sbin/nginx 10 B 10 B", "files: 0 added, 0 removed, 1 changed"):
        assert words in shown
    data: Any = json.loads(run("diff", "a", "b", "--json", cwd=tmp_path).stdout)
    (image,) = data["images"]
    assert (data["equal"], image["equal"], image["architecture"]) == (False, False, "amd64")
    assert image["packages"] == [{"name": "nginx", "before": "1.26", "after": "1.28"}]
    (change,) = image["files"]
    assert (change["path"], change["before"]["size"], change["after"]["mode"]) == ("usr/sbin/nginx", 10, "0755")


def test_the_command_ends_with_0_for_the_same_image(tmp_path: Path) -> None:
    save(tmp_path / "a")
    done = run("diff", "a", "a", "--arch", "amd64", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "amd64: the same, sha256:" in done.stdout
    assert json.loads(run("diff", "a", "a", "--json", cwd=tmp_path).stdout)["equal"] is True


def test_the_command_says_what_is_no_image(tmp_path: Path) -> None:
    save(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"hello")
    done = run("diff", "a", "b", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert "b is no image that can be trusted" in done.stderr
