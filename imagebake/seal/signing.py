"""Signatures by SSH keys, made and checked by the system's ssh-keygen: the keys that authors have already, in files, in
an agent, on a token, with or without a passphrase.

A question for a passphrase is asked on the terminal. Where there is none, or under CI, none is asked and nothing waits.

Sources: ssh-keygen(1), -Y sign, find-principals, check-novalidate, verify, and ALLOWED SIGNERS; OpenSSH,
PROTOCOL.sshsig; git-config(1), gpg.format, user.signingKey and gpg.ssh.program.
"""

import base64
import binascii
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.git import repository
from sealpress.problems import MachineProblem, Place, Problem, SealProblem, printable

NAMESPACE: Final = "sealpress"
ALLOWED_SIGNERS: Final = "allowed_signers"
"""The file beside site.toml that says whose signatures count."""

REVOKED_SIGNERS: Final = "revoked_signers"
"""The file beside it with keys that no longer count: public keys, a line each, or what `ssh-keygen -k` writes."""

SIGNATURE_LIMIT: Final = 64 << 10
_BATCH_SECONDS: Final = 30
_ASKING_SECONDS: Final = 300
_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----\n"
_END: Final = b"-----END SSH SIGNATURE-----"
_MAGIC: Final = b"SSHSIG"


@frozen
class SigningKey:
    """What to sign with. `text` is a file's path, or a public key itself: "ssh-ed25519 AAAA…" in an agent.

    `program` signs in ssh-keygen's place where git is told so.
    """

    text: str
    program: str = "ssh-keygen"

    @property
    def is_literal(self) -> bool:
        return self.text.startswith(("key::", "ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"))


@frozen
class Signature:
    """A signature as it describes itself: the key's fingerprint, "SHA256:…", and what it was made for."""

    fingerprint: str
    namespace: str


def key_for(given: str | None, folder: Path) -> SigningKey | None:
    """The key that was named, else the one that git signs with here, else None."""
    return SigningKey(given) if given else key_of_git(folder)


def key_of_git(folder: Path) -> SigningKey | None:
    """The key that git signs this user's commits with here; None where it signs with none, or not by SSH.

    The repository's own configuration names neither a key nor a program.
    """
    if repository.setting(folder, "gpg.format") != "ssh" or not (text := repository.setting(folder, "user.signingKey")):
        return None
    if not SigningKey(text).is_literal:
        text = repository.setting(folder, "user.signingKey", is_path=True) or text
    return SigningKey(text, repository.setting(folder, "gpg.ssh.program", is_path=True) or "ssh-keygen")


def allowed(folder: Path) -> Path:
    """The file of allowed signers: the one in the site's folder, else the one that this user's git verifies by."""
    beside = folder / ALLOWED_SIGNERS
    found = "" if beside.exists() else repository.setting(folder, "gpg.ssh.allowedSignersFile", is_path=True)
    return folder / found if found else beside


def revoked(folder: Path) -> Path | None:
    """The file of revoked keys, from the same places."""
    beside = folder / REVOKED_SIGNERS
    if os.path.lexists(beside):
        return beside
    found = repository.setting(folder, "gpg.ssh.revocationFile", is_path=True)
    return folder / found if found else None


def sign(data: bytes, key: SigningKey) -> bytes:
    """The signature of these bytes, armored as ssh-keygen writes it. Raises Problem (exit 10, 9)."""
    with scratch.folder("sign") as folder:
        file, more = key.text, []
        if key.is_literal:
            file, more = str(folder / "key.pub"), ["-U"]  # as git does: the agent has the private half
            Path(file).write_text(key.text.removeprefix("key::") + "\n", encoding="utf-8")
        elif not Path(file).is_file():
            raise SealProblem(f"there is no key {file}", hint="--key names a private or public key file")
        # A file, not standard input: programs in ssh-keygen's place know only that.
        statement = folder / "statement"
        statement.write_bytes(data)
        command = [key.program, "-Y", "sign", "-n", NAMESPACE, "-f", file, *more, str(statement)]
        may_ask = sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")
        done = _run(command, b"", may_ask=may_ask)
        signature = statement.with_name("statement.sig")
        if done.returncode or not signature.is_file():
            locked = b"incorrect passphrase" in done.stderr
            reason = "it is locked, and its passphrase was not given" if locked else _last(done.stderr)
            raise SealProblem(
                f"the key {_shown(key)} did not sign: {reason}",
                hint="unlock it first: ssh-add; or name another one: --key; or leave the seal unsigned: --no-sign",
            )
        return signature.read_bytes()


