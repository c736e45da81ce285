"""The invented blog is the same everywhere, of the size that it says, and one that sealpress builds without a word."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import census, corpus
from sealpress.config import sitefile
from ssg.build.build import build
from ssg.build.inputs import Request

TOP = Path(__file__).parents[2]

DIGEST = "56a9066844b537899bfe058cc4d5e4c1534c15b5281fd483f45abb4fd38c5dc2"
"""Of the first 20 posts. Where it changes, figures from before can no longer be compared with those from after."""

PRINT_ALL = """
import hashlib, sys
from pathlib import Path
from benchmarks import corpus
for peer in corpus.DIALECTS:
    folder = Path(sys.argv[1]) / peer
    corpus.write(peer, folder, 25)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            print(file.relative_to(folder), hashlib.sha256(file.read_bytes()).hexdigest())
"""


def test_a_corpus_has_the_same_bytes_under_any_hash_seed_locale_and_zone(tmp_path: Path) -> None:
    said = []
    for number, machine in enumerate(
        ({"PYTHONHASHSEED": "0", "TZ": "UTC"}, {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8"})
    ):
        done = subprocess.run(
            [sys.executable, "-c", PRINT_ALL, str(tmp_path / str(number))],
            cwd=TOP,
            env={**os.environ, **machine},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        said.append(done.stdout)
    assert said[0].count("\n") > 25 * len(corpus.DIALECTS)
    assert said[0] == said[1]


def test_posts_are_those_that_figures_were_made_with() -> None:
    digest = hashlib.sha256()
    for post in corpus.posts(20):
        shown = asdict(post) | {"date": post.date.isoformat()}
        digest.update(json.dumps(shown, sort_keys=True).encode())
    assert digest.hexdigest() == DIGEST


def test_every_post_has_what_it_is_said_to_have() -> None:
    for post in corpus.posts(500):
        assert corpus.SMALLEST <= len(post.body.encode()) <= corpus.LARGEST, post.slug
        lines = post.body.splitlines()
        assert lines.count("| Part | Is | Count |") == 1
        assert post.body.count("[^1]") == 2
        assert any(line.startswith("## ") for line in lines)
        assert any(line.startswith("- ") for line in lines)
        assert any(line.startswith("1. ") for line in lines)
        fences = [line for line in lines if line.startswith("```")]
        assert len(fences) in {2, 4}
        assert set(fences) <= {"```", "```python", "```bash", "```nix"}
        # No peer may take it for its own template language.
        assert "{{" not in post.body
        assert "{%" not in post.body
        assert len(set(post.tags)) == 3


def test_posts_differ_and_are_spread_over_tags_and_years() -> None:
    posts = list(corpus.posts(1000))
    assert len({post.date for post in posts}) == len(posts)
    assert len({post.slug for post in posts}) == len(posts)
    assert {tag for post in posts for tag in post.tags} == set(corpus.TAGS)
    assert len(corpus.TAGS) == len(set(corpus.TAGS)) == 100
    assert len({post.date.year for post in posts}) >= 10
    blocks = [block for post in posts for block in post.body.split("```")[1::2]]
    assert len(blocks) == len(set(blocks)), "a block that comes twice could be highlighted once"


def test_ten_thousand_posts_have_ten_thousand_dates() -> None:
    assert len({corpus.date_of(number) for number in range(10_000)}) == 10_000


def test_sealpress_builds_its_dialect_and_the_census_counts_it(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    corpus.write("sealpress", folder, 20)
    built = build(Request(sitefile.load(folder / "site.toml", "site.toml"), tmp_path / "public", in_git=False))
    posts = list(corpus.posts(20))
    made = census.count(tmp_path / "public")
    assert built.posts == made.posts == 20
    assert made.index == 2
    assert made.tag == len({tag for post in posts for tag in post.tags})
    assert made.tags == 1
    assert made.highlighted == sum(post.body.count("```") // 2 for post in posts)
    assert made.anchors == sum(_headings(post.body) for post in posts)
    assert made.tables == made.notes == made.entries == 20
    assert made.addresses >= 20
    assert made.files >= len(built.tree.entries)
    for post in posts:
        assert (tmp_path / "public" / post.path).is_file()


def _headings(body: str) -> int:
    prose = "".join(body.split("```")[0::2])
    return sum(line.startswith("##") for line in prose.splitlines())


@pytest.mark.parametrize("left_out", ["index.html", "posts/00003", "feed.xml", "sitemap.xml"])
def test_who_leaves_something_out_is_told_of(left_out: str, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    corpus.write("sealpress", folder, 20)
    request = Request(sitefile.load(folder / "site.toml", "site.toml"), tmp_path / "public", in_git=False)
    build(request)
    whole = census.count(tmp_path / "public")
    assert census.differences({"hugo": whole, "other": whole}) == []
    for file in (tmp_path / "public").rglob("*"):
        if file.is_file() and str(file.relative_to(tmp_path / "public")).startswith(left_out):
            file.unlink()
    less = census.count(tmp_path / "public")
    assert any("other" in one for one in census.differences({"hugo": whole, "other": less}))
