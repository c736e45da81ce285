"""Sites of other generators, by the files that lie in their folders: for whoever runs a command of ours in one."""

from pathlib import Path
from typing import Final

_FILES: Final = (
    ("hugo.toml", "Hugo", "hugo"),
    ("hugo.yaml", "Hugo", "hugo"),
    ("hugo.json", "Hugo", "hugo"),
    ("config/_default", "Hugo", "hugo"),
    ("_config.yml", "Jekyll", "bundle exec jekyll build"),
    ("pelicanconf.py", "Pelican", "pelican content"),
    ("mkdocs.yml", "MkDocs", "mkdocs build"),
    ("book.toml", "mdBook", "mdbook build"),
    ("eleventy.config.js", "Eleventy", "npx eleventy"),
    (".eleventy.js", "Eleventy", "npx eleventy"),
    ("astro.config.mjs", "Astro", "npx astro build"),
    ("docusaurus.config.js", "Docusaurus", "npx docusaurus build"),
    ("conf.py", "Sphinx", "sphinx-build . public"),
    ("config.toml", "Hugo or Zola", "zola build"),
)


def found_in(folder: Path) -> tuple[str, str]:
    """Whose site a folder looks like, as the end of a message, and a hint; "" twice for nobody's."""
    for file, name, command in _FILES:
        if (folder / file).exists():
            words = ", ".join(f'"{word}"' for word in command.split())
            hint = (
                'to publish what it builds, write a site.toml with [site] title = "…" and url = "https://…/", and '
                f"[build] command = [{words}] and output = the folder that it fills; ssg itself needs no [build]"
            )
            return f": this looks like a {name} site ({file})", hint
    return "", ""
