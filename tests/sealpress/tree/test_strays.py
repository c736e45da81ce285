"""What strays into a site never reaches a reader: leftovers stay out, secrets and histories stop the work."""

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealpress.problems import Exit, Problem
from sealpress.tree import strays, tree
from tests.sealpress.tree.test_tree import fill

BODY = b"MIIEpAIBAAKCAQEA7bq2kq1Zr0nH3mFv5gX9wQJ8yT4uL6oPsDfGhJkLzXcVbNmQ\n"
KEY = b"-----BEGIN RSA PRIVATE KEY-----\n" + BODY + b"-----END RSA PRIVATE KEY-----\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n" + BODY + b"-----END CERTIFICATE-----\n"


def refusal(root: Path, keep: tuple[str, ...] = ()) -> str:
    with pytest.raises(Problem) as caught:
        tree.scan(root, keep)
    assert {problem.code for problem in caught.value.each} == {Exit.TREE}
    assert all(problem.hint and problem.place for problem in caught.value.each)
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "a/b/.git/HEAD",
        ".git",  # of a worktree or a submodule, a file
        "sub/.GIT/index",
        ".git./x",
        ".git /x",
        ".git::$INDEX_ALLOCATION/x",
        "git~1/x",
        ".g\u200cit/x",
        ".\u0261\u0456t/x",
        "\uff0e\uff47\uff49\uff54/x",
        ".hg/store",
        ".svn/entries",
        "x/.bzr/README",
        "_darcs/format",
        "src/CVS/Entries",
        ".jj/repo",
    ],
)
def test_the_history_of_a_repository_is_refused_at_any_depth_under_any_guise(tmp_path: Path, path: str) -> None:
    fill(tmp_path, {"index.html": b"", path: b"x"})
    said = refusal(tmp_path)
    assert "is the history of a repository: readers could fetch all that was ever committed" in said
    assert said.count("history") == 1


@pytest.mark.parametrize("name", ["backup.git", "dotgit", "x/y"])
def test_a_bare_repository_is_one_whatever_its_name(tmp_path: Path, name: str) -> None:
    fill(tmp_path, {"index.html": b""})
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / name)], check=True, timeout=30)
    (tmp_path / name / "objects/ab").mkdir()
    (tmp_path / name / "objects/ab/cdef").write_bytes(b"x")
    assert f'"{name}/" is the history of a repository' in refusal(tmp_path)
    assert len(tree.scan(tmp_path, (name,)).entries) > 3, "a host of repositories may keep it"