def describe(signature: bytes) -> Signature:
    """What a signature says of itself (PROTOCOL.sshsig, "Blob format"). Raises Problem (exit 10)."""
    body = signature.strip()
    if len(body) > SIGNATURE_LIMIT or not (body.startswith(_BEGIN) and body.endswith(_END)):
        raise _bad("it is no SSH signature")
    try:
        blob = base64.b64decode(b"".join(body[len(_BEGIN) : -len(_END)].split()), validate=True)
    except (binascii.Error, ValueError):
        raise _bad("it is no SSH signature") from None
    if not blob.startswith(_MAGIC + b"\0\0\0\1"):
        raise _bad("it is no SSH signature of version 1")
    fields: list[bytes] = []
    at = len(_MAGIC) + 4
    for _ in range(2):
        size = int.from_bytes(blob[at : at + 4], "big")
        fields.append(blob[at + 4 : at + 4 + size])
        if len(fields[-1]) != size or at + 4 > len(blob):
            raise _bad("it ends early")
        at += 4 + size
    fingerprint = base64.b64encode(hashlib.sha256(fields[0]).digest()).decode().rstrip("=")
    return Signature(f"SHA256:{fingerprint}", fields[1].decode("utf-8", "replace"))


def verify(data: bytes, signature: bytes, allowed: Path, revoked: Path | None = None) -> str:
    """Who signed these bytes: the principal's name in the file of allowed signers.

    Raises Problem (exit 10): for another purpose, over other bytes, by somebody who isn't listed, whose time is over or
    yet to come, or whose key is in the file of `revoked` ones; no file of allowed signers.
    """
    found = describe(signature)
    if found.namespace != NAMESPACE:
        raise _bad(f'it was made for "{printable(found.namespace, keep="")[:40]}", not for "{NAMESPACE}"')
    if not allowed.is_file():
        raise SealProblem(
            f"there is no file {allowed}: nobody's signature counts",
            hint=f'write one beside site.toml, a line a key: ada@example.org namespaces="{NAMESPACE}" ssh-ed25519 AA…',
        )
    with scratch.folder("verify") as folder:
        file = folder / "signature"
        file.write_bytes(signature)
        checked = _keygen("check-novalidate", "-n", NAMESPACE, "-s", str(file), data=data)
        if checked.returncode:
            raise _bad("it does not fit the statement, which was altered after it was signed")
        named = _keygen("find-principals", "-s", str(file), "-f", str(allowed))
        principals = named.stdout.decode("utf-8", "replace").splitlines() if named.returncode == 0 else []
        said = named.stderr
        for principal in principals:
            arguments = ["-f", str(allowed), "-I", principal, "-n", NAMESPACE, "-s", str(file)]
            answer = _keygen("verify", *arguments, data=data)
            said += answer.stderr
            if answer.returncode:
                continue
            if revoked and not _is_left(arguments, data, revoked):
                raise _revoked(found, principal, revoked)
            return printable(principal, keep="")
    raise _not_allowed(found, principals, said, allowed)


def _is_left(arguments: list[str], data: bytes, revoked: Path) -> bool:
    """Whether a good signature is good without the keys in this file; not where it is no file that can be read."""
    return revoked.is_file() and _keygen("verify", *arguments, "-r", str(revoked), data=data).returncode == 0


