"""A report keeps the parts that were not run, and says by itself what was not reached."""

from benchmarks import baking, preview, sections, serving
from benchmarks.measure import Run


def run(wall: float, memory: int = 80_000_000) -> Run:
    return Run(wall, wall, memory)


def baked(cold: float = 1.0, raw: int = 13_000_000, memory: int = 80_000_000, docker: float = 3.0) -> baking.Baking:
    own = {"cold": run(cold, memory), "new": run(1.0), "unchanged": run(0.3), "edited": run(0.4)}
    return baking.Baking(
        posts=1000,
        rounds=[{baking.OWN: own, "docker build": dict.fromkeys(baking.SCENARIOS, run(docker))}],
        versions={baking.OWN: "amd64", "docker build": "20.10"},
        left_out={"buildah": "it needs root"},
        base=baking.Sizes(raw, 5_000_000),
        whole=baking.Sizes(30_000_000, 11_000_000),
        load=0.1,
    )


def served(stock: float) -> serving.Serving:
    rates = {serving.OWN: 1000.0, serving.STOCK: stock, serving.CADDY: 400.0}
    one = {
        encoding: {name: serving.Load(rates[name], 3000) for name in servers}
        for encoding, servers in serving.ENCODINGS.items()
    }
    return serving.Serving([one], dict.fromkeys(rates, "1.0"), 9000, 0.1)


def test_a_part_takes_the_place_of_its_older_self_and_of_no_other() -> None:
    report = ""
    for part, text in (("serve", "# S\n"), ("build", "# B\n\ntext"), ("bake", "# K"), ("build", "# B2")):
        report = sections.put(report, part, text)
    assert report.startswith("<!-- Written by `make bench`; don't edit. -->\n")
    assert [line for line in report.splitlines() if line.startswith("#")] == ["# B2", "# K", "# S"]
    assert "text" not in report
    assert sections.put(report, "serve", "# S") == report


def test_what_was_reached_is_told_without_a_word_more() -> None:
    text = sections.bakes(baked(), "make bench")
    assert "- cold within 1.5 s: 1.00 s\n" in text
    assert "- a new tree sooner than docker build: 3.00\n" in text
    assert "| docker build | 3.00 s (3.00) | 3.00 s (3.00) | 3.00 s (10.00) | 3.00 s (7.50) |" in text
    assert "- buildah left out: it needs root" in text
    assert "not reached" not in text


def test_what_was_not_reached_stands_out() -> None:
    text = sections.bakes(baked(cold=1.6, raw=13_600_001, memory=121_000_000, docker=0.9), "make bench")
    assert "- cold within 1.5 s: 1.60 s, **not reached**" in text
    assert "- a new tree sooner than docker build: 0.90, **not reached**" in text
    assert text.count("**not reached**") == 4


def test_rates_are_held_against_each_server() -> None:
    assert "0.97 times the rate of stock nginx, plain: 1.01\n" in sections.serves(served(990.0), "make bench")
    text = sections.serves(served(1100.0), "make bench")
    assert "0.97 times the rate of stock nginx, plain: 0.91, **not reached**" in text
    assert "2.0 times the rate of Caddy, br: 2.50\n" in text


def previewed(body: float = 20.0, lost: int = 0, after: int = 100) -> str:
    kinds = ("body", "title", "style sheet", "base template", "body, reloaded", "new post", "deleted post")
    own = preview.Shown(500.0, dict.fromkeys(kinds, (body, 10.0, body)), (100_000_000, after * 1_000_000), 500, lost)
    other = preview.Shown(900.0, dict.fromkeys(kinds[:4], (300.0,)))
    found = preview.Previews({1000: {preview.OWN: own, "hugo": other}}, {"hugo": "0.1"}, {"eleventy": "no npm"}, 0.1)
    return sections.previews(found, "make bench")


def test_previews_are_held_against_what_was_aimed_at() -> None:
    assert "not reached" not in previewed()
    assert "| hugo | 900 | 300 / 300 | 300 / 300 | 300 / 300 | 300 / 300 |  |  |  |" in previewed()
    assert "- eleventy left out: no npm" in previewed()
    assert "- 1,000 posts, style sheet within 20 ms: 21 ms, **not reached**" in previewed(body=21.0)
    assert "ahead of hugo in each: 0.9 times at least, **not reached**" in previewed(body=320.0)
    assert "none of 500 edits lost: 1 lost, **not reached**" in previewed(lost=1)
    assert "memory flat over them: 100.00 MB before, 106.00 MB after, **not reached**" in previewed(after=106)
