"""Signatures by real keys: what is signed is verified, and nothing else; no question is asked where nobody answers."""

import base64
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.seal import signing
from imagebake.seal.signing import SigningKey
from sealpress.problems import Exit, Problem
from tests.imagebake.seal.conftest import Keys

DATA = b"what is signed\0\xff"


@pytest.fixture
def agent(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh-agent that has bob's key and no other."""
    socket = f"/tmp/sp-agent-{os.getpid()}"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not Path(socket).exists():
            assert process.poll() is None
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        subprocess.run(["ssh-add", "-q", str(keys.bob)], check=True, timeout=10)
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_what_is_signed_is_verified(keys: Keys, tmp_path: Path) -> None:
    signature = signing.sign(DATA, SigningKey(str(keys.ada)))
    allowed = keys.allow(tmp_path / "allowed", keys.bob, keys.ada)
    assert signing.verify(DATA, signature, allowed) == "ada@example.org"
    found = signing.describe(signature)
    printed = subprocess.run(["ssh-keygen", "-lf", f"{keys.ada}.pub"], check=True, capture_output=True, text=True)
    assert found.fingerprint == printed.stdout.split()[1]
    assert found.namespace == "sealpress"


@pytest.mark.parametrize("literal", ["", "key::"])
def test_a_key_in_an_agent_signs(literal: str, keys: Keys, agent: None, tmp_path: Path) -> None:
    """Named by its public file, which lies alone, or by its text."""
    public = tmp_path / "only.pub"
    public.write_bytes(keys.bob.with_suffix(".pub").read_bytes())
    text = f"{literal}{public.read_text().strip()}" if literal else str(public)
    signature = signing.sign(DATA, SigningKey(text))
    assert signing.verify(DATA, signature, keys.allow(tmp_path / "allowed", keys.bob)) == "bob@example.org"


def refused(data: bytes, signature: bytes, allowed: Path, match: str) -> None:
    with pytest.raises(Problem, match=match) as caught:
        signing.verify(data, signature, allowed)
    assert caught.value.code is Exit.SEAL
    assert len(caught.value.each) == 1


def test_a_signature_over_other_bytes_is_refused(keys: Keys, tmp_path: Path) -> None:
    signature = signing.sign(DATA, SigningKey(str(keys.ada)))
    refused(DATA + b"x", signature, keys.allow(tmp_path / "allowed", keys.ada), "altered after it was signed")


def test_a_key_that_nobody_lists_is_refused_by_its_fingerprint(keys: Keys, tmp_path: Path) -> None:
    signature = signing.sign(DATA, SigningKey(str(keys.bob)))
    allowed = keys.allow(tmp_path / "allowed", keys.ada)
    fingerprint = re.escape(signing.describe(signature).fingerprint)
    refused(DATA, signature, allowed, f"the key {fingerprint}, which nobody in allowed has")
    refused(DATA, signature, tmp_path / "none", "there is no file")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ('namespaces="git"', 'allowed:1: the key SHA256:[^ ]+ of ada@example.org may not sign for "sealpress"'),
        ('valid-before="20200101"', "allowed:1: the key SHA256:[^ ]+ has expired: it counted until 2020-01-01"),
        ('valid-after="29990101Z"', "allowed:1: .* is not valid yet: it does not count before 2999-01-01"),
        ('valid-after="20200101",valid-before="20210101"', "counted until 2021-01-01"),
        ('namespaces="git",valid-before="20200101"', "counted until|may not sign"),
        ('valid-before="soon"', 'allowed:1: nobody has the key .* this line can\'t be read: .*"valid-before"'),
        ('nomespaces="sealpress"', "allowed:1: .* unknown key option"),
        ('namespaces="sealpress', "allowed:1: .* invalid options"),
    ],
)
def test_a_key_that_may_not_sign_this_is_refused_with_the_reason(
    options: str, match: str, keys: Keys, tmp_path: Path
) -> None:
    """Its time is over, or yet to come, or it is listed for something else."""
    signature = signing.sign(DATA, SigningKey(str(keys.ada)))
    refused(DATA, signature, keys.allow(tmp_path / "allowed", keys.ada, options=options), match)


def test_another_line_of_the_same_key_may_still_count(keys: Keys, tmp_path: Path) -> None:
    """As where a key was renewed, or is listed for git and for releases."""
    signature = signing.sign(DATA, SigningKey(str(keys.ada)))
    lines = [
        keys.allow(tmp_path / "allowed", keys.ada, options=options).read_text()
        for options in ('valid-before="20200101"', 'namespaces="git"', "")
    ]
    (tmp_path / "allowed").write_text("".join(lines))
    assert signing.verify(DATA, signature, tmp_path / "allowed") == "ada@example.org"