def test_a_repository_is_refused_without_being_read(tmp_path: Path) -> None:
    """Its links and odd names would be told first otherwise."""
    fill(tmp_path, {"index.html": b"", ".git/HEAD": b""})
    (tmp_path / ".git/link").symlink_to("/etc/passwd")
    assert '".git/" is the history' in refusal(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".ENV",
        ".env.production",
        ".env.d/one",
        ".env.swp",
        "#.env#",
        ".#.env",
        ".env~",
        "sub/.env.bak",
        "\u2024env",
        ".\u0435nv",
        ".env ",
        "prod.env",
        ".htpasswd",
        "htpasswd.bak",
        ".netrc",
        "_netrc",
        "sftp-config.json",
        "secring.gpg",
        ".git-credentials",
        "id_rsa",
        "id_ed25519",
        "ID_ED25519",
        "id_ed25519_work",
        "id_rsa.old",
        "id_ecdsa_sk",
        "._id_rsa",
        "keys/.id_rsa.swp",
        "ssh_host_ed25519_key",
        ".ssh/config",
        ".aws/credentials",
        ".gnupg/x",
        "a.p12",
        "a.PFX",
        "store.jks",
        "passwords.kdbx",
        "passwords.kdbx.bak",
        "key.ppk",
        "terraform.tfstate",
        "wp-config.php",
        "wp-config.php.bak",
        "wp-config.php~",
        ".wp-config.php.swp",
        "wp-config.txt",
        "wp-config-old.php",
        "wp-config.php.20240101",
        "server.key",
        "server.pem",
        "server.key.bak",
    ],
)
def test_secrets_are_refused_by_name(tmp_path: Path, path: str) -> None:
    fill(tmp_path, {"index.html": b"", path: b"no more to be seen"})
    said = refusal(tmp_path)
    assert "and would be published" in said
    assert "take it out of the site" in said


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("notes.txt", KEY),
        ("server", b"Bag Attributes\n    friendlyName: me\n" + KEY),
        ("both.crt", CERTIFICATE + KEY),
        ("a.txt", KEY.replace(b"\n", b"\r\n")),
        ("a.txt", b"\xef\xbb\xbf" + KEY),
        ("a.bin", KEY.replace(b"RSA", b"OPENSSH")),
        ("a.bin", KEY.replace(b"RSA ", b"")),
        ("a.bin", KEY.replace(b"RSA", b"ENCRYPTED")),
        ("a.bin", KEY.replace(b"RSA PRIVATE KEY", b"PGP PRIVATE KEY BLOCK")),
        ("a.txt", KEY.replace(b"-----\nMII", b"-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMII")),
        ("tls.yaml", b"data:\n  key: |\n" + b"".join(b"    " + line + b"\n" for line in KEY.splitlines())),
        ("a.txt", b"PuTTY-User-Key-File-3: ssh-ed25519\n"),
        ("a.txt", b"# made today\nAGE-SECRET-KEY-1" + b"Q" * 58 + b"\n"),
        ("account.json", b'{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQ\\n"}'),
        ("large.txt", b"x\n" * (1 << 19) + KEY),
        ("utf-16.txt", KEY.decode().encode("utf-16")),
        ("seam.txt", b"x" * ((1 << 20) - 24) + b"\n" + KEY),
        ("page.html", KEY),
        (".npmrc", b"//registry.example/:_authToken=abc\n"),
        (".pypirc", b"[server]\npassword = abc\n"),
        ("chain.pem", CERTIFICATE + KEY),
    ],
)
def test_private_keys_and_tokens_are_known_by_what_they_are(tmp_path: Path, path: str, data: bytes) -> None:
    fill(tmp_path, {"index.html": b"", path: data})
    assert "holds a" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("index.html", b"<pre>\n" + KEY + b"</pre>"),
        ("index.html", b"<!doctype html>\n<pre><code>-----BEGIN OPENSSH PRIVATE KEY-----</code></pre>"),
        ("post.md", b"# How\n\n```\n" + KEY + b"```\n"),
        ("post.md", b"    " + KEY.replace(b"\n", b"\n    ")),
        ("feed.xml", b"<feed><content>\n" + KEY + b"</content></feed>"),
        (
            "search.json",
            b'{"text": "\\"private_key\\": \\"-----BEGIN PRIVATE KEY-----\\\\nMIIEvQIBADANBgkqhkiG9w0BAQ"}',
        ),
        ("search.json", b'{"text": "-----BEGIN PRIVATE KEY----- and so on"}'),
        ("howto.txt", b"It begins with\n-----BEGIN PRIVATE KEY-----\nand then comes base64.\n"),
        ("tool.py", b'MARK = """-----BEGIN PRIVATE KEY-----\n' + BODY),
        ("ca.pem", CERTIFICATE),
        ("mine.key", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + BODY),
        ("talk.key", b"PK\x03\x04slides"),
        ("id_rsa.pub", b"ssh-rsa AAAA me"),
        ("id_rsa.html", b"<p>"),
        ("tags/id_rsa/index.html", b"<p>"),
        ("wp-config/index.html", b"<p>"),
        ("wp-config-sample.php", b"<?php"),
        ("wp-config.php.html", b"<p>"),
        ("wp-config.php.png", b""),
        ("environment.html", b""),
        ("env/index.html", b""),
        ("cvs/index.html", b""),
        ("head/index.html", b""),
        ("objects/refs/head.html", b""),
        (".well-known/security.txt", b""),
        (".well-known/acme-challenge/x", b""),
        ("c++.html", b""),
        ("a.b.c/d.tar.gz", b""),
        ("game.swf", b""),
        ("data.sqlite", b""),
        ("_redirects", b""),
        ("_headers", b""),
        ("Éléments/œuvre.html", b""),
        ("статья/index.html", b""),
        ("2024.1/index.html", b""),
        ("notes.old/index.html", b""),
        ("book/1.part/index.html", b""),
        ("fr/v2.bak1/photo.jpg", b""),
        ("a.tmp/b.save/c.orig/index.html", b""),
        ("C#/index.html", b""),
        ("#1/index.html", b""),
    ],
)
def test_what_belongs_to_a_site_stays(tmp_path: Path, path: str, data: bytes) -> None:
    found = tree.scan(fill(tmp_path, {path: data}))
    assert ([entry.path for entry in found.entries], found.left_out) == ([path], ())


