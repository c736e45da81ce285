"""The command imagebake, as it is typed: results, one-line problems, exit codes, and the same bytes for everybody."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from tests.imagebake.conftest import HERE, PAGES, write_tree

network = pytest.mark.network

GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def run(folder: Path, *arguments: str, umask: int = 0o022, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "SOURCE_DATE", "GIT_", "TZ"))
    }
    return subprocess.run(
        [sys.executable, "-m", "imagebake.cli", *arguments],
        cwd=folder,
        env={**kept, **environment},
        umask=umask,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def project(site_lock: Lock, tmp_path: Path) -> Path:
    """A folder with a lock and a tree, and nothing else: no site.toml, no git."""
    folder = tmp_path / "project"
    folder.mkdir()
    locks.save(site_lock, folder / "imagebake.lock")
    write_tree(folder / "public")
    return folder


def test_a_repository_is_not_sealed_with_its_history(tmp_path: Path) -> None:
    """Refused before a lock is looked for or anything is fetched."""
    write_tree(tmp_path / "site")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "A"]):
        subprocess.run([*GIT, *words], cwd=tmp_path / "site", check=True, timeout=30)
    done = run(tmp_path / "site", "bake", ".")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith('error: .git: ".git/" is the history of a repository')
    assert "hint: name the folder that your generator writes" in done.stderr
    assert not (tmp_path / "site/image").exists()


def test_each_secret_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "site", {"a/.env": b"KEY=1", "id_ed25519": b"x"})
    done = run(tmp_path, "bake", "site")
    assert done.returncode == 5
    assert [line.split(": ")[1] for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        "a/.env",
        "id_ed25519",
    ]


@network
def test_leftovers_change_no_byte_and_are_told_in_one_line(project: Path) -> None:
    clean = run(project, "bake", "public/", "--json", "--arch", HERE, "--no-sign")
    for path in (".DS_Store", "c.md~", ".vscode/settings.json"):
        write_tree(project / "public", {path: b"x"})
    found = run(project, "bake", "public/", "--json", "--arch", HERE, "--no-sign")
    assert told(found)["images"] == told(clean)["images"]
    assert told(found)["left_out"] == [".vscode/", ".DS_Store", "c.md~"]
    assert found.stderr.count("left out: 3 hidden or left-over files (.vscode/, .DS_Store, c.md~)") == 1


@network
def test_what_a_page_may_not_load_is_shown_in_its_source(project: Path) -> None:
    write_tree(
        project,
        {
            "site.toml": b'[site]\ntitle = "A"\nurl = "https://a.example/"\n',
            "content/about.md": b"---\ntitle: About\n---\n![](https://cdn.example/a.png)\n",
            "public/about/index.html": b"<img src=https://cdn.example/a.png>",
        },
    )
    done = run(project, "bake", "public/", "--arch", HERE, "--no-sign")
    assert done.returncode == 5
    assert done.stderr.startswith("error: content/about.md:4:5: the page loads an image from https://cdn.example,")
    assert "(in the tree: about/index.html:1:10)" in done.stderr


@network
def test_bake_works_on_a_tree_alone(project: Path, site_lock: Lock) -> None:
    done = run(project, "bake", "public/")
    assert done.returncode == 0, done.stderr
    assert "Baked localhost/site/public:" in done.stdout
    assert sorted(path.name for path in (project / "image").iterdir()) == [
        "oci",
        "public-amd64.spdx.json",
        "public-amd64.tar",
        "public-arm64.spdx.json",
        "public-arm64.tar",
        "seal.json",
    ]
    (found, _) = told(run(project, "inspect", "--json"))["images"]
    assert found["created"] == f"{site_lock.date:%Y-%m-%dT%H:%M:%SZ}", "without a commit, the lock's date"


@network
def test_what_bake_says_is_what_inspect_reads_back(project: Path) -> None:
    baked = told(run(project, "bake", "public", "--arch", HERE, "--json"))
    assert [one["architecture"] for one in baked["images"]] == [HERE]
    for path in ("image", "image/oci", f"image/public-{HERE}.tar"):
        (found,) = told(run(project, "inspect", path, "--json"))["images"]
        assert found["digest"] == baked["images"][0]["digest"]
        assert [layer["diff_id"] for layer in found["layers"]] == baked["images"][0]["layers"]
        assert found["labels"]["org.sealpress.release"] == baked["release"]
    shown = run(project, "inspect", f"image/public-{HERE}.tar").stdout
    for word in ("libc6 2.", "nginx 1.", "configuration", "pages", "org.sealpress.release", "MB", baked["reference"]):
        assert word in shown


@network
def test_settings_come_from_the_site_file(project: Path) -> None:
    (project / "site.toml").write_text(
        '[site]\ntitle = "T"\nurl = "https://blog.example.org/"\n[image]\nport = 9000\narchitectures = ["amd64"]\n'
    )
    baked = told(run(project, "bake", "public", "--json"))
    assert baked["reference"].startswith("localhost/site/blog-example-org:")
    (found,) = told(run(project, "inspect", "--json"))["images"]
    assert (found["architecture"], found["ports"]) == ("amd64", ["9000/tcp"])


@network
def test_the_date_is_that_of_the_commit_or_the_one_that_is_set(project: Path) -> None:
    dates = {"GIT_AUTHOR_DATE": "2026-06-01T10:00:00Z", "GIT_COMMITTER_DATE": "2026-06-01T12:00:00+02:00"}
    for command in (["init", "-q"], ["add", "imagebake.lock"], ["commit", "-qm", "Lock"]):
        subprocess.run([*GIT, *command], cwd=project, env={**os.environ, **dates}, check=True, timeout=60)
    for environment, expected in (({}, "2026-06-01T10:00:00Z"), ({"SOURCE_DATE_EPOCH": "1"}, "1970-01-01T00:00:01Z")):
        assert run(project, "bake", "public", "--arch", HERE, **environment).returncode == 0
        (found,) = told(run(project, "inspect", "--json"))["images"]
        assert found["created"] == expected


@network
def test_locale_zone_umask_hash_seed_order_folder_and_cache_reach_no_byte(project: Path, tmp_path: Path) -> None:
    assert run(project, "bake", "public", "--name", "example").returncode == 0
    other = tmp_path / "a folder with spaces é" / "deep"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("image", "public"))
    for path in reversed(PAGES):
        write_tree(other / "elsewhere", {path: PAGES[path]})
        (other / "elsewhere" / path).chmod(0o600)
        os.utime(other / "elsewhere" / path, (1, 1))
    # The packages of the user's cache, but none of the layers' names.
    cache = Path(os.environ.get("SEALPRESS_CACHE") or Path.home() / ".cache/sealpress")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/packages").symlink_to(cache / "packages")
    done = run(
        other,
        *("bake", "elsewhere", "--name", "example", "-o", "out"),
        umask=0o077,
        LC_ALL="tr_TR.UTF-8",
        LANG="tr_TR.UTF-8",
        TZ="Pacific/Kiritimati",
        PYTHONHASHSEED="42",
        SEALPRESS_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stderr
    assert files(other / "out") == files(project / "image")


@network
def test_a_second_bake_into_the_same_folder_leaves_just_the_newest(project: Path) -> None:
    assert run(project, "bake", "public", "--arch", HERE).returncode == 0
    first = files(project / "image")
    assert run(project, "bake", "public", "--arch", HERE).returncode == 0
    assert files(project / "image") == first
    (project / "public/about.html").write_text("edited")
    assert run(project, "bake", "public", "--arch", HERE).returncode == 0
    again = files(project / "image")
    assert len(again) == len(first), "blobs of the old image are gone"
    assert again != first


@network
def test_a_mirror_is_not_needed_once_the_cache_is_warm(project: Path) -> None:
    assert run(project, "bake", "public", "--arch", HERE).returncode == 0
    nowhere = "http://127.0.0.1:9/debian"
    done = run(project, "bake", "public", "--arch", HERE, SEALPRESS_MIRROR=nowhere, SEALPRESS_SECURITY_MIRROR=nowhere)
    assert done.returncode == 0, done.stderr


@network
def test_a_tampered_package_is_fetched_anew_and_never_unpacked(project: Path, site_lock: Lock, tmp_path: Path) -> None:
    """One byte of a cached package is changed, and the mirror can't be reached."""
    cache = Path(os.environ.get("SEALPRESS_CACHE") or Path.home() / ".cache/sealpress")
    shutil.copytree(cache / "packages", tmp_path / "cache/packages")
    package = next(one for one in site_lock.of(HERE) if one.name == "zlib1g")
    file = tmp_path / "cache/packages" / package.sha256
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    nowhere = "http://127.0.0.1:9/debian"
    done = run(
        project,
        *("bake", "public", "--arch", HERE),
        SEALPRESS_CACHE=str(tmp_path / "cache"),
        SEALPRESS_MIRROR=nowhere,
        SEALPRESS_SECURITY_MIRROR=nowhere,
    )
    assert done.returncode == 4
    assert "zlib1g" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "image").exists()


