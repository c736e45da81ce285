"""ELF files say what they need; garbage is a Problem that names the file."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.packages import elf
from sealpress.problems import Exit, Problem


def test_what_a_program_needs(make) -> None:
    data = make.elf("arm64", needed=["libb.so.2", "liba.so.1"], interpreter="/lib/ld-linux-aarch64.so.1")
    assert elf.parse(data, "x") == elf.Elf("arm64", ("libb.so.2", "liba.so.1"), "", "/lib/ld-linux-aarch64.so.1")


def test_what_a_library_is_called(make) -> None:
    assert elf.parse(make.elf(soname="libz.so.1"), "x") == elf.Elf("amd64", (), "libz.so.1", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no ELF programs here")
def test_a_real_program_is_understood() -> None:
    found = elf.parse(Path("/bin/ls").read_bytes(), "ls")
    assert "libc.so.6" in found.needed
    assert found.interpreter.rpartition("/")[2].startswith("ld-linux")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"#!/bin/sh\n", "it is no ELF file"),
        (b"\x7fELF\x01\x01" + bytes(60), "it is not 64-bit little-endian"),
        (b"\x7fELF\x02\x01" + bytes(20), "it is not 64-bit little-endian"),
        (b"\x7fELF\x02\x01" + bytes(60), "it is for the machine 0, not amd64 or arm64"),
    ],
)
def test_another_file_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Problem) as caught:
        elf.parse(data, "usr/bin/x")
    assert caught.value.message == f"usr/bin/x is no program or library that can run: {why}"
    assert caught.value.code is Exit.LOCK


def test_a_library_by_path_is_refused(make) -> None:
    with pytest.raises(Problem, match="needs a library by its path"):
        elf.parse(make.elf(needed=["../../tmp/evil.so"]), "x")


@given(st.data())
def test_garbage_is_a_problem_and_nothing_worse(make, data) -> None:
    whole = bytearray(make.elf(needed=["liba.so.1", "libc.so.6"], soname="x.so", interpreter="/lib/ld.so"))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        found = elf.parse(bytes(whole[:cut]), "x")
    except Problem:
        return
    assert all(name.isascii() and "/" not in name for name in found.needed)
