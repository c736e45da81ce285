"""An image gets what its programs need to run, under the names that they ask for, and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from imagebake.image.entries import Bytes, Directory, Entry, File, Symlink
from imagebake.packages.selection import Root, select, wanted
from sealpress.problems import Exit, Problem

LIB = "usr/lib/x86_64-linux-gnu"
LINKER = "lib64/ld-linux-x86-64.so.2"


@dataclass
class Shelf:
    packages: dict[str, dict[str, Entry]]

    def entries(self, package: str) -> Mapping[str, Entry]:
        return self.packages[package]

    def near(self, package: str) -> Iterator[str]:
        yield package
        yield from self.packages


def package(name: str, *entries: Entry, licence: bool = True) -> dict[str, Entry]:
    copyright_file = File(f"usr/share/doc/{name}/copyright", Bytes(b"free"))
    return {entry.path: entry for entry in (*entries, *([copyright_file] if licence else []))}


@pytest.fixture
def shelf(make) -> Shelf:
    def binary(path: str, **content) -> File:
        return File(path, Bytes(make.elf(**content)), 0o755)

    linker = "ld-linux-x86-64.so.2"
    return Shelf(
        {
            "server": package(
                "server",
                binary("usr/sbin/server", needed=["libz.so.1", "libc.so.6"], interpreter=f"/{LINKER}"),
                binary(f"{LIB}/libunused.so.1"),
            ),
            "data": package("data", File("etc/data/a.txt", Bytes(b"a")), File("etc/data/deep/b.txt", Bytes(b"b"))),
            "zlib": package(
                "zlib",
                binary(f"{LIB}/libz.so.1.3", needed=["libc.so.6"], soname="libz.so.1"),
                Symlink(f"{LIB}/libz.so.1", "libz.so.1.3"),
            ),
            "libc": package(
                "libc",
                binary(f"{LIB}/libc.so.6", needed=[linker], soname="libc.so.6"),
                binary(f"{LIB}/{linker}", soname=linker),
                Symlink(f"usr/{LINKER}", f"../lib/x86_64-linux-gnu/{linker}"),
            ),
        }
    )


def paths(shelf: Shelf, *roots: Root) -> dict[str, list[str]]:
    """Kept paths by package, without the licences."""
    return {
        one.package: [entry.path for entry in one.entries if "/doc/" not in entry.path]
        for one in select(roots, "amd64", shelf)
    }


def test_libraries_stand_under_the_name_they_are_needed_by(shelf: Shelf) -> None:
    """In layer order: what needs nothing first, the recipe's own last."""
    assert list(paths(shelf, Root("server", "usr/sbin/server")).items()) == [
        ("libc", [LINKER, f"{LIB}/libc.so.6"]),
        ("zlib", [f"{LIB}/libz.so.1"]),
        ("server", ["usr/sbin/server"]),
    ]


def test_the_linker_is_a_file_and_not_kept_twice(shelf: Shelf) -> None:
    libc, *_ = select([Root("server", "usr/sbin/server")], "amd64", shelf)
    assert [type(entry) for entry in libc.entries] == [File, File, File]


def test_every_package_brings_its_licence(shelf: Shelf) -> None:
    for one in select([Root("server", "usr/sbin/server")], "amd64", shelf):
        assert f"usr/share/doc/{one.package}/copyright" in [entry.path for entry in one.entries]


def test_a_licence_may_stand_in_another_package(shelf: Shelf) -> None:
    shelf.packages["base"] = package("base")
    shelf.packages["zlib"] = package(
        "zlib", *shelf.packages["zlib"].values(), Symlink("usr/share/doc/zlib", "base"), licence=False
    )
    del shelf.packages["zlib"]["usr/share/doc/zlib/copyright"]
    found = {one.package: one.entries for one in select([Root("server", "usr/sbin/server")], "amd64", shelf)}
    assert Symlink("usr/share/doc/zlib", "base") in found["zlib"]
    assert [entry.path for entry in found["base"]] == ["usr/share/doc/base/copyright"]
    assert next(iter(found)) == "base"


def test_a_package_without_a_licence_is_refused(shelf: Shelf) -> None:
    del shelf.packages["zlib"]["usr/share/doc/zlib/copyright"]
    with pytest.raises(Problem, match="the package zlib has no copyright file"):
        select([Root("server", "usr/sbin/server")], "amd64", shelf)


def test_roots_name_files_by_pattern(shelf: Shelf) -> None:
    assert paths(shelf, Root("data", "etc/data/*.txt")) == {"data": ["etc/data/a.txt"]}
    assert paths(shelf, Root("data", "etc/**")) == {"data": ["etc/data/a.txt", "etc/data/deep/b.txt"]}


def test_what_a_root_leaves_out_is_not_kept(shelf: Shelf) -> None:
    """A file by its pattern, a folder with all below it, and never the licence."""
    for path in ("lib/a.py", "lib/test/b.py", "lib/test/deep/c.py", "lib/x/test/d.py", "lib/testing.py", "lib/e.so"):
        shelf.packages["data"][path] = File(path, Bytes(b""))
    shelf.packages["data"]["lib/test"] = Directory("lib/test")
    assert paths(shelf, Root("data", "lib/**", exclude=("**/test", "lib/*.so"))) == {
        "data": ["lib/a.py", "lib/testing.py"]
    }
    with pytest.raises(Problem, match='the package data has no "lib/test/'):
        paths(shelf, Root("data", "lib/test/**", exclude=("lib/test",)))