LEFTOVERS = (
    "c.md~",
    "a.txt.bak",
    ".a.swp",
    "a.swp",
    "a.swo",
    "x.orig",
    "x.rej",
    "x.tmp",
    "x.save",
    "#a#",
    ".#a",
    "a/.DS_Store",
    "._a.jpg",
    "Thumbs.db",
    "desktop.ini",
    "DESKTOP.INI",
    ".nojekyll",
    ".htaccess",
    "a.md.~1~",
    ".a.un~",
    "~$letter.docx",
    "index.html.old",
    ".buildinfo",
    ".npmrc",
    ".gitignore",
    "a.save.1",
    "a.bak2",
)


@pytest.mark.parametrize("path", LEFTOVERS)
def test_leftovers_are_no_part_of_the_tree(tmp_path: Path, path: str) -> None:
    clean = tree.scan(fill(tmp_path / "clean", {"index.html": b"<p>"}))
    found = tree.scan(fill(tmp_path / "found", {"index.html": b"<p>", path: b"x"}))
    assert (found.entries, found.digest) == (clean.entries, clean.digest)
    assert found.left_out == (path,)
    name = path.rpartition("/")[2]
    kept = tree.scan(tmp_path / "found", (name,))
    assert sorted(entry.path for entry in kept.entries) == sorted(["index.html", path])


def test_a_folder_that_stays_out_is_told_once_and_not_looked_at(tmp_path: Path) -> None:
    fill(tmp_path, {"index.html": b"", "__MACOSX/a": b"", ".vscode/a": b"", ".vscode/.env": b"", "a/.idea/b/c": b""})
    (tmp_path / ".vscode/link").symlink_to("/etc/passwd")
    (tmp_path / ".#index.html").symlink_to("me@host.123")
    found = tree.scan(tmp_path)
    assert [entry.path for entry in found.entries] == ["index.html"]
    assert sorted(found.left_out) == [".#index.html", ".vscode/", "__MACOSX/", "a/.idea/"]
    assert strays.told(sorted(found.left_out)) == (
        "left out: 4 hidden or left-over files (.#index.html, .vscode/, __MACOSX/, …);"
        ' to publish one: keep = [".#index.html"] under [build]'
    )


