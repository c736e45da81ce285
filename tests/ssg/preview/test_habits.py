"""What editors, git and systems do to files, each while a preview runs: it is never older than that."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssg.authoring.starter import begin
from ssg.rendering.theme.theme import built_in_folder
from tests.needs import unavailable
from tests.ssg.authoring.test_starter import DAY
from tests.ssg.preview.test_session import Preview, committed, git, page, running


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Preview]:
    with running(committed(tmp_path / "shed")) as found:
        found.get("/")
        yield found


def text(preview: Preview, path: str = "/posts/first-post/") -> str:
    return preview.get(path)[1]


def said(preview: Preview, word: str) -> bool:
    return any(word in line for line in preview.said)


def test_every_way_to_save(preview: Preview) -> None:
    """In place, in pieces, in bursts, with what editors lay beside a file, and by moving the old one away."""
    folder = preview.folder / "content/posts"
    file = folder / "first-post.md"
    file.write_text(page("First post", "In place.\n"))
    assert "In place." in text(preview)
    with file.open("w") as out:  # a large file comes in pieces
        out.write(page("First post", "A beginning"))
        out.flush()
        assert "A beginning" in text(preview)
        out.write(" and an end.\n")
    assert "A beginning and an end." in text(preview)
    for number in range(50):
        file.write_text(page("First post", f"Burst {number}.\n"))
    assert "Burst 49." in text(preview)
    (folder / "4913").write_text("")  # vim looks whether it may write
    (folder / "4913").unlink()
    (folder / ".first-post.md.swp").write_bytes(b"b0VIM\0\xff")
    file.rename(folder / "first-post.md~")
    file.write_text(page("First post", "By vim.\n"))
    assert "By vim." in text(preview)
    (folder / "#first-post.md#").write_text("half")  # Emacs
    (folder / ".#first-post.md").symlink_to("ada@host.1234:5678")
    file.write_text(page("First post", "By Emacs.\n"))
    assert "By Emacs." in text(preview)
    (folder / ".#first-post.md").unlink()
    new = folder / "first-post.md___jb_tmp___"  # JetBrains
    new.write_text(page("First post", "By an IDE.\n"))
    file.rename(folder / "first-post.md___jb_old___")
    new.rename(file)
    (folder / "first-post.md___jb_old___").unlink()
    assert "By an IDE." in text(preview)
    mode = file.stat().st_mode
    file.chmod(0o600)
    file.chmod(mode)
    os.utime(file, (1, 1))  # the clock was set back: it is older than before, and as long
    file.write_text(page("First post", "By an idE.\n"))
    os.utime(file, (1, 1))
    assert "By an idE." in text(preview)
    assert next(preview.events("posts/first-post/index.html"))["problems"] == []


def test_what_git_does(preview: Preview) -> None:
    preview.write("content/posts/first-post.md", page("First post", "Uncommitted.\n"))
    preview.write("content/posts/new.md", page("New"))
    assert "Uncommitted." in text(preview)
    git("stash", "-u", folder=preview.folder)
    assert "Uncommitted." not in text(preview)
    assert preview.get("/posts/new/")[0] == 404
    git("stash", "pop", folder=preview.folder)
    assert "Uncommitted." in text(preview)
    assert preview.get("/posts/new/")[0] == 200
    git("checkout", "--", "content/posts/first-post.md", folder=preview.folder)
    assert "Uncommitted." not in text(preview)
    git("add", "-A", folder=preview.folder)
    git("mv", "content/posts/new.md", "content/posts/newer.md", folder=preview.folder)
    assert (preview.get("/posts/new/")[0], preview.get("/posts/newer/")[0]) == (404, 200)
    git("reset", "--hard", folder=preview.folder)
    assert preview.get("/posts/newer/")[0] == 404
    preview.write(".gitignore", "/public/\n/content/posts/x.md\n")
    preview.write("content/posts/x.md", page("X"))
    assert preview.get("/posts/x/")[0] == 404
    preview.write(".gitignore", "/public/\n")
    preview.write("content/about.md", "---\ntitle: About\n---\nWords.\n")
    assert preview.get("/about/")[0] == 200


def test_folders_that_come_and_go(preview: Preview) -> None:
    content, away = preview.folder / "content", preview.folder.parent / "away"
    shutil.copytree(content / "posts", content / "notes/deep/er")  # with all that is in them, at once
    assert preview.get("/notes/deep/er/first-post/")[0] == 200
    preview.write("content/notes/deep/er/first-post.md", page("First post", "Down here.\n"))
    assert "Down here." in text(preview, "/notes/deep/er/first-post/")
    (content / "notes").rename(content / "moved")
    assert preview.get("/notes/deep/er/first-post/")[0] == 404
    preview.write("content/moved/deep/er/first-post.md", page("First post", "Over there.\n"))
    assert "Over there." in text(preview, "/moved/deep/er/first-post/")
    content.rename(away)
    assert preview.get("/about/")[0] in {200, 404}
    shutil.copytree(away, content)
    preview.write("content/about.md", "---\ntitle: About\n---\nAnew.\n")
    assert "Anew." in text(preview, "/about/")
    for number in range(3):
        shutil.rmtree(content / "posts")
        assert preview.get("/posts/first-post/")[0] == 404
        preview.write("content/posts/first-post.md", page("First post", f"Time {number}.\n"))
        assert f"Time {number}." in text(preview)


def test_all_that_a_site_is_made_of(preview: Preview) -> None:
    """A theme of its own, its templates, style sheets and strings; data; site.toml, which may be broken meanwhile."""
    folder = preview.folder
    settings = (folder / "site.toml").read_text()
    shutil.copytree(built_in_folder() / "plain", folder / "own")
    preview.write("site.toml", settings.replace("[site]\n", '[site]\ntheme = "own"\n'))
    preview.get("/")
    base = (folder / "own/templates/base.html").read_text()
    preview.write("own/templates/base.html", base.replace("</body>", "<i>{{ site.data.team.lead }}</i></body>"))
    preview.write("data/team.yaml", "lead: Ada\n")
    assert "<i>Ada</i>" in text(preview)
    preview.write("data/team.yaml", "lead: Grace\n")
    assert "<i>Grace</i>" in text(preview)
    preview.write("own/static/style.css", "p { color: teal }")
    assert text(preview, "/assets/style.css") == "p { color: teal }"
    strings = (folder / "own/i18n/fr.toml").read_text()
    preview.write("own/i18n/fr.toml", strings.replace("introuvable", "perdue"))
    assert "perdue" in text(preview, "/fr/nothing/")
    preview.write("i18n/fr.toml", 'not_found = "Égarée"\n')
    preview.get("/")
    whole = (folder / "site.toml").read_text()
    for broken in ("[site\n", "", whole.replace('theme = "own"', 'theme = "nowhere"')):
        preview.write("site.toml", broken)
        assert "<i>Grace</i>" in text(preview)
    (folder / "site.toml").unlink()
    assert "<i>Grace</i>" in text(preview)
    preview.write("site.toml", whole.replace('"Shed"', '"Barn"'))
    assert "Barn" in text(preview, "/")
    preview.write("own/templates/base.html", base.replace("</body>", "{% if %}</body>"))
    assert "<i>Grace</i>" in text(preview)
    preview.write("own/templates/base.html", base)
    assert "<i>" not in text(preview)


def test_a_cache_that_is_removed_under_it(preview: Preview) -> None:
    for number in range(2):
        shutil.rmtree(preview.folder / ".sealpress", ignore_errors=True)
        preview.write("content/posts/first-post.md", page("First post", f"Without {number}.\n\n```python\nx\n```\n"))
        assert f"Without {number}." in text(preview)
    preview.write("content/posts/new.md", page("New"))
    shutil.rmtree(preview.folder / ".sealpress", ignore_errors=True)  # it may write there meanwhile
    assert preview.get("/posts/new/")[0] == 200


def test_a_commit_from_a_clock_that_was_ahead(tmp_path: Path) -> None:
    """What it published stays, though it is dated after today."""
    site = tmp_path / "shed"
    begin(site, ["en"], DAY)
    (site / "content/posts/x.md").write_text(page("X").replace("2026-05-04", "2098-12-31"))
    git("add", "-A", folder=site)
    git("commit", "-qm", "x", folder=site, GIT_COMMITTER_DATE="2099-01-01T00:00:00Z")
    with running(site) as preview:
        assert preview.get("/posts/x/")[0] == 200


def test_a_clock_that_is_set_back_and_on(tmp_path: Path) -> None:
    """While it runs: that of its process, since a test may not set the machine's."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        unavailable("no libfaketime on this machine: tools/test-machine installs it")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1"]
    with running(committed(tmp_path / "shed"), by=faked) as preview:
        for offset in ("-1d", "+0", "-400d", "+3d"):
            clock.write_text(offset)
            preview.write("content/about.md", f"---\ntitle: About\n---\nAt {offset}.\n")
            assert f"At {offset}." in text(preview, "/about/")
            assert preview.get("/posts/first-post/")[0] == 200


@pytest.mark.parametrize("more", [-1, 0])
def test_a_system_that_watches_no_more_folders(tmp_path: Path, more: int) -> None:
    """Too few from the start, or once a folder comes: it looks at them again and again, and says so."""
    limited = ["unshare", "-Ur", "sh", "-c", 'echo "$0" >/proc/sys/user/max_inotify_watches && exec "$@"']
    if subprocess.run([*limited, "1", "true"], capture_output=True, check=False, timeout=60).returncode:
        unavailable("no user namespace of one's own on this machine")
    site = committed(tmp_path / "shed")
    folders = 3  # content, content/posts, and the preview's own
    with running(site, by=[*limited, str(folders + more)]) as preview:
        preview.get("/")
        assert said(preview, "max_user_watches") == (more < 0)
        (site / "content/notes").mkdir()
        preview.write("content/notes/one.md", "---\ntitle: One\n---\nBefore.\n")
        assert "Before." in text(preview, "/notes/one/")
        preview.write("content/notes/one.md", "---\ntitle: One\n---\nAfter.\n")
        assert "After." in text(preview, "/notes/one/")
        assert said(preview, "this system can't watch the folders")
