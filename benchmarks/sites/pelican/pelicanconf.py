"""Pelican's settings: its cache on, all pages that the others have, none that they don't."""

SITENAME = "The bench"
SITEURL = "https://bench.example.org"
AUTHOR = "Nobody"
PATH = "content"
OUTPUT_PATH = "public"
TIMEZONE = "UTC"
DEFAULT_DATE_FORMAT = "%-d %B %Y"
THEME = "theme"
THEME_STATIC_DIR = "."

CACHE_CONTENT = True
LOAD_CONTENT_CACHE = True

DEFAULT_PAGINATION = 10
PAGINATION_PATTERNS = (
    (1, "{base_name}/", "{base_name}/index.html"),
    (2, "{base_name}/page/{number}/", "{base_name}/page/{number}/index.html"),
)
DIRECT_TEMPLATES = ["index", "tags"]
PAGINATED_TEMPLATES = {"index": None, "tag": None}
TAGS_SAVE_AS = "tags/index.html"
ARTICLE_URL = "posts/{slug}/"
ARTICLE_SAVE_AS = "posts/{slug}/index.html"
TAG_URL = "tags/{slug}/"
TAG_SAVE_AS = "tags/{slug}/index.html"
CATEGORY_SAVE_AS = ""
AUTHOR_SAVE_AS = ""
ARCHIVES_SAVE_AS = ""
STATIC_PATHS: list[str] = []
SUMMARY_MAX_PARAGRAPHS = 1
SUMMARY_MAX_LENGTH = None

FEED_ALL_ATOM = "feed.xml"
FEED_MAX_ITEMS = 20
CATEGORY_FEED_ATOM = None
TRANSLATION_FEED_ATOM = None
AUTHOR_FEED_ATOM = None
AUTHOR_FEED_RSS = None

PLUGINS = ["sitemap"]
SITEMAP = {"format": "xml"}

MARKDOWN = {
    "extension_configs": {
        "markdown.extensions.extra": {},
        "markdown.extensions.codehilite": {"css_class": "highlight", "guess_lang": False},
        "markdown.extensions.smarty": {},
        "markdown.extensions.toc": {},
    },
    "output_format": "html5",
}