# What OpenSSH says of a line that has the key and does not count (sshsig.c). Of another wording, the key is told alone.
_UNTIMELY: Final = re.compile(rb":([0-9]+): key (has expired|is not yet valid): .* valid-(?:before|after) (\S+)")
_UNREADABLE: Final = re.compile(rb":([0-9]+): ((?:bad|invalid|missing) [^\n]*)")
_ELSEWHERE: Final = re.compile(rb":([0-9]+): key is not permitted for use in signature namespace")


def _not_allowed(found: Signature, principals: list[str], said: bytes, allowed: Path) -> Problem:
    """Why nobody in the file of allowed signers made the signature."""
    if untimely := _UNTIMELY.search(said):
        line, when = int(untimely[1]), printable(untimely[3].decode("utf-8", "replace"), keep="")
        is_over = untimely[2] == b"has expired"
        state = "has expired: it counted until" if is_over else "is not valid yet: it does not count before"
        return SealProblem(
            f"the key {found.fingerprint} {state} {when}",
            place=Place(str(allowed), line),
            hint=f"see valid-{'before' if is_over else 'after'}= on its line: signatures hold no time,"
            " so what counts is the day on which one verifies",
        )
    if principals or _ELSEWHERE.search(said):
        whose = f" of {printable(principals[0], keep='')}" if principals else ""
        elsewhere = _ELSEWHERE.search(said)
        return SealProblem(
            f'the key {found.fingerprint}{whose} may not sign for "{NAMESPACE}"',
            place=Place(str(allowed), int(elsewhere[1]) if elsewhere else None),
            hint=f'see namespaces= on its line: it must name "{NAMESPACE}"',
        )
    if unreadable := _UNREADABLE.search(said):
        return SealProblem(
            f"nobody has the key {found.fingerprint}, and this line can't be read: "
            + unreadable[2].decode("utf-8", "replace").strip(),
            place=Place(str(allowed), int(unreadable[1])),
            hint=f'a line is: ada@example.org namespaces="{NAMESPACE}" ssh-ed25519 AA…',
        )
    return SealProblem(
        f"the signature is by the key {found.fingerprint}, which nobody in {allowed.name} has",
        place=Place(str(allowed)),
        hint="if you know the key, and whose it is, add its line",
    )


def _revoked(found: Signature, principal: str, revoked: Path) -> Problem:
    return SealProblem(
        f"the key {found.fingerprint} of {printable(principal, keep='')} was revoked, or {revoked.name} can't be read",
        place=Place(str(revoked)),
        hint="don't run the image; a new seal by another key counts: imagebake sign",
    )


def _keygen(action: str, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return _run(["ssh-keygen", "-Y", action, *arguments], data, may_ask=False)


def _run(command: list[str], data: bytes, *, may_ask: bool) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C"}
    if not may_ask:
        environment |= {"SSH_ASKPASS_REQUIRE": "never"}
        environment.pop("DISPLAY", None)
    seconds = _ASKING_SECONDS if may_ask else _BATCH_SECONDS
    try:
        return subprocess.run(
            command,
            input=data,
            env=environment,
            capture_output=True,
            timeout=seconds,
            check=False,
            start_new_session=not may_ask,  # without a terminal there is nobody to ask
        )
    except FileNotFoundError:
        raise MachineProblem(f"{command[0]} is not installed", hint="on Debian: apt install openssh-client") from None
    except OSError as error:
        raise MachineProblem(f"{command[0]} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise SealProblem(f"{command[0]} gave no answer in {seconds} s") from None


def _shown(key: SigningKey) -> str:
    return key.text[:60] if key.is_literal else key.text


def _last(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return printable(lines[-1], keep="")[:200] if lines else "no reason given"


def _bad(why: str) -> Problem:
    return SealProblem(f"the signature is not valid: {why}", hint="don't run the image before you know who changed it")
