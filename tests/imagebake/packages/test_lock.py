"""A lock is one text for one content; a wrong one says where."""

import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.packages import lock
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import Root
from sealpress.config.settings import LOCK_NAME
from sealpress.problems import Exit, Problem

PACKAGE = LockedPackage(
    "libc6",
    "2.41-12+deb13u4",
    "amd64",
    "main",
    "pool/main/g/glibc/libc6_2.41-12+deb13u4_amd64.deb",
    "96" * 32,
    2846580,
    "sha256:" + "71" * 32,
)
LOCK = Lock(
    "trixie",
    datetime(2026, 11, 19, 2, 12, 54, tzinfo=UTC),
    (Root("nginx", "usr/sbin/nginx"),),
    (PACKAGE, replace(PACKAGE, architecture="arm64", archive="security")),
)
GOLDEN = f"""\
# Written by `imagebake lock`, which also renews it. Keep it under version control, and don't edit it.
version = 1
suite = "trixie"
date = 2026-11-19T02:12:54Z
roots = [
    {{ package = "nginx", path = "usr/sbin/nginx" }},
]

[[package]]
name = "libc6"
version = "2.41-12+deb13u4"
architecture = "amd64"
archive = "main"
path = "pool/main/g/glibc/libc6_2.41-12+deb13u4_amd64.deb"
sha256 = "{"96" * 32}"
size = 2846580
diff_id = "sha256:{"71" * 32}"

[[package]]
name = "libc6"
version = "2.41-12+deb13u4"
architecture = "arm64"
archive = "security"
path = "pool/main/g/glibc/libc6_2.41-12+deb13u4_amd64.deb"
sha256 = "{"96" * 32}"
size = 2846580
diff_id = "sha256:{"71" * 32}"
"""


def test_the_text_of_a_lock() -> None:
    assert lock.dump(LOCK) == GOLDEN


def test_the_digest_of_a_lock_stays_and_forgets_comments() -> None:
    assert LOCK.digest == "sha256:295d80551b284cf3a2eab4cdd8ef9b122e8748d1cde3be73fe0b89d560bfbf8a"
    assert lock.parse(GOLDEN.replace("\n\n", "\n# a comment\n\n"), "x").digest == LOCK.digest
    assert replace(LOCK, suite="forky").digest != LOCK.digest


def test_a_root_with_all_its_keys_is_read_back() -> None:
    root = Root("python", "usr/lib/**", ("**/test", '"'), "etc/all")
    text = lock.dump(replace(LOCK, roots=(*LOCK.roots, root)))
    assert r"""path = "usr/lib/**", exclude = ["**/test", "\""], joined = "etc/all" },""" in text
    assert lock.parse(text, "x").roots[1] == root
    with pytest.raises(Problem, match=r"joined must be below the image's root"):
        lock.parse(text.replace('"etc/all"', '"../all"'), "x")


def test_a_saved_lock_is_loaded_again_and_readable_by_all(tmp_path: Path) -> None:
    lock.save(LOCK, tmp_path / LOCK_NAME)
    assert lock.load(tmp_path / LOCK_NAME) == LOCK
    assert stat.S_IMODE((tmp_path / LOCK_NAME).stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == [LOCK_NAME]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "2.41-12+deb13u4"', 'version = "2.41-12+deb13u5"'),
        ("date = 2026", "date = 2025"),
        ('suite = "trixie"', 'suite = "bookworm"'),
    ],
)
def test_a_lock_edited_by_hand_is_told_as_that(tmp_path: Path, old: str, new: str) -> None:
    """Not as a mirror's fault, once packages are fetched. Comments and a lock of before tell nothing of an edit."""
    file = tmp_path / "imagebake.lock"
    lock.save(LOCK, file)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(Problem, match="this lock was edited by hand, or merged") as caught:
        lock.load(file)
    assert caught.value.code == Exit.LOCK
    assert "take it back from git" in (caught.value.hint or "")
    file.write_text("# mine\n" + text)
    assert lock.load(file) == LOCK
    file.write_text(lock.dump(LOCK))
    assert lock.load(file) == LOCK


def test_packages_of_one_image() -> None:
    assert LOCK.architectures == ("amd64", "arm64")
    assert [package.architecture for package in LOCK.of("arm64")] == ["arm64"]
    with pytest.raises(Problem, match="the lock has no packages for arm64, only for amd64"):
        replace(LOCK, packages=(PACKAGE,)).of("arm64")


