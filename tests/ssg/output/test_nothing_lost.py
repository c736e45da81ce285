"""Nothing that no build wrote is ever changed or removed: whatever lies around, wherever links lead, whatever is typed.

SEALPRESS_HUNT=N tries N layouts.
"""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealpress.files import home
from sealpress.problems import Exit, Problem
from ssg import cli
from tests.needs import unavailable

pytestmark = pytest.mark.long

HUNT = int(os.environ.get("SEALPRESS_HUNT", "0"))
WHOLE = "index.html 404.html feed.xml sitemap.xml robots.txt assets/own.css posts/index.html posts/a/index.html"
"""Files that the site of a test can have: where a folder is adopted, these may be replaced."""

BLOGS = ["one", "two"]
OUTPUTS = ["public", "public", "public", "out/site", "Public", "deep/er/public"]
NAMED = [
    *(
        "",
        "public",
        "public/",
        "./public",
        "public/sub",
        "out",
        "out/../public",
        "new",
        "deep/er",
        "link",
        "link/x",
        "a",
    ),
    *(".", "..", "../one", "../two", "../two/public", "../two/content", "../outside", "../outside/new", "../www/x"),
    *("content", "content/", "content/new", "content/../content", "CONTENT", "static", "templates", "i18n", "plain"),
    *("site.toml", "site.toml/x", "imagebake.lock", ".git", ".git/x", "a/.git", "a/.Git/x", ".sealpress"),
    *(
        ".sealpress/cache",
        ".sealpress/new",
        "SANDBOX",
        "SANDBOX/two",
        "SANDBOX/outside",
        "SANDBOX/new",
        "../../up",
        "/",
    ),
]
THEIRS = [
    *("index.html", "notes.txt", "posts/a/index.html", "posts", "posts/a", "assets", "sub/x", ".gitkeep", "404.html/x"),
    *(
        ".sealpress/cache/00/x",
        ".sealpress/README",
        ".sealpress/new/a",
        ".sealpress",
        ".sealpress-0123456789abcdef/new/x",
    ),
    *(".git/HEAD", "x/.git/config", ".git", "feed.xml", "empty/"),
]
PLACES = [
    "one",
    "two",
    "one/public",
    "one/out/site",
    "two/public",
    "one/deep",
    "outside",
    "one/a",
    "one/new",
    "one/Public",
]
PLACES += ["one/public"] * 8
LINKS = [
    *("one/public", "one/public/posts", "one/public/index.html", "one/public/.sealpress", "one/public/new", "one/out"),
    *(
        "one/.sealpress",
        "one/.sealpress/cache",
        "one/.sealpress/cache/builds",
        "one/.sealpress/cache/packs",
        "one/link",
    ),
    *("one/content/more", "one/static", "one/deep", "one/deep/er", "www", "one/.p.json-new", "one/p.json", "one/a"),
    *("one/.sealpress/cache/.gitignore",),
]
TARGETS = ["outside", "two", "two/public", "two/.sealpress", "one/content", "one", "outside/letters", "nowhere", "."]
OPTIONS = [[], [], ["--adopt"], ["--no-cache"], ["--dirty"], ["--provenance", "p.json"], ["--provenance", "site.toml"]]

builds = st.tuples(st.just("build"), st.sampled_from(BLOGS), st.sampled_from(NAMED), st.sampled_from(OPTIONS))
plain = st.tuples(st.just("build"), st.sampled_from(BLOGS), st.just(""), st.sampled_from(OPTIONS))
files = st.tuples(st.just("file"), st.sampled_from(PLACES), st.sampled_from(THEIRS), st.booleans())
links = st.tuples(st.just("link"), st.sampled_from(LINKS), st.sampled_from(TARGETS))
edits = st.tuples(st.just("edit"), st.sampled_from(BLOGS), st.integers(0, 3))
hands = st.tuples(st.just("hand"), st.integers(0, 1000), st.booleans())
states = st.tuples(st.just("state"))
sequences = st.tuples(
    st.lists(files | links, max_size=2),
    st.sampled_from(OUTPUTS),
    st.booleans(),
    st.lists(plain | plain | plain | builds | files | files | links | edits | hands | states, min_size=3, max_size=9),
)

Look = tuple[object, ...]


