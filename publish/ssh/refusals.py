"""Why ssh did not let us in, in words for a person: from what ssh itself wrote, and what the account there said."""

import shlex
from collections.abc import Iterator

from publish.ssh.address import Address
from sealpress.problems import HostProblem, Problem


def refusal(address: Address, log: str, words: str = "") -> Problem:
    """Why ssh could not log in: the Problem to raise, with a way out.

    `log` is what ssh itself wrote; `words` is what came through it, such as a banner, or what ssh wrote that goes to a
    host before this one (ProxyJump). They are believed only where the log has no reason.
    """
    for text in (log, words):
        for phrases, message, hint in _reasons(address):
            if lines := [line for line in text.splitlines() if any(phrase in line for phrase in phrases)]:
                last = last_line(log) if text is log else last_line(lines[-1])
                return HostProblem(f"{message} ({last})", hint=hint)
    last = last_line(log) or last_line(words) or "ssh ended without a word"
    return HostProblem(f"ssh can't log in to {address} ({last})", hint=by_hand(address))


def no_shell(address: Address, code: int, said: str) -> Problem:
    """The account lets us in, and runs something else than it was asked to."""
    return HostProblem(
        f"{address} runs no commands for us (exit {code}): {last_line(said) or 'it ended without a word'}",
        hint="the account needs a shell on the host: look for nologin in its /etc/passwd, for ForceCommand in its "
        'sshd_config, for command="…" in authorized_keys',
    )


def _reasons(address: Address) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What ssh writes, what that means, and what to do."""
    changed = (
        "if the host was installed anew, compare the new key's fingerprint with its console, then "
        f"`ssh-keygen -R {shlex.quote(address.known_hosts_name)}`; if not, somebody else may be answering in its place"
    )
    yield (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED",),
        f"the host key of {address} is another one than known_hosts has",
        changed,
    )
    yield (("REVOKED HOST KEY",), f"the host key of {address} is revoked", "ask who looks after the host")
    yield (
        ("Host key verification failed",),
        f"the host key of {address} is not known here",
        f"{by_hand(address)}, compare the fingerprint with the host's, and say yes",
    )
    yield (
        ("Permission denied", "Too many authentication failures"),
        f"{address} lets none of your keys in",
        f"`ssh-copy-id {_arguments(address)}`, or load the key with `ssh-add`, or name it as `identity` in site.toml",
    )
    yield (
        ("Could not resolve hostname",),
        f"there is no host {address.name}",
        "correct `host` in site.toml, or look at your network",
    )
    yield (("Connection refused",), f"{address} refuses connections", "look whether sshd runs there, and on which port")
    yield (
        ("timed out", "No route to host", "Network is unreachable"),
        f"{address} does not answer",
        "look at your network, the host and its firewall",
    )
    yield (
        ("Bad configuration option", "Bad owner or permissions", "terminating,", "keyword "),
        "ssh does not take its options",
        "correct your ssh configuration, such as ~/.ssh/config",
    )


def _arguments(address: Address) -> str:
    port = f"-p {address.port} " if address.port is not None else ""
    return port + shlex.quote(address.destination)


def by_hand(address: Address) -> str:
    """The hint to log in with ssh alone."""
    return f"try once by hand: `ssh {_arguments(address)}`"


def last_line(text: str) -> str:
    """The last line with something in it, without ssh's trailing carriage return; at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
