"""What the languages of code are called: as Pygments calls them, by the endings of their files, and as authors write.

Case tells no names apart. A name that nobody knows is no fault: its code is shown plain.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from sealpress.problems import did_you_mean

# Names that Pygments lacks, by its lexer that reads them: the same language, one that it belongs to, or what most of
# such a file is written in. Its own names and its endings of files need no line here.
_READ_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apacheconf": "htaccess",
        "bash": "cli cmdline command-line commandline gitlab-ci",
        "batch": "cmd dos",
        "console": "bash-session shell-console shellsession term terminal tty zsh-session",
        "css": "postcss tailwind tailwindcss",
        "docker": "containerfile docker-file",
        "gherkin": "feature",
        "graphql": "gql",
        "html": "angular astro heex html5 htmx svelte",
        "html+handlebars": "mustache",
        "html+jinja": "nunjucks njk",
        "html+php": "blade",
        "ini": "conf config editorconfig gitconfig git-config",
        "java": "apex",
        "javascript": "ecmascript es6 node node.js nodejs",
        "jinja": "j2 jinja2 tera",
        "json": "geojson importmap ipynb package.json tsconfig.json webmanifest",
        "json5": "hjson jsonc",
        "jsx": "javascriptreact",
        "make": "gnumake",
        "markdown": "mdx rmarkdown",
        "postgresql": "pgsql",
        "powershell": "powershell-session",
        "properties": "dotenv env",
        "python": "ipython3",
        "sql": "plsql sqlite",
        "tex": "katex",
        "tsx": "typescriptreact",
        "typescript": "deno",
        "vb.net": "vb vba",
        "vim": "vimscript viml",
        "xml": "atom rdf xaml",
        "yaml": "ansible compose docker-compose github-actions helm k8s kubernetes",
    }
)

# Words for no language, and languages that Pygments has no lexer for: shown plain, and nothing is wrong with that.
_PLAIN: Final = """
    ascii block code example input log logs math no no-highlight nohighlight none nothing null other output plain
    plain-text plaintext prompt pseudo pseudocode quote raw result results stderr stdout text text/plain txt undefined
    unknown verbatim
    adoc asciidoc asciimath bind binary chart codeowners cron crontab csv cue d2 diagram dockerignore
    file filetree flow flowchart folder gitattributes gitignore go-html-template go-template gohtml gotmpl haproxy
    hex hosts hugo ics ignore iptables jq just justfile mermaid npmignore plantuml prisma puml regex regexp robots.txt
    sequence ssh-config sshconfig stylus svgbob syslog table tree treeview tsv url vcard vega
    vega-lite wavedrom wiki
"""


def is_plain(name: str) -> bool:
    """Whether a language is known to have no highlighting. Pygments is not so much as imported for the answer."""
    return name.lower() in _plain()


def lexer_of(name: str) -> str | None:
    """What Pygments calls its lexer for a language; None for a language that is not known."""
    return _known().get(name.lower())


@cache
def near(name: str) -> str:
    """` (did you mean "python"?)`, or "" where no known language is called about so."""
    return did_you_mean(name.lower(), _known().keys() | _plain())


@cache
def _plain() -> frozenset[str]:
    return frozenset(["", *_PLAIN.split()])


@cache
def _known() -> dict[str, str]:
    """Pygments' own lexers by what their languages are called. Plugins of other packages on this machine are not asked.

    An ending of files is a name where one lexer alone has it.
    """
    from pygments.lexers import get_all_lexers  # noqa: PLC0415

    table: dict[str, str] = {}
    endings: dict[str, set[str]] = {}
    for lexer, aliases, files, _ in get_all_lexers(plugins=False):
        for alias in aliases:
            table.setdefault(alias.lower(), lexer)
        for file in files:
            endings.setdefault(file.lower().removeprefix("*."), set()).add(lexer)
    for lexer, names in _READ_BY.items():
        for name in names.split():
            table.setdefault(name, table[lexer])
    for ending, lexers in endings.items():
        if len(lexers) == 1 and ending.isalnum():
            table.setdefault(ending, *lexers)
    return table