@network
def test_lock_keeps_what_it_has(project: Path) -> None:
    before = (project / "imagebake.lock").read_bytes()
    assert told(run(project, "lock", "--json"))["changed"] is False
    assert (project / "imagebake.lock").read_bytes() == before


def problem(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("arguments", [("lock", "--lock", "theirs/new.lock"), ("bake", "public", "-o", "theirs/image")])
def test_nothing_is_written_behind_a_link_of_the_repository(
    arguments: tuple[str, ...], project: Path, site_lock: Lock, tmp_path: Path
) -> None:
    locks.save(site_lock, project / "imagebake.lock")
    letters = tmp_path / "letters"
    letters.mkdir()
    (project / "theirs").symlink_to(letters)
    done = run(project, *arguments)
    assert (done.returncode, list(letters.iterdir())) == (9, [])
    assert "theirs is a link on the way to" in done.stderr


def test_without_a_lock_bake_says_what_to_do(tmp_path: Path) -> None:
    write_tree(tmp_path / "public", {"index.html": b""})
    said = problem(run(tmp_path, "bake", "public"), 4)
    assert "imagebake.lock" in said
    assert "hint: " in said
    assert "imagebake lock" in said


def test_without_a_tree_bake_says_what_to_do(tmp_path: Path) -> None:
    said = problem(run(tmp_path, "bake", "nowhere"), 5)
    assert "no output tree at nowhere" in said
    assert "hint: " in said


def test_a_tree_that_cannot_be_sealed_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "public", {"index.html": b""})
    (tmp_path / "public/link").symlink_to("/etc/passwd")
    assert '"link" is a symbolic link' in problem(run(tmp_path, "bake", "public"), 5)


