"""Which layer a file goes into: an edit changes few bytes of what a host has, whatever generator wrote the tree."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import corpus
from imagebake.image import tar
from imagebake.image.layers import Layer, from_blob
from imagebake.recipes import site, site_layers
from imagebake.recipes.site_layers import FileKind
from publish.deploy import splice
from sealpress.config.settings import ImageSettings
from sealpress.tree import tree as trees
from sealpress.tree.tree import TreeFile, cache_class, media_type
from tests.imagebake.conftest import write_tree

ASSET, PAGE, LIST, FRONT = FileKind


def entry(path: str, data: bytes = b"") -> TreeFile:
    return TreeFile(path, hashlib.sha256(data).hexdigest(), len(data), media_type(path), cache_class(path))


KINDS = {
    # ssg
    "index.html": FRONT,
    "fr/index.html": FRONT,
    "feed.xml": FRONT,
    "fr/feed.xml": FRONT,
    "sitemap.xml": FRONT,
    "robots.txt": PAGE,
    "404.html": PAGE,
    "posts/cats/index.html": PAGE,
    "posts/index.html": LIST,
    "page/2/index.html": LIST,
    "archive/index.html": LIST,
    "tags/cats/index.html": LIST,
    "tags/cats/feed.xml": LIST,
    "assets/style.0a1b2c3d.css": ASSET,
    "posts/cats/cat.0a1b2c3d.jpg": ASSET,
    # Hugo: a feed and an index for each section
    "index.xml": FRONT,
    "index.json": FRONT,
    "posts/index.xml": LIST,
    "categories/index.html": LIST,
    "posts/cats/photo.jpg": ASSET,
    "css/main.css": ASSET,
    "CNAME": ASSET,
    # Pelican, Jekyll
    "cats.html": PAGE,
    "index2.html": LIST,
    "category/animals.html": LIST,
    "archives.html": LIST,
    "authors.html": LIST,
    "feeds/all.atom.xml": PAGE,
    "2026/05/04/cats.html": PAGE,
    "2026/05/index.html": LIST,
    # search: lunr, MkDocs, Sphinx, Zola, pagefind
    "lunr.json": FRONT,
    "search/search_index.json": FRONT,
    "searchindex.js": FRONT,
    "search_index.en.js": FRONT,
    "search/lunr.js": ASSET,
    "research.html": PAGE,
    "pagefind/pagefind-entry.json": FRONT,
    "pagefind/pagefind.en_0a1b2c3d.pf_meta": FRONT,
    "pagefind/index/en_0a1b2c3d.pf_index": LIST,
    "pagefind/fragment/en_0a1b2c3d.pf_fragment": PAGE,
    "pagefind/pagefind.js": ASSET,
    "sitemap-0.xml": FRONT,
    "docs/sitemap.xml": LIST,
    "docs/index.html": PAGE,
}


def test_files_are_known_by_name_and_place() -> None:
    found = site_layers.kinds_of(list(KINDS))
    fingerprinted = {path: ASSET for path in KINDS if cache_class(path) == "immutable"}
    assert found | fingerprinted == KINDS


def test_a_folder_of_pages_is_a_list_and_a_folder_without_is_a_page() -> None:
    alone = site_layers.kinds_of(["docs/index.html", "docs/a.html"])
    above = site_layers.kinds_of(["docs/index.html", "docs/a/index.html"])
    assert (alone["docs/index.html"], above["docs/index.html"]) == (PAGE, LIST)


def test_a_compressed_sibling_stands_with_its_file() -> None:
    paths = [*KINDS, *(f"posts/{number}/index.html" for number in range(100))]
    siblings = [path + ending for path in paths for ending in site_layers.SIBLINGS]
    plain = site_layers.shares(entry(path) for path in paths)
    whole = site_layers.shares(entry(path) for path in [*paths, *siblings])
    assert [share.name for share in plain] == [share.name for share in whole]
    for before, after in zip(plain, whole, strict=True):
        bare = {one.path for one in before.entries}
        assert {one.path for one in after.entries} == {
            path + ending for path in bare for ending in ("", *site_layers.SIBLINGS)
        }


def test_an_archive_that_is_no_sibling_is_a_download() -> None:
    assert site_layers.kinds_of(["releases/tool.tar.gz", "posts/a/index.html"])["releases/tool.tar.gz"] is ASSET


def test_an_empty_tree_has_no_layer() -> None:
    assert site_layers.shares([]) == ()


@pytest.mark.parametrize("kind", FileKind)
def test_bucket_counts_are_powers_of_two_that_never_fall(kind: FileKind) -> None:
    counts = [site_layers.bucket_count(kind, files) for files in range(2000)]
    assert counts == sorted(counts)
    assert {count.bit_count() for count in counts} == {1}


def test_layers_stay_far_below_what_engines_take() -> None:
    """Packages, configuration and what else an image holds need their places, too: 125 in all."""
    assert sum(site_layers.bucket_count(kind, 1 << 40) for kind in FileKind) == 81


@given(st.text(max_size=40), st.integers(0, 6))
def test_a_bucket_is_split_in_two_when_a_site_has_doubled(path: str, power: int) -> None:
    """So what is in it stays together, or goes apart in one place."""
    old = site_layers.bucket(path, 1 << power)
    assert site_layers.bucket(path, 2 << power) in {old, old + (1 << power)}


_PATHS = st.lists(
    st.one_of(
        st.sampled_from(sorted(KINDS)),
        st.from_regex(r"[a-z]{1,9}(/[a-z0-9]{1,9}){0,3}(\.html|\.xml|\.js|\.png|)", fullmatch=True),
    ),
    max_size=60,
    unique=True,
)


@given(_PATHS, st.data())
def test_every_file_is_in_one_layer_and_an_edit_changes_just_that_one(paths: list[str], data: st.DataObject) -> None:
    before = [entry(path) for path in paths]
    shares = site_layers.shares(before)
    assert sorted(one.path for share in shares for one in share.entries) == sorted(paths)
    assert [share.kind for share in shares] == sorted((share.kind for share in shares), key=list(FileKind).index)
    assert all(share.entries for share in shares)
    other = site_layers.shares(reversed(before))
    assert [set(share.entries) for share in other] == [set(share.entries) for share in shares], "order is no input"
    if not before:
        return
    at = data.draw(st.integers(0, len(before) - 1))
    edited = [*before[:at], replace(before[at], sha256="e" * 64, size=7), *before[at + 1 :]]
    changed = [new for old, new in zip(shares, site_layers.shares(edited), strict=True) if old != new]
    assert [edited[at] in share.entries for share in changed] == [True]


def page(post: corpus.Post) -> bytes:
    """A page like a generator's: the post's text, an address and a title, and what all pages have."""
    body = "\n".join(f"<p>{block}</p>" for block in post.body.split("\n\n"))
    frame = "".join(f'<li class="menu"><a href="/{name}/">{name}</a></li>\n' for name in corpus.TAGS)
    return f"<!doctype html><title>{post.title}</title><nav>{frame}</nav><main>{body}</main>".encode()


@pytest.fixture(scope="module")
def blog() -> Mapping[str, bytes]:
    """A tree of 1,000 posts with home page, lists of 100 tags in 400 pages, a feed of 20 posts and a sitemap."""
    posts = list(corpus.posts(1000))
    links = [f'<li><a href="/posts/{post.slug}/">{post.title}</a></li>' for post in posts]
    tree = {post.path: page(post) for post in posts}
    for number in range(400):
        name = f"tags/{corpus.TAGS[number % 100]}" + (f"/page/{number // 100 + 1}" if number >= 100 else "")
        tree[f"{name}/index.html"] = "\n".join(links[number : number + 10]).encode()
    tree["index.html"] = "\n".join(links[:10]).encode()
    tree["feed.xml"] = b"".join(tree[post.path] for post in posts[:20])
    tree["sitemap.xml"] = "\n".join(
        f"<url><loc>https://e.org/posts/{post.slug}/</loc></url>" for post in posts
    ).encode()
    tree["assets/style.0a1b2c3d.css"] = b"body{}" * 500
    return tree


def layers_of(folder: Path, tree: Mapping[str, bytes], release: str) -> dict[str, bytes]:
    """Each layer's tar above the packages, as the recipe of a site has them: with siblings and policy."""
    write_tree(folder, dict(tree))
    scanned = trees.scan(folder)
    policy = site.content_policy(scanned, ImageSettings(), "blog")
    made = site.recipe(scanned, ImageSettings(), "blog", release, "", policy=policy)
    return {part.name: b"".join(tar.stream(part.entries())) for part in made.parts}


