"""Nikola's settings: all pages that the others have. Also a feed for each tag: there is no setting against that."""

BLOG_AUTHOR = "Nobody"
BLOG_TITLE = "The bench"
BLOG_EMAIL = "nobody@example.org"
BLOG_DESCRIPTION = "The bench"
SITE_URL = "https://bench.example.org/"
DEFAULT_LANG = "en"
TRANSLATIONS = {"en": ""}
TIMEZONE = "UTC"
DATE_FORMAT = "d MMMM yyyy"
OUTPUT_FOLDER = "public"
THEME = "bench"
NAVIGATION_LINKS: dict[str, tuple[tuple[str, str], ...]] = {"en": ()}

POSTS = (("posts/*.md", "posts", "post.tmpl"),)
PAGES = ()
COMPILERS = {"markdown": (".md",)}
MARKDOWN_EXTENSIONS = [
    "markdown.extensions.extra",
    "markdown.extensions.codehilite",
    "markdown.extensions.smarty",
    "markdown.extensions.toc",
]
MARKDOWN_EXTENSION_CONFIGS = {
    "": {"markdown.extensions.codehilite": {"css_class": "highlight", "guess_lang": False}},
}

PRETTY_URLS = True
STRIP_INDEXES = True
INDEX_DISPLAY_POST_COUNT = 10
INDEXES_STATIC = False
SHOW_INDEX_PAGE_NAVIGATION = True
INDEX_TEASERS = True
TAG_PATH = "tags"
TAG_PAGES_ARE_INDEXES = True
FEED_LENGTH = 20
FEED_TEASERS = False
GENERATE_RSS = True
GENERATE_ATOM = False
COPY_SOURCES = False
SHOW_SOURCELINK = False
DISABLED_PLUGINS = [
    "classify_archive",
    "classify_authors",
    "classify_categories",
    "classify_page_index",
    "classify_sections",
    "render_galleries",
    "render_listings",
    "create_bundles",
]
