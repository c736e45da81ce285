"""What a host keeps of a line besides its containers: added line by line, whole or not at all, by a real shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from publish.engines.protocol import Endpoint
from publish.releases import records
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import LocalHost
from sealpress.problems import Problem

LINE = ReleaseLine("a-example", "here", Endpoint("", 80))


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    return LocalHost(None)


def file(tmp_path: Path) -> Path:
    return tmp_path / "state/records/a-example.here.urls"


def test_what_was_added_is_read_in_its_order(host, tmp_path):
    assert records.read(host, LINE, "urls") == ()
    records.add(host, LINE, "urls", ["+ /a/", "+ /é/ %s \\n $(x) `y` ' \" !z"])
    records.add(host, LINE, "urls", [])
    records.add(host, LINE, "urls", ["- /a/"])
    assert records.read(host, LINE, "urls") == ("+ /a/", "+ /é/ %s \\n $(x) `y` ' \" !z", "- /a/")
    assert records.read(host, LINE, "log") == ()
    assert (file(tmp_path).stat().st_mode & 0o777, file(tmp_path).parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_many_lines_go_in_pieces(host):
    lines = [f"+ /posts/{number}/some-title-that-is-not-short/" for number in range(3000)]
    records.add(host, LINE, "urls", lines)
    assert records.read(host, LINE, "urls") == tuple(lines)


def test_what_a_full_disk_cut_off_is_a_line_of_its_own(host, tmp_path):
    records.add(host, LINE, "urls", ["+ /a/"])
    with file(tmp_path).open("a") as out:
        out.write("+ /cut-of")
    records.add(host, LINE, "urls", ["+ /b/"])
    assert records.read(host, LINE, "urls") == ("+ /a/", "+ /cut-of", "+ /b/")


def test_of_what_has_a_limit_the_newest_lines_stay(host, tmp_path):
    for number in range(200):
        records.add(host, LINE, "urls", [f"line {number:04}"], limit=400)
    held = records.read(host, LINE, "urls")
    assert held[-1] == "line 0199"
    assert 20 < len(held) <= 40
    assert held == tuple(f"line {number:04}" for number in range(200 - len(held), 200))
    assert list(file(tmp_path).parent.iterdir()) == [file(tmp_path)]


def test_a_host_without_gzip_gives_them_plain(host, tmp_path, monkeypatch):
    records.add(host, LINE, "urls", ["+ /a/", "+ /b/"])
    for tool in ("sh", "cat"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert records.read(host, LINE, "urls") == ("+ /a/", "+ /b/")


def test_a_folder_that_can_not_be_had_is_a_problem(host, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/records").write_text("in the way")
    with pytest.raises(Problem, match="can't keep its records of a-example") as caught:
        records.add(host, LINE, "urls", ["+ /a/"])
    assert caught.value.code == 6


def test_a_full_disk_is_a_problem(host, tmp_path):
    folder = tmp_path / "state/records"
    folder.mkdir(parents=True)
    (folder / "a-example.here.urls").symlink_to("/dev/full")
    with pytest.raises(Problem, match="can't keep its records"):
        records.add(host, LINE, "urls", ["+ /a/"])


@pytest.mark.parametrize(
    "answer", ["", "Welcome!\n", "{word} begin\npacked\n!!!\n{word} end", "{word} begin\npacked\nAAAA\n{word} end"]
)
def test_an_answer_that_is_none_is_a_problem(answer):
    class Lying:
        title = "a host"

        def ask(self, command):
            return answer.replace("{word}", command[4])

    with pytest.raises(Problem, match="does not give its records") as caught:
        records.read(Lying(), LINE, "urls")
    assert caught.value.code == 6


def test_what_a_login_says_before_it_is_no_record(host):
    records.add(host, LINE, "urls", ["+ /a/"])

    class Greeting:
        title = "a host"

        def ask(self, command):
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
            return f"Welcome!\n+ /no/\n{said}\nBye"

    assert records.read(Greeting(), LINE, "urls") == ("+ /a/",)
