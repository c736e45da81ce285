"""What a host keeps of a line of releases besides its containers: lines of text, which are only ever added.

They are files in the state folder of the account that publishes, so no prune of an engine takes them away:

    ~/.local/state/sealpress/records/LINE.urls   every URL that a release has served (publish/publishing/ledger.py)
    ~/.local/state/sealpress/records/LINE.log    who changed what (publish/target/audit.py)
"""

import base64
import gzip
import io
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from publish.engines.protocol import Host
from publish.releases.ownership import ReleaseLine
from sealpress.problems import HostProblem

_PIECE: Final = (
    20_000  # characters that one call hands over: ssh.connection may write five for one, and Linux takes 131,072
)
_LIMIT: Final = 64 << 20  # bytes of a file that is read

_FOLDER: Final = """
folder=${SEALPRESS_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/sealpress}/records
file=$folder/$2
"""
# $1 a word around every answer, $2 the file's name.
_READ: Final = (
    _FOLDER
    + """
echo "$1 begin"
if [ ! -e "$file" ]; then :
elif command -v gzip >/dev/null && command -v base64 >/dev/null; then echo packed; gzip -c "$file" | base64
else echo plain; cat "$file"
fi && echo && echo "$1 end"
"""
)
# $3 lines, $4 bytes from which on only the newest half stays, 0 for all. What a full disk cut off is ended first.
_ADD: Final = (
    _FOLDER
    + """
umask 077
mkdir -p "$folder" || exit
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file" || exit; fi
printf '%s\\n' "$3" >>"$file" || exit
if [ "$4" -gt 0 ] && [ "$(wc -c <"$file")" -gt "$4" ]; then
    tail -c "$(($4 / 2))" "$file" | tail -n +2 >"$file.new" && mv "$file.new" "$file" || exit
fi
echo "$1 end"
"""
)


def read(host: Host, line: ReleaseLine, kind: str) -> tuple[str, ...]:
    """The lines of that kind, the oldest first; () where there are none yet. Raises Problem (exit 6)."""
    word = secrets.token_hex(8)
    answer = host.ask(["sh", "-c", _READ, "sealpress-records", word, _name(line, kind)])
    try:
        if found := re.search(rf"{word} begin\n(.*)\n{word} end", answer, re.DOTALL):
            return tuple(_unpacked(found[1]).splitlines())
    except (ValueError, OSError, EOFError, zlib.error):
        pass
    hint = "look at the account's home folder there"
    raise HostProblem(f"{host.title} does not give its records of {line.name}", hint=hint)


def add(host: Host, line: ReleaseLine, kind: str, lines: Iterable[str], limit: int = 0) -> None:
    """Adds lines; of a file of more than `limit` bytes only the newest half stays (0: all). Raises Problem (exit 6)."""
    for piece in _pieces(lines):
        word = secrets.token_hex(8)
        command = ["sh", "-c", _ADD, "sealpress-records", word, _name(line, kind), piece, str(limit)]
        if f"{word} end" not in host.ask(command):
            hint = "look at the account's home folder there, and at free space"
            raise HostProblem(f"{host.title} can't keep its records of {line.name}", hint=hint)


def _name(line: ReleaseLine, kind: str) -> str:
    return f"{line.name}.{kind}"


def _unpacked(answer: str) -> str:
    how, _, rest = answer.partition("\n")
    if how != "packed":
        return rest[:_LIMIT]
    with gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode("".join(rest.split()) or "-", validate=True))) as file:
        return file.read(_LIMIT).decode("utf-8", "replace")


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        if held and sum(map(len, held)) + len(held) + len(line) > _PIECE:
            yield "\n".join(held)
            held = []
        held.append(line)
    if held:
        yield "\n".join(held)