@dataclass
class Sandbox:
    """Two blogs side by side, what lies around them, and what the test knows to be theirs: all that it made itself."""

    top: Path
    theirs: dict[Path, Look] = field(default_factory=dict)

    def note(self, path: Path) -> None:
        """A path, and all folders above it, belong to somebody."""
        for one in (path, *path.parents):
            if one != self.top and one.is_relative_to(self.top):
                self.theirs[one] = look(one)

    def write(self, name: str, text: str) -> None:
        file = self.top / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.is_symlink():
                return
            file.write_text(text)
        except OSError:  # something else is there
            return
        self.note(Path(os.path.realpath(file)))

    def file(self, place: str, name: str, ours: bool) -> None:
        if name.endswith("/"):
            try:
                (self.top / place / name).mkdir(parents=True, exist_ok=True)
            except OSError:
                return
            self.note(Path(os.path.realpath(self.top / place / name)))
        else:
            note = "ssg writes this folder: every file in it is replaced by the next build.\n"
            self.write(f"{place}/{name}", "theirs, too" if not ours else note[:-1])

    def link(self, name: str, target: str) -> None:
        try:
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.top / name).symlink_to(os.path.relpath(self.top / target, (self.top / name).parent.resolve()))
        except OSError:
            return
        parent = Path(os.path.realpath((self.top / name).parent))
        self.note(parent / Path(name).name)

    def blog(self, name: str, output: str, *, in_git: bool) -> None:
        site = '[site]\ntitle = "T"\nurl = "https://t.example.org/"\n'
        self.write(f"{name}/site.toml", f'{site}[build]\noutput = "{output}"\n')
        self.write(f"{name}/content/index.md", f"---\ntitle: {name}\n---\nHello\n")
        self.write(f"{name}/content/posts/a.md", "---\ntitle: A\ndate: 2026-01-01\n---\nHello\n")
        self.write(f"{name}/static/assets/own.css", "a { color: red }")
        self.write(f"{name}/imagebake.lock", "a lock")
        if in_git:
            run = ["git", "-C", str(self.top / name)]
            for command in (
                ["init", "-q", "--template="],
                ["add", "-A"],
            ):  # which fail where such a folder is in the way
                subprocess.run([*run, *command], check=False, timeout=60, capture_output=True)
            for path in (self.top / name / ".git").rglob("*"):
                self.note(path)

    def edit(self, name: str, number: int) -> None:
        post = f"{name}/content/posts/a.md"
        match number:
            case 0:
                self.write(f"{name}/content/index.md", f"---\ntitle: {name}\n---\nHello {len(self.theirs)}\n")
            case 1 if not self.in_link(post):
                self.theirs.pop(self.top / post, None)
                (self.top / post).unlink(missing_ok=True)
            case 2:
                self.write(post, "---\ntitle: Another\ndate: 2026-01-01\ntags: [red]\n---\nHello again\n")
            case _:
                self.write(f"{name}/static/assets", "a file in a folder's place")

    def in_link(self, name: str) -> bool:
        return os.path.realpath(self.top / name) != str(self.top / name)

    def hand(self, number: int, remove: bool) -> None:
        """Edits or removes a file that a build has put somewhere."""
        made = [path for path in everything(self.top) if path not in self.theirs and path.is_file()]
        made = [path for path in made if ".sealpress" not in path.parts]
        if made:
            file = sorted(made)[number % len(made)]
            if remove:
                file.unlink()
            else:
                file.write_text("edited by hand")
                self.theirs[file] = look(file)

    def build(self, name: str, named: str, options: list[str]) -> None:
        output = named.replace("SANDBOX", str(self.top))
        command = ["build", "--jobs", "1", *options, *(["-o", output] if output else [])]
        before = {path: path.read_bytes() for path in self.theirs if path.is_file() and not path.is_symlink()}
        code = run(self.top / name, command)
        assert code in {0, *Exit}, code
        if "--adopt" in options and not code:
            for path in [path for path in self.theirs if before.get(path) is not None]:
                is_of_site = any(str(path).endswith(f"/{one}") for one in WHOLE.split())
                if is_of_site and path.is_file() and path.read_bytes() != before[path] and "content" not in path.parts:
                    del self.theirs[path]

    def expect_all_theirs(self, after: object) -> None:
        changed = [(str(path), was, look(path)) for path, was in self.theirs.items() if look(path) != was]
        assert not changed, (after, changed)


def run(folder: Path, command: list[str]) -> int:
    with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        try:
            cli.ssg(command, standalone_mode=False)
        except Problem as problem:
            return problem.code
    return 0


