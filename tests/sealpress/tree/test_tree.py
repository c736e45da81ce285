"""A tree is its names and contents: the same digest everywhere, and nothing in it that can't be served everywhere."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from sealpress.tree.tree import CacheClass
from tests import needs


def fill(root: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


FILES = {"index.html": b"<p>", "é/z.html": b"1", "a/b/c.css": b"x", "a.b": b"", "B": b"2", "zz/😀.txt": b"3"}


def test_entries_are_sorted_by_bytes_and_describe_their_files(tmp_path: Path) -> None:
    found = tree.scan(fill(tmp_path, FILES))
    assert [entry.path for entry in found.entries] == sorted(FILES, key=lambda path: path.encode())
    first = found.entries[0]
    assert first == tree.TreeFile(
        "B",
        "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35",
        1,
        "application/octet-stream",
        CacheClass.REVALIDATE,
    )
    assert found.file(first).read_bytes() == b"2"
    assert found.size == sum(map(len, FILES.values()))


def test_the_digest_is_known(tmp_path: Path) -> None:
    """It is written into releases: another way to take it would make every site look changed."""
    found = tree.scan(fill(tmp_path, {"index.html": b"<p>", "a/b.css": b"x"}))
    lines = [
        f"{hashlib.sha256(b'x').hexdigest()} 1 revalidate text/css a/b.css\0\n",
        f"{hashlib.sha256(b'<p>').hexdigest()} 3 revalidate text/html index.html\0\n",
    ]
    assert found.digest == "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
    assert found.digest == "sha256:d89fda03c51a14c9fce7ce1230c321d93b7ed13483c84bae5b34c10c06ea5d7e"


def test_times_modes_order_and_place_are_no_part_of_it(tmp_path: Path) -> None:
    one = tree.scan(fill(tmp_path / "one", FILES))
    other_root = fill(tmp_path / "two", dict(reversed(FILES.items())))
    for path in other_root.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    (other_root / "empty").mkdir()
    other = tree.scan(other_root)
    assert (other.entries, other.digest) == (one.entries, one.digest)


@given(st.permutations(list(FILES)))
def test_describe_sorts_what_it_is_given(tmp_path_factory: pytest.TempPathFactory, paths: list[str]) -> None:
    root = tmp_path_factory.getbasetemp() / "described"
    fill(root, {path: data for path, data in FILES.items() if not (root / path).exists()})
    assert tree.describe(root, paths) == tree.scan(root)


def test_a_changed_byte_name_or_file_changes_the_digest(tmp_path: Path) -> None:
    trees: list[dict[str, bytes]] = [
        {"a": b"1"},
        {"a": b"2"},
        {"b": b"1"},
        {"a": b"1", "b": b"1"},
        {"a/b": b"1"},
        {"a.html": b"1"},
    ]
    digests = {tree.scan(fill(tmp_path / str(number), files)).digest for number, files in enumerate(trees)}
    assert len(digests) == len(trees)


def test_the_mark_of_a_generator_is_no_part_of_the_tree(tmp_path: Path) -> None:
    assert (
        tree.scan(fill(tmp_path, {tree.MARKER: b"", "a": b""})).entries == tree.scan(fill(tmp_path, {"a": b""})).entries
    )
    assert tree.scan(fill(tmp_path / "b", {f"x/{tree.MARKER}": b""})).left_out == (f"x/{tree.MARKER}",)


def refusal(root: Path) -> str:
    with pytest.raises(Problem) as caught:
        tree.scan(root)
    assert {problem.code for problem in caught.value.each} == {Exit.TREE}
    assert all(problem.hint for problem in caught.value.each)
    return str(caught.value)


def test_no_tree_is_a_problem(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no").startswith("no output tree at ")
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file").startswith("no output tree at ")


@pytest.mark.parametrize("target", ["index.html", ".", "/etc/passwd", "nowhere"])
def test_links_are_refused(tmp_path: Path, target: str) -> None:
    fill(tmp_path, {"index.html": b""})
    (tmp_path / "link").symlink_to(target)
    assert refusal(tmp_path).startswith('link: "link" is a symbolic link; an output tree holds only files')


def test_fifos_are_refused_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a" / "pipe")
    assert refusal(tmp_path).startswith('a/pipe: "a/pipe" is neither a file nor a folder')


@needs.root
def test_devices_are_refused(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        needs.unavailable("this root may not make devices")
    assert "is neither a file nor a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"caf\xe9", 'the name "caf\\xe9" is not UTF-8'),
        (b"a\nb", "a\\x0ab: the name 'a\\nb' has a control character or a backslash"),
        (b"a\x1b[2Jb", "the name 'a\\x1b[2Jb' has a control character"),
        (b"a\x7f", "has a control character"),
        (b"a\\b", "has a control character or a backslash"),
    ],
)
def test_names_that_can_not_be_sealed_are_refused(tmp_path: Path, name: bytes, said: str) -> None:
    folder = os.fsencode(tmp_path) + b"/sub"
    os.mkdir(folder)  # noqa: PTH102 - a name in bytes
    with open(folder + b"/" + name, "wb"):
        pass
    assert said in refusal(tmp_path / "sub")


@pytest.mark.parametrize(
    ("one", "two"), [("A.html", "a.html"), ("é", "e\u0301"), ("straße", "STRASSE"), ("x/Y", "X/y")]
)
def test_names_that_are_one_elsewhere_are_refused_with_their_twin(one: str, two: str) -> None:
    with pytest.raises(Problem) as caught:
        tree.check_names([one, two])
    assert f'"{two}" and "{one}" are one name on a file system that folds case or accents' in str(caught.value)


def test_all_such_names_are_told_at_once() -> None:
    with pytest.raises(Problem) as caught:
        tree.check_names(["a", "b", "A", "B", "c"])
    assert len(caught.value.each) == 2


@pytest.mark.parametrize(
    "path",
    [
        "style.0a1b2c3d.css",
        "a/app-0123456789abcdef.js",
        "x.0a1b2c3d.min.js",
        "font-a1b2c3d4e5f6.woff2",
        "p.a1b2c3d4.svg",
    ],
)
def test_a_name_with_a_digest_in_it_is_kept_for_ever(path: str) -> None:
    assert tree.cache_class(path) is CacheClass.IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "style.css",
        "photo-20260504.jpg",  # a date
        "cafe-deadbeef.png",  # a word, as far as anyone can tell
        "page.0a1b2c3d.html",  # pages are asked about whatever they are called
        "feed.0a1b2c3d.xml",
        "data-0a1b2c3d.json",
        "0a1b2c3d.css",
        "style.0a1b2c3.css",  # seven digits
        "style.0A1B2C3D.css",
        "a.0a1b2c3d/style.css",
    ],
)
def test_any_other_name_is_asked_about(path: str) -> None:
    assert tree.cache_class(path) is CacheClass.REVALIDATE


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "text/html"),
        ("a/INDEX.HTML", "text/html"),
        ("a.b/x.js", "text/javascript"),
        ("feed.xml", "application/atom+xml"),
        ("fr/atom.xml", "application/atom+xml"),
        ("rss.xml", "application/rss+xml"),
        ("sitemap.xml", "application/xml"),
        ("x.tar.gz", "application/gzip"),
        ("LICENSE", "application/octet-stream"),
        ("html", "application/octet-stream"),
        ("a.html/file", "application/octet-stream"),
        ("x.unknown", "application/octet-stream"),
        ("x.", "application/octet-stream"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("photo.avif", "image/avif"),
    ],
)
def test_media_types_come_from_the_name_alone(path: str, expected: str) -> None:
    assert tree.media_type(path) == expected


def test_media_types_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import mimetypes

    monkeypatch.setattr(mimetypes, "guess_type", lambda *_args, **_more: ("x/y", None))
    assert tree.media_type("a.css") == "text/css"