def test_no_lock_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        lock.load(tmp_path / LOCK_NAME)
    assert str(caught.value) == (f"{tmp_path / LOCK_NAME}: there is no imagebake.lock\nhint: write one: imagebake lock")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1\n", "version = 2\n", "2:11: the lock has format 2; this sealpress reads format 1"),
        ("version = 1\n", "", '1:1: the lock needs the key "version", a whole number'),
        ("suite = ", "suit = ", '3:1: unknown key "suit"'),
        ('suite = "trixie"', "suite = 3", "3:9: must be text, not the number 3"),
        ("suite = ", "suite ", "3:7: not valid TOML"),
        ("02:12:54Z", "02:12:54", "4:8: date must be a time with its zone"),
        ("2026-11", "0001-11", "4:8: date must be a time with its zone"),
        ('    { package = "nginx", path = "usr/sbin/nginx" },\n', "", "5:9: roots is empty"),
        ('path = "usr/sbin/nginx"', 'path = "../nginx"', "6:33: path must be below the image's root"),
        ('package = "nginx"', 'package = "-x"', '6:17: package must be a package\'s name, not "-x"'),
        ('name = "libc6"', 'name = "../c"', '10:8: name must be a package\'s name, not "../c"'),
        ('version = "2.41', 'version = "2 41', "11:11: version must be a package's version"),
        ('"amd64"', '"riscv64"', '12:16: can\'t be "riscv64"'),
        ('archive = "main"', 'archive = "contrib"', '13:11: can\'t be "contrib"'),
        ('"pool/main', '"/main', "14:8: path must be a path to a .deb on a mirror"),
        ('"pool/main', '"pool/../main', "14:8: path must be a path to a .deb on a mirror"),
        ('sha256 = "96', 'sha256 = "9', "15:10: sha256 must be 64 hex digits"),
        ("size = 2846580", "size = 0", "16:8: size can't be 0"),
        ('diff_id = "sha256:', 'diff_id = "md5:', '17:11: diff_id must be "sha256:" and 64 hex digits'),
        ('"arm64"', '"amd64"', "20:8: libc6 stands twice for amd64"),
    ],
)
def test_a_wrong_lock_says_where(old: str, new: str, said: str) -> None:
    text = GOLDEN.replace(old, new, 1)
    assert text != GOLDEN
    with pytest.raises(Problem) as caught:
        lock.parse(text, "imagebake.lock")
    place, _, words = said.partition(": ")
    found = {str(problem.place): problem for problem in caught.value.each}
    assert words in found[f"imagebake.lock:{place}"].message
    assert {problem.code for problem in found.values()} == {Exit.LOCK}


def test_a_lock_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / LOCK_NAME
    for data in (b"\xff\xfe", b"\0" * 10, b"x = " + b"[" * 100_000, b"#" * (5 << 20)):
        file.write_bytes(data)
        with pytest.raises(Problem) as caught:
            lock.load(file)
        assert caught.value.each[0].code is Exit.LOCK


names = st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,20}", fullmatch=True)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
packages = st.builds(
    LockedPackage,
    names,
    st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,10}", fullmatch=True),
    st.sampled_from(["amd64", "arm64"]),
    st.sampled_from(["main", "updates", "security"]),
    st.builds("pool/{}.deb".format, names),
    digests,
    st.integers(1, 1 << 30),
    st.builds("sha256:{}".format, digests),
)
paths = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda path: not path.startswith("/") and ".." not in path.split("/")
)
locks = st.builds(
    Lock,
    st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    st.integers(745_516_800, 221_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.lists(st.builds(Root, names, paths), min_size=1, max_size=3).map(tuple),
    st.lists(packages, min_size=1, max_size=4, unique_by=lambda one: (one.name, one.architecture)).map(tuple),
)


@given(locks)
def test_every_lock_reads_back_the_same(one: Lock) -> None:
    assert lock.parse(lock.dump(one), "x") == one


@given(st.data())
def test_an_edited_lock_is_a_lock_or_a_problem(data) -> None:
    text = GOLDEN
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        text = text[:start] + data.draw(st.text("[]{}\"'=.,#\n0aé\\-:TZ ", max_size=6)) + text[end:]
    try:
        found = lock.parse(text, "x")
    except Problem:
        return
    assert lock.parse(lock.dump(found), "x") == found