def test_a_broken_lock_is_a_problem_with_its_place(tmp_path: Path) -> None:
    write_tree(tmp_path / "public", {"index.html": b""})
    (tmp_path / "imagebake.lock").write_text("version = 1\nsuite = trixie\n")
    assert "imagebake.lock:2:9: " in problem(run(tmp_path, "bake", "public"), 4)


def test_a_broken_site_file_is_a_problem_with_its_place(tmp_path: Path) -> None:
    write_tree(tmp_path / "public", {"index.html": b""})
    (tmp_path / "site.toml").write_text('[site]\ntitle = "T"\nurl = "https://e.org/"\n[image]\nprot = 1\n')
    said = problem(run(tmp_path, "bake", "public"), 3)
    assert "site.toml:5:1: " in said
    assert 'did you mean "port"?' in said


@pytest.mark.parametrize("name", ["seal.json", f"public-{HERE}.tar", f"public-{HERE}.spdx.json"])
def test_a_file_that_no_bake_wrote_is_never_replaced(project: Path, name: str) -> None:
    (project / "papers").mkdir()
    (project / "papers" / name).write_text("dear")
    said = problem(run(project, "bake", "public", "--name", "public", "--arch", HERE, "-q", "-o", "papers"), 9)
    assert f"{name} in papers would be replaced" in said
    assert files(project / "papers") == {name: b"dear"}


@network
def test_what_drawings_do_not_get_of_others_is_told_and_stops_no_bake(project: Path) -> None:
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='https://e.example/a.png'/></svg>"
    (project / "public/a.svg").write_bytes(drawing)
    done = run(project, "bake", "public", "--arch", HERE)
    assert done.returncode == 0, done.stderr
    assert "a.svg:1:" in done.stderr
    assert "https://e.example" in done.stderr


@network
def test_an_output_folder_with_other_things_in_it_is_left_alone(project: Path) -> None:
    (project / "image/oci").mkdir(parents=True)
    (project / "image/oci/diary.txt").write_text("dear")
    assert "is no OCI layout" in problem(run(project, "bake", "public", "--arch", HERE, "-q"), 9)
    assert files(project / "image") == {"oci/diary.txt": b"dear"}


@network
@pytest.mark.parametrize("name", ["../escape", "Upper", "a/b"])
def test_a_name_that_no_image_can_have_is_refused(project: Path, name: str) -> None:
    assert "can't be the name of an image" in problem(run(project, "bake", "public", "--name", name, "-q"), 2)
    assert not (project / "image").exists()


@pytest.mark.parametrize("path", ["image", "none.tar", "."])
def test_nothing_to_inspect_is_a_problem(tmp_path: Path, path: str) -> None:
    problem(run(tmp_path, "inspect", path), 5)


def test_a_mistyped_command_is_answered_with_the_nearest(tmp_path: Path) -> None:
    assert 'no such command "bkae" (did you mean "bake"?)' in problem(run(tmp_path, "bkae"), 2)


def test_an_unknown_architecture_is_answered_with_the_known(tmp_path: Path) -> None:
    said = problem(run(tmp_path, "bake", "public", "--arch", "riscv"), 2)
    assert "amd64" in said
    assert "arm64" in said


def test_help_teaches(tmp_path: Path) -> None:
    shown = run(tmp_path, "--help").stdout
    for example in ("imagebake lock", "imagebake bake public/", "imagebake inspect", "docker load"):
        assert example in shown
    for command in ("lock", "bake", "inspect"):
        assert run(tmp_path, command, "--help").returncode == 0


def test_the_shell_can_complete_it() -> None:
    asked = {"_IMAGEBAKE_COMPLETE": "bash_complete", "COMP_WORDS": "imagebake in", "COMP_CWORD": "1"}
    command = Path(sys.executable).with_name("imagebake")
    done = subprocess.run([command], env=os.environ | asked, capture_output=True, text=True, timeout=60, check=False)
    assert "inspect" in done.stdout