def test_a_revoked_key_is_refused(keys: Keys, tmp_path: Path) -> None:
    """By a list of public keys, or what ssh-keygen makes of one; a file that is neither revokes all."""
    allowed = keys.allow(tmp_path / "allowed", keys.ada, keys.bob)
    public = keys.ada.with_suffix(".pub").read_text()
    (tmp_path / "list").write_text(public)
    command = ["ssh-keygen", "-q", "-k", "-f", str(tmp_path / "krl"), str(keys.ada.with_suffix(".pub"))]
    subprocess.run(command, check=True, timeout=10)
    (tmp_path / "junk").write_text("junk")
    os.mkfifo(tmp_path / "pipe")
    signature = signing.sign(DATA, SigningKey(str(keys.ada)))
    for name in ("list", "krl", "junk", "none", "pipe"):
        with pytest.raises(
            Problem, match=f"{name}: the key .* of ada@example.org was revoked, or {name} can't be read"
        ):
            signing.verify(DATA, signature, allowed, tmp_path / name)
    other = signing.sign(DATA, SigningKey(str(keys.bob)))
    for name in ("list", "krl"):
        assert signing.verify(DATA, other, allowed, tmp_path / name) == "bob@example.org"


def test_a_signature_for_another_purpose_is_refused(keys: Keys, tmp_path: Path) -> None:
    """One on a commit of git, say."""
    command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(keys.ada)]
    signature = subprocess.run(command, input=DATA, check=True, capture_output=True, timeout=10).stdout
    allowed = keys.allow(tmp_path / "allowed", keys.ada, options="")
    refused(DATA, signature, allowed, 'made for "git", not for "sealpress"')


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"nothing",
        b"-----BEGIN SSH SIGNATURE-----\n%\n-----END SSH SIGNATURE-----",
        b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----",
        b"-----BEGIN SSH SIGNATURE-----\n"
        + base64.b64encode(b"SSHSIG\0\0\0\1\xff\xff\xff\xff")
        + b"\n-----END SSH SIGNATURE-----",
    ],
)
def test_what_is_no_signature_is_refused(signature: bytes, keys: Keys, tmp_path: Path) -> None:
    refused(DATA, signature, keys.allow(tmp_path / "allowed", keys.ada), "signature is not valid")


@given(st.binary(max_size=120))
def test_any_blob_is_described_or_refused(blob: bytes) -> None:
    armored = (
        b"-----BEGIN SSH SIGNATURE-----\n"
        + base64.b64encode(b"SSHSIG\0\0\0\1" + blob)
        + b"\n-----END SSH SIGNATURE-----"
    )
    try:
        found = signing.describe(armored)
    except Problem as problem:
        found = None
        code = problem.code
    assert found is not None or code is Exit.SEAL


def test_a_locked_key_does_not_wait_where_nobody_answers(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a program for passphrases is set up."""
    monkeypatch.setenv("SSH_ASKPASS", "/bin/cat")
    monkeypatch.setenv("DISPLAY", ":0")
    begun = time.monotonic()
    with pytest.raises(Problem, match="it is locked, and its passphrase was not given") as caught:
        signing.sign(DATA, SigningKey(str(keys.locked)))
    assert caught.value.code is Exit.SEAL
    assert time.monotonic() - begun < 10


def test_a_bad_key_is_one_sentence(keys: Keys, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("no key")
    bad.chmod(0o600)
    for text in (str(bad), str(tmp_path / "none"), "ssh-ed25519 AAAA"):
        with pytest.raises(Problem) as caught:
            signing.sign(DATA, SigningKey(text))
        assert caught.value.code is Exit.SEAL


def test_the_key_of_git_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where git signs by SSH."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    config = tmp_path / ".gitconfig"
    assert signing.key_of_git(tmp_path) is None
    config.write_text("[user]\nsigningKey = ~/key.pub\n")
    assert signing.key_of_git(tmp_path) is None
    config.write_text("[user]\nsigningKey = ~/key.pub\n[gpg]\nformat = ssh\n")
    assert signing.key_of_git(tmp_path) == SigningKey(f"{tmp_path}/key.pub")
    config.write_text('[user]\nsigningKey = "key::ssh-ed25519 AAAA"\n[gpg]\nformat = ssh\n[gpg "ssh"]\nprogram = /x\n')
    assert signing.key_of_git(tmp_path) == SigningKey("key::ssh-ed25519 AAAA", "/x")
    config.write_text('[gpg "ssh"]\nallowedSignersFile = ~/signers\n')
    assert signing.allowed(tmp_path) == tmp_path / "signers"


def test_a_passphrase_is_asked_for_on_a_terminal(keys: Keys, tmp_path: Path) -> None:
    """By ssh-keygen itself, which alone ever sees it."""
    import pty
    import select
    import sys

    (tmp_path / "data").write_bytes(DATA)
    script = (
        "import sys; from pathlib import Path; from imagebake.seal.signing import SigningKey, sign; "
        "Path(sys.argv[3]).write_bytes(sign(Path(sys.argv[1]).read_bytes(), SigningKey(sys.argv[2])))"
    )
    files = [str(tmp_path / "data"), str(keys.locked), str(tmp_path / "signature")]
    child, terminal = pty.fork()
    if child == 0:
        for name in ("CI", "SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, "-c", script, *files])
    said = b""
    deadline = time.monotonic() + 30
    while b"passphrase" not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 1000)
    assert b"Enter passphrase" in said
    os.write(terminal, b"a secret\n")
    assert os.waitpid(child, 0)[1] == 0
    os.close(terminal)
    allowed = keys.allow(tmp_path / "allowed", keys.locked)
    assert signing.verify(DATA, (tmp_path / "signature").read_bytes(), allowed) == "locked@example.org"
