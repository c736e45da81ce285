"""Where the time of a cold build of sealpress goes: a sampling profile, and what its libraries take by themselves.

As often as the kernel's clock allows, the innermost frame that belongs to a known step is counted, so that neither many
small calls nor few large ones are favoured. sealpress works in one process here, and that is one of its own:
`python -m benchmarks.steps FOLDER POSTS` prints JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks import corpus
from benchmarks.listings import LANGUAGES
from sealpress.problems import Problem

_INTERVAL: Final = 0.001  # seconds of CPU time; the kernel may make it longer

STEPS: Final = (
    ("markdown", "Python-Markdown"),
    ("pygments", "Pygments"),
    ("jinja2", "Jinja2"),
    ("markupsafe", "Jinja2"),
    ("yaml", "PyYAML"),
    ("babel", "Babel: dates"),
    ("ssg.markup", "sealpress: its parts of the Markdown conversion"),
    ("ssg.build.convert", "sealpress: its parts of the Markdown conversion"),
    ("ssg.cache", "sealpress: its cache"),
    ("ssg.content.links", "sealpress: links"),
    ("ssg.content", "sealpress: reading sources and front matter"),
    ("ssg.l10n", "sealpress: languages"),
    ("ssg.rendering", "sealpress: what templates see, lists, feeds, sitemap"),
    ("ssg.output", "sealpress: writing and digests"),
    ("sealpress.tree", "sealpress: writing and digests"),
    ("sealpress.git", "sealpress: asking git"),
    ("ssg", "sealpress: the rest"),
    ("sealpress", "sealpress: the rest"),
)
"""The step of a module, by the beginning of its name; the first that fits."""

START: Final = "start: the interpreter and imports"


@dataclass(frozen=True, slots=True)
class Profile:
    """`shares` of CPU time by step, the largest first. `cpu` is seconds for `posts` posts.

    `alone` is seconds that a library takes for one post by itself, as it comes: no cache, nothing around it.
    """

    posts: int
    cpu: float
    shares: dict[str, float]
    alone: dict[str, float]


def profile(folder: Path, posts: int, limit: float, environment: Mapping[str, str]) -> Profile:
    """Profiles a cold build of `posts` posts in the new folder `folder`, in a process of its own with `environment`."""
    command = [sys.executable, "-m", "benchmarks.steps", str(folder), str(posts)]
    try:
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"the profile was not done after {limit:.0f} s") from None
    if done.returncode:
        raise Problem(f"the profile failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Profile(said["posts"], said["cpu"], said["shares"], said["alone"])


def _step_of(frame: FrameType | None) -> str:
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("importlib.") or name == "_frozen_importlib":
            return START
        if frame.f_code.co_filename.endswith((".html", "<template>")):
            return "Jinja2"
        for prefix, step in STEPS:
            if name == prefix or name.startswith(f"{prefix}."):
                return step
        frame = frame.f_back
    return START


def _sampled(work: Callable[[], None]) -> tuple[Counter[str], float]:
    found: Counter[str] = Counter()

    def sample(_signal: int, frame: FrameType | None) -> None:
        found[_step_of(frame)] += 1

    before = time.process_time()
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return found, time.process_time() - before


def _build(folder: Path) -> None:
    from ssg.cli import ssg  # noqa: PLC0415 - its imports are part of what is measured

    options = {name for command in ssg.commands.values() for option in command.params for name in option.opts}
    alone = ["--jobs", "1"] if "--jobs" in options else []  # one process is one profile; old commits have no other
    ssg(["build", "--quiet", *alone, "--site", str(folder / "site.toml")], standalone_mode=False)


def _alone(posts: Iterable[corpus.Post]) -> dict[str, float]:
    """Seconds for one post: Python-Markdown with the extensions that sealpress stands on, and Pygments on its code."""
    import markdown  # noqa: PLC0415 - not before the profile has counted its import
    from pygments import highlight  # noqa: PLC0415
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415

    bodies = [post.body for post in posts]
    converter = markdown.Markdown(extensions=["extra", "toc", "smarty"])
    start = time.process_time()
    for body in bodies:
        converter.reset().convert(body)
    converting = time.process_time() - start

    lexers = {name: get_lexer_by_name(name) for name in LANGUAGES}
    formatter = HtmlFormatter()
    blocks = [block.split("\n", 1) for body in bodies for block in body.split("```")[1::2]]
    start = time.process_time()
    for language, code in blocks:
        highlight(code, lexers[language], formatter)
    highlighting = time.process_time() - start
    return {"Python-Markdown": converting / len(bodies), "Pygments": highlighting / len(bodies)}


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    corpus.write("sealpress", folder, count)
    # One repository inside another would be asked for its files: this one is its own.
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True, timeout=60)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True, timeout=300)
    os.environ["SOURCE_DATE_EPOCH"] = "1717243200"
    out, sys.stdout = sys.stdout, sys.stderr
    samples, cpu = _sampled(lambda: _build(folder))
    sys.stdout = out
    total = samples.total()
    shares = {step: number / total for step, number in samples.most_common()}
    alone = _alone(corpus.posts(min(count, 300)))
    print(json.dumps({"posts": count, "cpu": cpu, "shares": shares, "alone": alone}))


if __name__ == "__main__":
    main()
