"""After an edit of sealpress itself, nothing that it made before is taken for what it would make now."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssg.cache import software
from tests.ssg.blogs import Blog
from tests.ssg.images.pictures import gradient, save

TOP = Path(software.__file__).parents[2]
BUILD = """
import json, sys
from pathlib import Path
from sealpress.config import sitefile
from sealpress.processes import workers
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.cache import software
from ssg.images import raster

workers.ALONE = 2
images, encoded = [], raster.encoded
raster.encoded = lambda *given: images.append(given) or encoded(*given)
code, root, output = map(Path, sys.argv[1:])
assert Path(software.__file__) == code / "ssg/cache/software.py"
request = Request(sitefile.load(root / "site.toml", "site.toml"), output, store=root.parent / "store", in_git=False)
built = build(request)
print(json.dumps([len(built.files), built.made, built.kept, built.timings.kept, len(images)]))
"""

EDITED = """
from ssg.cache import software

seen = software.looks()
with open("ssg/rendering/feeds.py", "a") as file:
    file.write("# edited")
assert software.digest() == software.looks() == seen
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all that makes a tree, compiled as it is here."""
    for name in ("sealpress", "ssg", "themes"):
        shutil.copytree(TOP / name, tmp_path / "code" / name)
    return tmp_path / "code"


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    for number in range(1, 5):
        blog.page(f"posts/p{number}.md", f"Body {number}, ![wide](wide.png)\n\n```python\n{number}\n```")
    save(blog.root / "content/posts/wide.png", gradient(1200, 40))
    return blog


def edit(file: Path) -> None:
    file.write_text(f"{file.read_text('utf-8')}# edited\n", encoding="utf-8")


def fresh(copy: Path) -> tuple[str, str]:
    """As another process sees them."""
    software.first_look.cache_clear()
    software.digest.cache_clear()
    return software.looks(copy), software.digest(copy)


@pytest.fixture(autouse=True)
def _own_again() -> Iterator[None]:
    yield
    software.first_look.cache_clear()
    software.digest.cache_clear()


def built(copy: Path, blog: Blog, output: str) -> tuple[int, ...]:
    """A build by the copy, in a process of its own: files; those made, kept; bodies kept; images made."""
    command = [sys.executable, "-c", BUILD, copy, blog.root, blog.folder / output]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=copy)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module",
    [
        "sealpress/files/given.py",
        "ssg/cache/software.py",
        "ssg/images/truncation.py",
    ],
)
def test_after_an_edit_of_any_module_nothing_is_taken(module: str, copy: Path, blog: Blog) -> None:
    """Neither from the last build nor from the store: no page and no image, and no body or look that these are of."""
    files, made, kept, bodies, images = built(copy, blog, "public")
    assert (made, kept, bodies) == (files, 0, 0)
    assert images > 1
    assert built(copy, blog, "public") == (files, 0, 0, 0, 0)
    _, again, kept, _, none = built(copy, blog, "elsewhere")
    assert again < files
    assert (kept > 0, none) == (True, 0)
    edit(copy / module)
    assert built(copy, blog, "public") == (files, files, 0, 0, images)
    edit(copy / module)
    assert built(copy, blog, "third") == (files, files, 0, 0, images)


def test_every_module_counts(copy: Path) -> None:
    """Of both packages, whoever imports it. Each seventh is edited: all stand in one list."""
    looks, digest = fresh(copy)
    modules = sorted(file for name in ("sealpress", "ssg") for file in (copy / name).rglob("*.py"))
    assert len(modules) > 200
    for module in modules[::7]:
        edit(module)
        seen = fresh(copy)
        assert seen[0] != looks, module
        assert seen[1] != digest, module
        looks, digest = seen


def test_the_same_code_elsewhere_has_the_same_digest(copy: Path, tmp_path: Path) -> None:
    """Whatever it looks like there: what the store of another machine holds is as good here."""
    shutil.copytree(copy, tmp_path / "other")
    (looks, digest), other = fresh(copy), fresh(tmp_path / "other")
    assert other[0] != looks
    assert other[1] == digest


def test_a_file_that_is_moved_or_cut_in_two_counts(copy: Path) -> None:
    _, digest = fresh(copy)
    module = copy / "ssg/rendering/feeds.py"
    text = module.read_text("utf-8")
    module.rename(module.with_name("feedz.py"))
    assert fresh(copy)[1] != digest
    middle = len(text) // 2
    module.write_text(text[:middle], "utf-8")
    module.with_name("feeds_.py").write_text(text[middle:], "utf-8")
    module.with_name("feedz.py").unlink()
    assert fresh(copy)[1] != digest


def test_code_that_was_edited_under_a_process_has_a_digest_of_its_own(copy: Path) -> None:
    """What runs is what was loaded before the edit, and what is made goes under the name of neither."""
    looks, digest = fresh(copy)
    software.digest.cache_clear()
    edit(copy / "ssg/rendering/feeds.py")
    assert software.digest(copy) == software.looks(copy) == looks
    assert looks not in {digest, fresh(copy)[1]}


def test_so_has_code_that_was_edited_under_a_build(copy: Path) -> None:
    """Which asks for the code that runs, by no name."""
    done = subprocess.run(
        [sys.executable, "-c", EDITED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(copy)},
        cwd=copy,
    )
    assert done.returncode == 0, done.stderr


def test_a_built_in_theme_is_looked_at_and_is_no_code(copy: Path) -> None:
    """What a file asks of it is recorded for that file."""
    looks, digest = fresh(copy)
    edit(copy / "themes/plain/static/style.css")
    assert fresh(copy)[0] != looks
    assert fresh(copy)[1] == digest
