"""What is wrong with a site, its repository or its generator is answered by one clear message."""

import pytest

from sealpress.commands import generator
from tests.publish.cli.conftest import GENERATE, commit, git

pytestmark = pytest.mark.long


def test_a_site_file_of_another_name_is_the_one_that_is_published_and_the_one_that_is_named(blog, publish):
    (blog.folder / "site.toml").rename(blog.folder / "trial.toml")
    commit(blog.folder)
    assert publish("--site", "trial.toml")[0] == 0
    assert blog.page() == "one"
    for command in ([], ["status"], ["rollback"], ["stop"], ["start"], ["prune"], ["verify"]):
        code, _, err = publish(*command, "--site", "nope.toml")
        assert (code, err) == (3, "error: there is no file nope.toml\nhint: correct the path after --site\n")
    (blog.folder / "trial.toml").write_text("[site\n")
    assert "error: trial.toml:1:" in publish("--site", "trial.toml")[2]


def test_the_site_file_can_be_named_before_and_after_the_command(blog, publish, monkeypatch, tmp_path):
    publish()
    monkeypatch.chdir(tmp_path)
    assert publish("--site", "blog/site.toml", "status", "here")[0] == 0
    assert publish("status", "--site", "blog/site.toml")[0] == 0
    assert publish("--site", "blog/site.toml", "--json")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["her"], 2, 'error: site.toml: there is no target "her" (did you mean "here"?)\nhint: targets: here\n'),
        (
            ["statsu"],
            2,
            'error: site.toml: there is no target "statsu" (did you mean "status"?)\nhint: targets: here\n',
        ),
        (["here", "status"], 2, "Got unexpected extra argument (status)"),
        (["status", "rollback"], 2, 'error: "rollback" is a command, and must come first: publish rollback\n'),
        (["rollback"], 8, "error: there is no release of this site on the host\n"),
        (["start"], 8, "error: there is no release of this site on the host\nhint: publish it first\n"),
        (["status"], 1, "this machine: the embedded runner (python)"),
        (["rollback", "--to", "0"], 2, "Invalid value for '--to'"),
        (["here", "--lock", "nowhere.lock"], 2, "Invalid value for '--lock'"),
        (["here", "--check"], 2, "--check is an option no more: publish verify TARGET compares"),
        (["renew", "--check"], 2, "--check is an option no more"),
        (["verify"], 8, "error: nothing is published there yet\nhint: publish first\n"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(blog, publish, arguments, code, said):
    ended, _, err = publish(*arguments)
    assert ended == code
    assert said in err


def test_a_lock_that_is_not_committed_is_taken_and_said(blog, publish):
    git(blog.folder, "rm", "-q", "--cached", "imagebake.lock")
    git(blog.folder, "commit", "-q", "-m", "x")
    code, _, err = publish("--locked")
    assert code == 4
    assert "error: imagebake.lock is not committed\nhint: git add imagebake.lock and commit it" in err
    code, _, err = publish()
    assert code == 0
    assert "imagebake.lock is not committed, so another machine may take other packages: git add imagebake.lock" in err
    assert publish("--lock", "imagebake.lock", "--locked")[0] == 0


def test_where_locks_are_not_written_a_missing_one_names_the_command_that_does(blog, publish):
    git(blog.folder, "rm", "-q", "imagebake.lock")
    git(blog.folder, "commit", "-q", "-m", "x")
    code, _, err = publish("--locked")
    assert code == 4
    assert (
        "error: there is no imagebake.lock beside site.toml\nhint: publish without --locked, or imagebake lock" in err
    )
    assert not (blog.folder / "imagebake.lock").exists()


def test_a_folder_without_git_needs_dirty(blog, publish, tmp_path):
    (blog.folder / ".git").rename(tmp_path / "away")
    code, _, err = publish()
    assert code == 9
    assert "is in no git repository\nhint: git init" in err
    assert publish("--dirty")[0] == 0
    assert blog.page("/a/").strip() == "315532800"


def test_a_site_file_that_is_not_committed_is_said(blog, publish):
    git(blog.folder, "rm", "-q", "--cached", "site.toml")
    git(blog.folder, "commit", "-q", "-m", "x")
    assert "has no site.toml in this folder\nhint: git add site.toml" in publish()[2]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo something; echo is wrong >&2; exit 3\n", '"sh" failed with code 3\n  | something\n  | is wrong\n'),
        ("true\n", '"sh" wrote no folder "public"'),
        ("ln -s /etc public\n", '[build] output "public" leads out of the site'),
    ],
)
def test_a_generator_that_fails_is_shown_with_its_words(blog, publish, script, said):
    (blog.folder / "generate.sh").write_text(script)
    commit(blog.folder)
    code, _, err = publish()
    assert code == 3
    assert "site.toml:" in err
    assert said in err


def test_somebody_elses_command_does_not_run_before_it_is_allowed(blog, publish, monkeypatch):
    """Neither by publish nor by its verify; once allowed for this folder, both run it."""
    monkeypatch.delenv(generator.VARIABLE)
    (blog.folder / "generate.sh").write_text(f"touch {blog.folder}/../ran\n{GENERATE}")
    commit(blog.folder)
    for arguments in ((), ("--dirty",), ("verify",)):
        code, _, err = publish(*arguments)
        assert code == 2
        assert 'site.toml wants to run "sh generate.sh", and nobody has allowed that yet' in err
        assert "--allow-command" in err
    assert not (blog.folder.parent / "ran").exists()
    assert publish("--allow-command")[0] == 0
    assert (blog.folder.parent / "ran").exists()
    assert publish("--dirty")[0] == 0
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('"generate.sh"', '"-c", "sh generate.sh"'))
    commit(blog.folder)
    assert publish()[0] == 2


def test_a_generator_that_is_not_installed_is_said(blog, publish):
    file = blog.folder / "site.toml"
    file.write_text(file.read_text().replace('"sh"', '"no-such-generator"'))
    commit(blog.folder)
    code, _, err = publish()
    assert code == 9
    assert '"no-such-generator" is not installed' in err


def test_outside_of_a_blog_the_fix_is_said(publish, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, _, err = publish("production")
    assert code == 3
    assert "there is no site.toml" in err


def test_warnings_of_a_build_are_told_in_short_and_end_a_publish_only_where_they_are_to(blog, publish):
    file = blog.folder / "site.toml"
    text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("command"))
    content = blog.folder / "content"
    content.mkdir()
    left = "\n\nb\n\n".join(["100. a\n\n    b"] * 4)
    (content / "index.md").write_text(f"---\ntitle: One\n---\n{left}\n")
    file.write_text(text)
    commit(blog.folder)
    code, _, err = publish()
    assert code == 0, err
    assert err.count("warning: content/index.md:6:5: this no longer belongs to the list above\n") == 1
    assert err.count("warning: ") == 3
    assert "4 warnings; ssg build shows each, with its line and a hint\n" in err
    assert "warning: content" not in publish("--quiet")[2]
    file.write_text(
        text.replace("[build]", "[build]\nstrict = true") if "[build]" in text else f"{text}\n[build]\nstrict = true\n"
    )
    commit(blog.folder)
    code, _, err = publish()
    assert (code, err.count("error: content/index.md")) == (3, 4)
    assert "answers" not in err