def look(path: Path) -> Look:
    """What something is and holds; of a folder only that it is one, since what is new in it changes its time."""
    try:
        found = path.lstat()
    except OSError as error:
        return (type(error).__name__,)
    if stat.S_ISDIR(found.st_mode):
        return "folder", found.st_mode, found.st_ino
    content: object = path.readlink() if stat.S_ISLNK(found.st_mode) else path.read_bytes()
    return content, found.st_mode, found.st_ino, found.st_mtime_ns, found.st_nlink


def everything(top: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(top):
        yield from (Path(folder, name) for name in names)


@pytest.mark.timeout(0 if HUNT else 300)
@settings(
    max_examples=HUNT or 30,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(sequence=sequences)
def test_nothing_that_no_build_wrote_is_ever_changed(
    sequence: tuple[list[tuple[object, ...]], str, bool, list[tuple[object, ...]]],
) -> None:
    around, output, in_git, steps = sequence
    sandbox = Sandbox(Path(tempfile.mkdtemp(prefix="sealpress-sandbox-")))
    try:
        sandbox.write("outside/letters", "years of work")
        for step in around:
            getattr(sandbox, str(step[0]))(*step[1:])
        for name in BLOGS:
            sandbox.blog(name, output, in_git=in_git)
        for step in steps:
            if step[0] == "state":
                shutil.rmtree(home.state_folder() / "outputs", ignore_errors=True)
            else:
                getattr(sandbox, str(step[0]))(*step[1:])
            sandbox.expect_all_theirs(step)
    finally:
        shutil.rmtree(sandbox.top)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path)
    sandbox.write("outside/letters", "years of work")
    for name in BLOGS:
        sandbox.blog(name, "public", in_git=True)
    for name in BLOGS:
        assert run(tmp_path / name, ["build"]) == 0
    return sandbox


REFUSED = [
    *(".", "./", "..", "../one", "../one/", "SANDBOX/one", "SANDBOX", "/", "~", "public/..", "public/../content/"),
    *(
        "content",
        "content/new",
        "static",
        "templates",
        "templates/x",
        "data",
        "i18n",
        "plain",
        "site.toml",
        "site.toml/x",
    ),
    *("a/.git./b", "a/.git ", "a/.g\u200cit", "a/.git\ufeff/b"),
    *("imagebake.lock", ".git", ".git/x", ".git/objects/new", "a/.git", "a/.GIT/b", ".sealpress", ".sealpress/cache/x"),
    *(
        "in/new",
        "in",
        "../mine/in",
        "../mine/.",
        "../mine/content",
        "../two/.git",
        "../bare/new",
        "public/x/../../content",
    ),
]


@pytest.mark.parametrize("adopt", [[], ["--adopt"]])
@pytest.mark.parametrize("named", REFUSED)
def test_a_folder_that_is_no_builds_own_is_refused(named: str, adopt: list[str], sandbox: Sandbox) -> None:
    """However it is spelt, and adopted or not."""
    sandbox.link("one/in", "outside")
    sandbox.link("mine", "one")
    for name in ("HEAD", "objects/x", "refs/x"):
        sandbox.write(f"bare/{name}", "x")
    before = sorted(map(str, sandbox.top.rglob("*")))
    output = named.replace("SANDBOX", str(sandbox.top)).replace("~", str(Path.home()))
    assert run(sandbox.top / "one", ["build", "-o", output, *adopt]) == Exit.MACHINE
    sandbox.expect_all_theirs(named)
    assert sorted(map(str, sandbox.top.rglob("*"))) == before


def test_a_folder_of_another_blog_stays_and_its_sources_with_it(sandbox: Sandbox) -> None:
    assert run(sandbox.top / "one", ["build", "-o", "../two"]) == Exit.MACHINE
    sandbox.expect_all_theirs("build")
    assert (sandbox.top / "two/public/index.html").is_file()


def test_a_folder_of_the_site_that_does_not_exist_yet_is_refused_too(sandbox: Sandbox) -> None:
    """What is put there would be taken for sources by the next build."""
    for name in ("data", "i18n/en", "templates"):
        assert not (sandbox.top / "one" / name).exists()
        assert run(sandbox.top / "one", ["build", "-o", name]) == Exit.MACHINE
        assert not (sandbox.top / "one" / name).exists()


@pytest.mark.parametrize("kind", ["separate", "linked"])
def test_where_git_keeps_a_repository_elsewhere_is_refused(kind: str, sandbox: Sandbox) -> None:
    one = sandbox.top / "one"
    git = ["git", "-C", str(one), "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    if kind == "separate":
        subprocess.run([*git, "init", "-q", f"--separate-git-dir={sandbox.top}/store"], check=True, timeout=60)
        blog, kept = one, ["../store", "../store/new"]
    else:
        subprocess.run([*git, "commit", "-qm", "one"], check=True, timeout=60)
        subprocess.run([*git, "worktree", "add", "-q", "../linked"], check=True, timeout=60)
        blog, kept = sandbox.top / "linked", ["../one/.git/worktrees/linked", "../one", "."]
    for named in kept:
        for adopt in ([], ["--adopt"]):
            before = {path: look(path) for path in everything(sandbox.top)}
            assert run(blog, ["build", "-o", named, *adopt]) == Exit.MACHINE
            assert {path: look(path) for path in everything(sandbox.top)} == before


def test_a_bind_mount_of_the_sources_is_refused(sandbox: Sandbox) -> None:
    """It has neither a link in it nor a name in common."""
    (sandbox.top / "seen").mkdir()
    if subprocess.run(["mount", "--bind", "one/content", "seen"], cwd=sandbox.top, check=False, timeout=60).returncode:
        unavailable("this machine lets nobody mount")
    try:
        for named in ("../seen", "../seen/new"):
            assert run(sandbox.top / "one", ["build", "-o", named, "--adopt"]) == Exit.MACHINE
    finally:
        subprocess.run(["umount", "seen"], cwd=sandbox.top, check=True, timeout=60)
    sandbox.expect_all_theirs("build")


def test_the_users_own_links_are_followed(sandbox: Sandbox) -> None:
    """The record is that of the folder that they lead to: by that name, it is the same one."""
    sandbox.link("www", "outside")
    assert run(sandbox.top / "one", ["build", "-o", "../www/site"]) == 0
    sandbox.edit("one", 0)
    assert run(sandbox.top / "one", ["build", "-o", "../outside/site"]) == 0
    sandbox.edit("one", 0)
    assert run(sandbox.top / "one", ["build", "-o", "../www/site"]) == 0
    sandbox.expect_all_theirs("build")


def test_nothing_of_ours_lies_in_the_tree_and_git_takes_nothing_of_ours(sandbox: Sandbox) -> None:
    public = sandbox.top / "one/public"
    assert not [path for path in public.rglob("*") if ".sealpress" in path.name]
    subprocess.run(["git", "-C", str(sandbox.top / "one"), "add", "-A"], check=True, timeout=60)
    listed = subprocess.run(
        ["git", "-C", str(sandbox.top / "one"), "ls-files"], check=True, timeout=60, capture_output=True, text=True
    ).stdout
    assert ".sealpress" not in listed


def test_provenance_is_not_written_through_a_link_of_the_repository(sandbox: Sandbox) -> None:
    sandbox.link("one/told", "outside")
    assert run(sandbox.top / "one", ["build", "--provenance", "told/p.json"]) == Exit.MACHINE
    assert [path.name for path in (sandbox.top / "outside").iterdir()] == ["letters"]


def said(folder: Path, *command: str) -> str:
    """What a person reads besides the result."""
    with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as told:
        cli.ssg(["build", *command], standalone_mode=False)
    return told.getvalue()


@pytest.mark.parametrize(
    ("output", "line"), [("public", "/public/"), ("deep/er out", "/deep/er\\ out/"), ("SANDBOX/elsewhere", "")]
)
def test_a_first_build_says_the_line_for_gitignore_once(output: str, line: str, tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.blog("one", "public", in_git=True)
    command = ["-o", output.replace("SANDBOX", str(tmp_path))]
    first = said(tmp_path / "one", *command)
    assert (f'put the line "{line}" into {tmp_path}/one/.gitignore' in first) == bool(line), first
    sandbox.edit("one", 0)
    assert "gitignore" not in said(tmp_path / "one", *command)
    if line:
        (tmp_path / "one/.gitignore").write_text(f"{line}\n.sealpress/\n")
        run_git = ["git", "-C", str(tmp_path / "one")]
        subprocess.run([*run_git, "add", "-A"], check=True, timeout=60)
        listed = subprocess.run([*run_git, "ls-files"], check=True, timeout=60, capture_output=True, text=True).stdout
        assert "index.html" not in listed
        shutil.rmtree(home.state_folder() / "outputs")
        shutil.rmtree(tmp_path / "one" / output)
        assert "gitignore" not in said(tmp_path / "one", *command)


def test_an_output_folder_that_is_committed_is_meant_to_be(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.write("one/public/robots.txt", "User-agent: *\nSitemap: https://t.example.org/sitemap.xml\n")
    sandbox.blog("one", "public", in_git=True)
    assert "gitignore" not in said(tmp_path / "one", "--adopt")
