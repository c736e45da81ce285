"""`publish verify ADDRESS`: the live site is the commit that it says it is, through whatever stands before its host."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Callable

import pytest

from tests import needs
from tests.publish.cli.conftest import commit, git
from tests.publish.fronts import Lie, Passing, front


def test_the_live_site_is_the_commit_that_it_says_it_is(blog, publish):
    first = blog.edit("one, for its readers")
    publish()
    with front(blog.port) as address:
        code, out, _ = publish("verify", address)
        assert code == 0
        assert out.splitlines() == [
            "verified: all 2 files are served as they were built (4 answers, with their headers)",
            f"{address} is commit {first[:12]}",
        ]
        second = blog.edit("two, which nobody published")
        code, out, err = publish("verify", f"{address}/", "--json")
        told = json.loads(out)
        assert (code, told["commit"], told["files"], told["verified"], told["differences"]) == (0, first, 2, True, [])
        assert f"the last commit here is {second[:12]}" in err
    assert blog.folder.joinpath("page.html").read_text().startswith("two")


def test_what_is_changed_on_its_way_is_told(blog, publish):
    first = blog.edit("<p>one</p>")
    publish()

    def lie(passing: Passing) -> None:
        if passing.path == "/a/":
            passing.set("Content-Security-Policy")
        if passing.path == "/":
            passing.body += b"<script>"

    with front(blog.port, lie) as address:
        code, out, err = publish("verify", address)
        assert (code, out) == (1, "")
        lines = err.partition("error: ")[2].splitlines()
        assert lines[0] == "2 answers differ from what was sealed"
        assert lines[1].startswith("  | /a/: Content-Security-Policy: expected \"default-src 'none'; ")
        assert lines[1].endswith('", got none')
        assert lines[2].startswith("  | /: body: expected 10 bytes, sha256 ")
        assert ", got 18 bytes, sha256 " in lines[2]
        assert "hint: the files here are those that were published: what readers get was changed on its way" in err
        code, out, _ = publish("verify", address, "--json")
    told = json.loads(out)
    assert (code, told["verified"], told["commit"], told["address"]) == (1, False, first, address)
    assert [(one["path"], one["file"], one["what"], one["hint"]) for one in told["differences"]] == [
        ("/a/", "a/index.html", "Content-Security-Policy", None),
        ("/", "index.html", "body", None),
    ]


def test_a_page_that_a_cdn_rewrites_is_no_proof_and_its_habit_is_named(blog, publish):
    blog.edit("<p>\n<!-- one -->\n</p>\n")
    publish()

    def lie(passing: Passing) -> None:
        if passing.path == "/":
            passing.body = b"<p></p>"

    with front(blog.port, lie) as address:
        code, _, err = publish("verify", address)
    assert code == 1
    assert (
        "hint: only blanks and comments differ: a proxy or a CDN minifies files: turn that off for this site\n" in err
    )


def test_a_site_of_what_no_commit_holds_proves_nothing(blog, publish):
    blog.folder.joinpath("page.html").write_text("not committed")
    assert publish("--dirty")[0] == 0
    with front(blog.port) as address:
        code, _, err = publish("verify", address)
    assert (code, err.splitlines()[0]) == (1, f"error: {address} was made of what no commit holds")


def seal(change: Callable[[dict[str, object]], object]) -> Lie:
    def lie(passing: Passing) -> None:
        if passing.path == "/.well-known/seal.json":
            changed = change(json.loads(passing.body))
            passing.body = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()

    return lie


def always(status: int, body: bytes, location: str = "") -> Lie:
    def lie(passing: Passing) -> None:
        passing.status, passing.body, passing.headers = status, body, []
        if location:
            passing.set("Location", location)

    return lie


@pytest.mark.parametrize(
    ("lie", "code", "message"),
    [
        (seal(lambda told: told | {"site": "other"}), 1, " is another site: other"),
        (seal(lambda told: told | {"site": "\x1b[2J"}), 1, " is another site: \\x1b[2J"),
        (seal(lambda told: told | {"commit": "0" * 40}), 2, "which is not in this repository"),
        (seal(lambda told: told | {"commit": "--help"}), 10, "seal.json"),
        (seal(lambda told: told | {"tree": "sha256:" + "1" * 64}), 1, "makes another tree than "),
        (seal(lambda told: [told]), 10, "seal.json"),
        (always(404, b"no"), 8, " has no /.well-known/seal.json: status 404"),
        (always(200, b"\0" * 1000), 10, "seal.json"),
        (always(308, b"", "https://www.blog.example/"), 8, " leads to https://www.blog.example/"),
    ],
)
def test_whatever_a_site_says_of_itself_is_one_message(blog, publish, lie, code, message):
    publish()
    with front(blog.port, lie) as address:
        found, out, err = publish("verify", address)
    assert (found, message in err, err.count("error: "), "Traceback" in err) == (code, True, 1, False), err
    assert " is commit " not in out


@pytest.mark.parametrize(
    ("address", "more", "code", "message"),
    [
        ("https://", (), 2, '"https://" is no address of a site'),
        ("http://me:secret@127.0.0.1/", (), 2, "is no address of a site"),
        ("http://127.0.0.1:99999/", (), 2, "is no address of a site"),
        ("http://[::1", (), 2, "is no address of a site"),
        (
            "http://127.0.0.1:1/a/",
            (),
            2,
            "is not the whole site\nhint: it is looked at as a whole: http://127.0.0.1:1/\n",
        ),
        ("http://127.0.0.1:1/?page=2", (), 2, "is not the whole site"),
        ("http://127.0.0.1:1/", (), 8, "nothing listens there"),
        ("http://nowhere.invalid/", (), 8, "GET /.well-known/seal.json: "),
        ("http://127.0.0.1:1/", ("--dirty",), 2, "--dirty goes with a target"),
    ],
)
def test_an_address_where_nothing_is(blog, publish, address, more, code, message):
    found, _, err = publish("verify", address, *more)
    assert (found, message in err, "Traceback" in err) == (code, True, False), err


def test_tls_is_asked_with_the_certificates_that_this_machine_trusts(blog, publish, tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        needs.unavailable("openssl makes the certificate")
    publish()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-subj", "/CN=a blog", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    make += ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run(make, check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with front(blog.port, tls=context) as address:
        code, _, err = publish("verify", address)
        assert code == 8
        assert "its certificate is not trusted: self-signed certificate" in err
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        code, out, _ = publish("verify", address)
        assert (code, f"{address} is commit " in out) == (0, True)
        plain = address.replace("https:", "http:")
        assert publish("verify", plain)[0] == 8


def test_who_answers_there_does_not_choose_whose_program_is_run(blog, publish, tmp_path):
    """A commit of somebody else, fetched and merged into nothing, with the command line that is allowed here."""
    publish()
    git(blog.folder, "switch", "-q", "-c", "of-somebody-else")
    mark = tmp_path / "it-ran"
    (blog.folder / "generate.sh").write_text(f"touch {mark}\n")
    other = commit(blog.folder)
    git(blog.folder, "switch", "-q", "main")
    with front(blog.port, seal(lambda told: told | {"commit": other})) as address:
        code, _, err = publish("verify", address)
    assert (code, mark.exists()) == (2, False)
    assert "which is not in this branch's history" in err


def test_a_folder_that_is_in_no_repository(blog, publish, tmp_path, monkeypatch):
    publish()
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.copy(blog.folder / "site.toml", other)
    monkeypatch.chdir(other)
    with front(blog.port) as address:
        code, _, err = publish("verify", address)
    assert (code, "this folder is in no git repository" in err) == (9, True)


def test_a_commit_of_another_clone_is_told_by_how_to_fetch_it(blog, publish, tmp_path, monkeypatch):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(blog.folder), str(clone)], check=True, timeout=30)
    blog.edit("newer")
    publish()
    monkeypatch.chdir(clone)
    with front(blog.port) as address:
        code, _, err = publish("verify", address)
        assert (code, "git fetch --all" in err) == (2, True)
        subprocess.run(["git", "pull", "-q", "--ff-only"], check=True, timeout=30)
        assert publish("verify", address)[0] == 0