def gzipped(data: bytes) -> int:
    return len(gzip.compress(data, 6))


def test_an_edited_post_of_a_thousand_changes_two_layers_of_which_few_kilobytes_are_new(
    blog: Mapping[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed siblings and the release id with them, as gzip sends it. The worst post is what counts; where nobody
    knows what the host has, both layers are sent whole.
    """
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    before = layers_of(tmp_path / "before", blog, "one")
    assert len(before) <= 16
    pages = {name: gzipped(data) for name, data in before.items() if name.startswith("pages")}
    worst = max(pages, key=lambda name: pages[name])
    shares = {share.name: share for share in site_layers.shares(entry(path, data) for path, data in blog.items())}
    post = next(one.path for one in shares[worst].entries if one.path.startswith("posts/"))
    # The post stands in the feed, too.
    edited = {**blog, post: blog[post] + b"<p>edited</p>", "feed.xml": blog["feed.xml"] + b"<p>edited</p>"}
    after = layers_of(tmp_path / "after", edited, "two")
    changed = [name for name in after if before.get(name) != after[name]]
    assert changed == [worst, "front", "release"]
    assert any(f"{post}.br".encode() in after[name] for name in changed), "with its sibling"
    assert sum(gzipped(after[name]) for name in changed) <= 800_000
    old, new = ([held(tmp_path, one[name]) for name in changed] for one in (before, after))
    splice.learn(old)
    made = splice.of(new, [layer.diff_id for layer in old])
    assert made.layers >= {layer.diff_id for layer in new if layer.size > 8192}
    assert gzipped(made.literal) <= 40_000


def held(folder: Path, data: bytes) -> Layer:
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return from_blob(Layer("pages", f"sha256:{digest}", len(data), "", tuple), folder / digest)


def test_a_new_post_leaves_the_other_pages_as_they_are(blog: Mapping[str, bytes]) -> None:
    post = corpus.post(1000)
    before, after = (
        {share.name: share for share in site_layers.shares(entry(path, data) for path, data in tree.items())}
        for tree in (blog, {**blog, post.path: page(post)})
    )
    assert list(before) == list(after)
    assert len([name for name in after if before[name] != after[name]]) == 1


def test_names_tell_the_order_of_layers() -> None:
    names = [share.name for share in site_layers.shares(entry(f"{number}.html") for number in range(2000))]
    assert names == [*(f"pages {number:02}/16" for number in range(1, 17))]
