"""Who runs a command of ours in the folder of another generator is told whose it is, and what to do."""

from pathlib import Path

import pytest

from sealpress import sitefile
from sealpress.problems import Problem


@pytest.mark.parametrize(
    ("file", "name", "command"),
    [
        ("hugo.toml", "Hugo", '"hugo"'),
        ("config.toml", "Hugo or Zola", '"zola", "build"'),
        ("_config.yml", "Jekyll", '"bundle", "exec", "jekyll", "build"'),
        ("pelicanconf.py", "Pelican", '"pelican", "content"'),
        ("mkdocs.yml", "MkDocs", '"mkdocs", "build"'),
    ],
)
def test_a_folder_of_another_generator_is_told_as_that(file: str, name: str, command: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("", "utf-8")
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml")
    assert caught.value.message == f"there is no site.toml in {tmp_path}: this looks like a {name} site ({file})"
    assert f"command = [{command}]" in (caught.value.hint or "")


def test_a_folder_of_nobody_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        sitefile.load(tmp_path / "site.toml")
    assert caught.value.message == f"there is no site.toml in {tmp_path}"
    assert "write a site.toml" in (caught.value.hint or "")
