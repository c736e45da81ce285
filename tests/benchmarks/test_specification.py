"""What make bench counts of CommonMark's specification, by examples of our own in the specification's form."""

from pathlib import Path

import pytest

from benchmarks import specification
from benchmarks.specification import Read
from sealpress.problems import Problem

FENCE = "`" * 32


def written(folder: Path, *pairs: tuple[str, str]) -> Path:
    (folder / "commonmark-spec").mkdir()
    text = "\n".join(f"{FENCE} example\n{markdown}\n.\n{html}\n{FENCE}\n" for markdown, html in pairs)
    (folder / "commonmark-spec" / "spec.txt").write_text(f"# A specification\n\n{text}", "utf-8")
    return folder


def test_examples_are_counted_alone_and_with_all_additions(tmp_path: Path) -> None:
    pairs = (
        ("*a*", "<p><em>a</em></p>"),
        ("~~b~~", "<p>~~b~~</p>"),
        ("→c", "<pre><code>c\n</code></pre>"),
        ("d", "<p>e</p>"),
    )
    found = specification.count(list(specification.examples(written(tmp_path, *pairs))))
    assert found == Read(4, 3, 2, ("~~b~~\n", "d\n"))


def test_the_report_tells_the_count_and_what_the_additions_read_in_another_way() -> None:
    text = specification.counts(Read(652, 652, 651, ("www.example.org\n",)), "make bench")
    assert "| CommonMark alone | 652 of 652 |" in text
    assert "| with all additions | 651 of 652 |" in text
    assert "- `www.example.org`" in text


def test_an_example_too_few_is_told() -> None:
    assert specification.lacking(Read(652, 652, 649, ())) == []
    assert specification.lacking(Read(652, 651, 649, ())) == ["specification: 651 of 652 examples, not 652"]
    assert specification.lacking(Read(651, 651, 649, ())) == ["specification: 651 of 651 examples, not 652"]


def test_without_npm_the_part_has_a_problem_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="can't be had"):
        specification.install(tmp_path / "npm")
