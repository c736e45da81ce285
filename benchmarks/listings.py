"""Code for the posts to show, in three languages. Names and numbers differ from block to block, so none repeats."""

from typing import Final

from benchmarks.chance import Chance
from benchmarks.prose import DEEDS, QUALITIES, THINGS

# @a @b @c are things, @q @r qualities, @v a deed, @1 @2 @3 numbers. No template language of a peer looks at an @.
PYTHON: Final = (
    '''\
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class @A:
    """A @q @a, with its @b."""

    name: str
    @b: int = @1

    def @v(self, @c: Path) -> list[str]:
        found = []
        for line in @c.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or not line.strip():
                continue  # nothing @r here
            found.append(f"{self.name}: {line!r}")
        return found[: self.@b]
''',
    '''\
import asyncio

LIMIT = @1
@A_TIMEOUT = @2.5


async def @v_@a(@b: dict[str, int], *, @c: bool = False) -> int:
    """Waits until the @q @b is there."""
    total = 0
    async with asyncio.timeout(@A_TIMEOUT):
        for key, value in sorted(@b.items()):
            if value > LIMIT and not @c:
                raise ValueError(f"{key} has {value}, more than {LIMIT}")
            total += value ** 2 % @3
            await asyncio.sleep(0)
    return total
''',
    """\
import re
from collections import Counter

PATTERN = re.compile(r"(?P<@a>[a-z]+)-(?P<@b>\\d{1,@1})")


def @v(lines):
    # A @q @a counts once, a @r one twice.
    counts = Counter()
    for number, line in enumerate(lines, start=@2):
        match = PATTERN.search(line)
        if match is None:
            print("no @a in line", number)
            continue
        counts[match["@a"]] += int(match["@b"]) * 0x@3
    return [name for name, _ in counts.most_common(@1)]
""",
)

BASH: Final = (
    """\
#!/usr/bin/env bash
set -euo pipefail

@a=${1:?which @a}
@b="$HOME/@c-@1"

# The @q ones first.
for file in "$@b"/*.@a; do
    [[ -e $file ]] || continue
    if grep -q '^@q' "$file"; then
        printf '%s: @r\\n' "$(basename "$file" .@a)"
    else
        mv -- "$file" "/tmp/@c.$@a"
    fi
done | sort -u | head -n @2
""",
    """\
@v_@a() {
    local count=0 @b
    while IFS=: read -r @b _; do
        count=$((count + @1))
        case $@b in
            @q*|@r*) echo "kept $@b" ;;
            *) rm -f "./@c/$@b.log" && return @2 ;;
        esac
    done < /etc/@a.list
    echo "$count" >&2
}

export @B_PATH=/srv/@b:$PATH
@v_@a || exit "$?"
tar -C "/srv/@c" -cf - . | gzip -@3 > @a.tar.gz
""",
)

NIX: Final = (
    """\
{ lib, stdenv, fetchurl, @a ? null }:

let
  # The @q one needs no @b.
  version = "@1.@2.@3";
  @c = lib.optionals (@a != null) [ @a ];
in
stdenv.mkDerivation rec {
  pname = "@b-@c";
  inherit version;

  src = ./. + "/@b-${version}.tar";
  buildInputs = @c;
  doCheck = true;

  installPhase = ''
    mkdir -p $out/bin
    cp @b $out/bin/@q-@b
  '';

  meta.description = "A @r @a";
}
""",
    """\
{ config, pkgs, ... }:

{
  services.@a = {
    enable = true;
    port = @1;
    extraFlags = [ "--@b" "--@q=@2" ];
  };

  users.users.@b = {
    isSystemUser = true;
    group = "@b";
    home = "/var/lib/${config.services.@a.name}";
  };

  # @r until the @c comes back
  systemd.services.@c.serviceConfig = pkgs.lib.mkForce { Restart = "no"; RestartSec = @3; };
}
""",
)

LANGUAGES: Final = {"python": PYTHON, "bash": BASH, "nix": NIX}


def listing(chance: Chance, language: str) -> str:
    """A block of code without its fence, 350 to 800 bytes, ending with a newline."""
    text = chance.pick(LANGUAGES[language])
    for slot in "abc":
        thing = chance.pick(THINGS)
        text = text.replace(f"@{slot.upper()}_", f"{thing.upper()}_").replace(f"@{slot.upper()}", thing.title())
        text = text.replace(f"@{slot}", thing)
    for slot in "qr":
        text = text.replace(f"@{slot}", chance.pick(QUALITIES))
    for slot in "123":
        text = text.replace(f"@{slot}", str(chance.between(1, 9)))
    return text.replace("@v", chance.pick(DEEDS))