def test_a_licence_stays_whatever_is_left_out(shelf: Shelf) -> None:
    (one,) = select([Root("data", "**", exclude=("usr/share/doc", "etc/data/deep"))], "amd64", shelf)
    assert [entry.path for entry in one.entries] == ["etc/data/a.txt", "usr/share/doc/data/copyright"]


def test_what_is_left_out_is_not_unpacked_and_its_libraries_are_not_needed(make, shelf: Shelf) -> None:
    module = File("lib/gone.so", Bytes(make.elf(needed=["libnowhere.so.1"])))
    shelf.packages["data"]["lib/gone.so"] = module
    root = Root("data", "**", exclude=("lib/gone.so",))
    assert paths(shelf, root) == {"data": ["etc/data/a.txt", "etc/data/deep/b.txt"]}
    assert not wanted("data", [root], "amd64")("lib/gone.so")
    assert wanted("data", [root, Root("data", "lib/gone.so")], "amd64")("lib/gone.so")


def test_files_are_joined_into_one_by_the_order_of_their_paths(shelf: Shelf) -> None:
    for path, data in (("ca/b.crt", b"B"), ("ca/a.crt", b"A\n"), ("ca/c.crt", b""), ("ca/d.txt", b"D")):
        shelf.packages["data"][path] = File(path, Bytes(data))
    shelf.packages["data"]["ca/0.crt"] = Symlink("ca/0.crt", "a.crt")
    shelf.packages["data"]["ca/e.crt"] = Directory("ca/e.crt")
    (one,) = select([Root("data", "ca/*.crt", joined="etc/ssl/ca.crt")], "amd64", shelf)
    assert [entry.path for entry in one.entries] == ["etc/ssl/ca.crt", "usr/share/doc/data/copyright"]
    assert one.entries[0] == File("etc/ssl/ca.crt", Bytes(b"A\nB\n"))
    with pytest.raises(Problem, match=r'the package data has no "ca/e\.\*"'):
        select([Root("data", "ca/e.*", joined="x")], "amd64", shelf)


def test_the_recipes_own_packages_keep_its_order(shelf: Shelf) -> None:
    roots = [Root("server", "usr/sbin/server"), Root("data", "etc/**")]
    assert list(paths(shelf, *roots))[-2:] == ["server", "data"]
    assert list(paths(shelf, *reversed(roots)))[-2:] == ["data", "server"]


def test_a_missing_library_names_itself_and_who_needs_it(shelf: Shelf) -> None:
    del shelf.packages["zlib"]
    with pytest.raises(Problem) as caught:
        select([Root("server", "usr/sbin/server")], "amd64", shelf)
    assert caught.value.code is Exit.LOCK
    assert caught.value.message == (
        'the library "libz.so.1" is missing: "usr/sbin/server" of server needs it, '
        "and no package that server depends on has it"
    )


def test_a_root_that_is_not_there_is_refused(shelf: Shelf) -> None:
    with pytest.raises(Problem, match='the package server has no "usr/sbin/serve"'):
        select([Root("server", "usr/sbin/serve")], "amd64", shelf)


def test_a_library_for_another_machine_is_refused(make, shelf: Shelf) -> None:
    shelf.packages["zlib"][f"{LIB}/libz.so.1.3"] = File(f"{LIB}/libz.so.1.3", Bytes(make.elf("arm64")))
    with pytest.raises(Problem, match="is for arm64, not for amd64"):
        select([Root("server", "usr/sbin/server")], "amd64", shelf)


def test_a_link_to_what_is_not_kept_is_refused(shelf: Shelf) -> None:
    shelf.packages["data"]["etc/link"] = Symlink("etc/link", "data/a.txt")
    with pytest.raises(Problem, match=r'the link "etc/link" of data points to "data/a\.txt", which is not kept'):
        select([Root("data", "etc/link")], "amd64", shelf)
    assert paths(shelf, Root("data", "etc/link"), Root("data", "etc/data/a.txt"))["data"] == [
        "etc/data/a.txt",
        "etc/link",
    ]


def test_libraries_that_need_each_other_end_the_walk(make, shelf: Shelf) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        path = f"{LIB}/lib{one}.so.1"
        shelf.packages[one] = package(one, File(path, Bytes(make.elf(needed=[f"lib{other}.so.1"]))))
    shelf.packages["tool"] = package("tool", File("usr/bin/tool", Bytes(make.elf(needed=["libb.so.1"]))))
    assert list(paths(shelf, Root("tool", "usr/bin/tool"))) == ["a", "b", "tool"]


def test_what_is_never_kept_is_not_wanted() -> None:
    is_wanted = wanted("server", [Root("server", "usr/sbin/server"), Root("data", "etc/**")], "amd64")
    assert [is_wanted(path) for path in ("usr/sbin/server", f"{LIB}/liba.so.1", "usr/share/doc/server/copyright")] == [
        True,
        True,
        True,
    ]
    assert not any(
        is_wanted(path)
        for path in ("etc/data/a.txt", "usr/share/doc/data/copyright", f"{LIB}/gconv/UTF-7.so", f"{LIB}/libc.a")
    )