def test_a_link_that_is_called_like_a_key_is_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, {"index.html": b""})
    (tmp_path / "a.pem").symlink_to("/etc/hostname")
    assert "is a symbolic link" in refusal(tmp_path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", [b"\n", b" ", b"auth", b"a auth ", b"-----BEGIN ", b"A PRIVATE KEY", b'"private_key": "', b"\0"]
)
@pytest.mark.parametrize("name", [".npmrc", "a.pem", "a.txt"])
def test_a_file_made_to_be_slow_is_not(tmp_path: Path, name: str, piece: bytes) -> None:
    data = b"PRIVATE KEY" + piece * ((1 << 20) // len(piece)) + b"-----BEGIN CERTIFICATE-----"
    fill(tmp_path, {"index.html": b"", name: data})
    start = time.process_time()
    with suppress(Problem):
        tree.scan(tmp_path)
    assert time.process_time() - start < 5


@pytest.mark.timeout(20)
def test_no_device_is_opened_to_judge_it(tmp_path: Path) -> None:
    fill(tmp_path, {"index.html": b""})
    (tmp_path / "zero.pem").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.key")
    found = strays.sift(tmp_path, ["index.html", "pipe.key", "zero.pem"])
    assert found.kept == ["index.html", "pipe.key", "zero.pem"], "which the walk, or ssg, then refuses"
    assert "is neither a file nor a folder" in refusal(tmp_path)


@given(st.from_regex(strays._ORDINARY, fullmatch=True), st.booleans())
def test_ordinary_names_are_no_strays_of_any_kind(name: str, is_folder: bool) -> None:
    plain = strays.fold(name)
    originals = [plain, *strays._originals(plain)]
    assert plain not in strays._HISTORIES
    assert not any(strays._is_secret(one, is_folder=is_folder) for one in originals)
    assert not any(one.endswith(strays._JUDGED_ENDINGS) for one in originals)
    assert not strays._is_leftover(name, is_folder=is_folder)


def test_what_is_kept_is_named_by_the_last_parts_of_its_path(tmp_path: Path) -> None:
    fill(tmp_path, {"keys/example.pem": KEY, "other/example.pem": KEY, ".github/logo.svg": b"<svg/>", ".github/x": b""})
    assert refusal(tmp_path, ("keys/example.pem",)).startswith("other/example.pem: ")
    found = tree.scan(tmp_path, ("example.pem", ".github/logo.svg"))
    assert [entry.path for entry in found.entries] == [".github/logo.svg", "keys/example.pem", "other/example.pem"]
    assert found.left_out == (".github/",)


@pytest.mark.parametrize("entry", ["", "/a", "a/", "../a", ".git", "x/.GIT/config", ".wh.a", "_darcs", "*.bak"])
def test_no_history_can_be_kept_nor_what_no_name_is(entry: str) -> None:
    assert strays.wrong_keep(entry)


def test_all_secrets_are_told_at_once(tmp_path: Path) -> None:
    fill(tmp_path, {".env": b"", "id_rsa": b"", "a/b.p12": b""})
    with pytest.raises(Problem) as caught:
        tree.scan(tmp_path)
    assert [str(problem.place) for problem in caught.value.each] == [".env", "a/b.p12", "id_rsa"]


@pytest.mark.parametrize("path", [".wh.index.html", "a/.wh..wh..opq", ".wh./x", ".wh.a/b"])
def test_whiteouts_are_refused_by_name(tmp_path: Path, path: str) -> None:
    fill(tmp_path, {"index.html": b"", path: b""})
    assert "in the layer of an image, such a file deletes another one" in refusal(tmp_path, ("x",))


def test_a_path_that_no_engine_can_unpack_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, {"index.html": b""})
    here = os.open(tmp_path, os.O_DIRECTORY)
    try:
        for _ in range(2100):  # deeper than Python calls itself, and longer than a path may be
            os.mkdir("aa", dir_fd=here)
            below = os.open("aa", os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    assert "is a path of more than 4000 bytes" in refusal(tmp_path)
    subprocess.run(["rm", "-rf", str(tmp_path / "aa")], check=True, timeout=60)


PARTS = (
    *(
        "a",
        "b-c",
        ".key",
        ".pem",
        "netrc",
        "htpasswd",
        "my.cnf",
        "yarnrc.yml",
        "vault-token",
        "-old",
        ".bak",
        ".copy",
        "1",
    ),
    *(
        "~",
        "#",
        " ",
        ".",
        "/",
        ":",
        "id_",
        "rsa",
        "wp-config",
        ".php",
        "CVS/Root",
        ".git",
        "thumbs.db",
        "_",
        "__MACOSX",
    ),
    *("$RECYCLE.BIN", "lost+found", "desktop.ini", "~$", "git", ".html", "/HEAD", ".un~", ".p12", "і", "2024"),
)


@settings(max_examples=600)
@given(
    st.lists(
        st.lists(st.sampled_from(PARTS), min_size=1, max_size=5)
        .map("".join)
        .filter(lambda path: not {"", ".", ".."} & {*path.split("/")}),
        max_size=2,
    )
)
def test_a_quick_look_overlooks_nothing(paths: list[str]) -> None:
    """`may_stray` is what most sites are judged by."""
    if any(strays.stray_at(path) for path in paths):
        assert strays.may_stray(paths)


@pytest.mark.parametrize("path", [*LEFTOVERS, "x/.git/y", "wp-config", "id_rsa", "a.key", "CVS/Root", "_netrc", "a.p8"])
def test_a_quick_look_sees_each_kind(path: str) -> None:
    assert strays.may_stray([path])
    assert strays.may_stray([f"a/{path}"])
