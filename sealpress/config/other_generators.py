"""Sites of other generators: known by the files that lie in their folders, and what their settings are called here."""

from pathlib import Path
from types import MappingProxyType
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

_URL: Final = 'here: [site] url = "https://…/", with the path that the site is at'
_LANGUAGES: Final = 'here: [site] languages = ["en", "fr"], and a table [language.fr] for what differs in it'
_DEFAULT: Final = "here: [site] default_language, one of its languages"
_DESCRIPTION: Final = "here: [site] description"
_AUTHOR: Final = "here: [site] author, a text"
_FREE: Final = "keys of your own, for templates, stand in [params]"
_THEME: Final = 'here: [site] theme = "…", a built-in theme\'s name or a folder; its options stand in [theme]'
_MENUS: Final = "here: [[menus.main]] for each item, with title and url, in the order in which they are shown"
_PAGES: Final = "here: [lists] per_page"
_FEEDS: Final = "here: [feeds] enabled, limit, full; feeds are Atom, of posts"
_TAXONOMIES: Final = (
    'posts have tags, for which no table is needed; to declare another taxonomy: [taxonomies.series] title = "Series"'
)
_MARKDOWN: Final = "here: [markdown] typography, toc_depth, highlight, html, dialect"
_HIGHLIGHT: Final = "here: [markdown] highlight; colours are the theme's"
_IMAGES: Final = "here: [images] widths, quality, sizes"
_PERMALINKS: Final = 'here: [permalinks] post = "/{year}/{month}/{slug}/", page = "/{path}/"'
_OUTPUT: Final = "here: [build] output"
_CONTENT: Final = "here: [build] content, the folder of pages; where they go is said in [permalinks]"
_STATIC: Final = "here: [build] static"
_TEMPLATES: Final = "here: [build] templates"
_DATA: Final = "here: [build] data"
_DRAFTS: Final = "it is asked for by a command: ssg build --drafts, ssg build --future"
_MADE: Final = "nothing is to be set for this: sealpress does it by itself"
_NO_PLUGINS: Final = "sealpress has no plugins: what a page is made of stands in templates and [params]"
_FORMATS: Final = "pages are HTML, lists have feeds: [feeds]; other files are put into static/ as they are"
_LEFT_OUT: Final = "what is in content/ and static/ and in git is published; a page is left out by draft: true"
_HEADERS: Final = "the server's headers and redirects stand in [image.headers] and [image.redirects]"
_LINKS: Final = "links are the paths of sources, and each is checked; what others serve is named in [build] elsewhere"
_TITLE: Final = "a site, and an item of a menu, have a title"
_UPDATED: Final = "here: [build] git_dates = true"

KEYS: Final = MappingProxyType(
    dict.fromkeys(("baseurl", "base_url", "siteurl", "site_url", "canonifyurls", "relativeurls", "relative_urls"), _URL)
    | dict.fromkeys(("languages", "languagecode", "lang", "locale"), _LANGUAGES)
    | dict.fromkeys(("defaultcontentlanguage", "defaultcontentlanguageinsubdir", "default_lang"), _DEFAULT)
    | dict.fromkeys(("sitename", "site_name", "site_title", "name"), _TITLE)
    | dict.fromkeys(("tagline", "subtitle", "sitesubtitle", "sitedescription", "site_description"), _DESCRIPTION)
    | dict.fromkeys(("authors", "email", "site_author"), _AUTHOR)
    | dict.fromkeys(("params", "extra", "copyright", "social", "links", "analytics"), _FREE)
    | dict.fromkeys(("googleanalytics", "google_analytics", "disqusshortname", "disqus_sitename", "services"), _FREE)
    | dict.fromkeys(("twitter_username", "github_username", "sass", "cascade"), _FREE)
    | dict.fromkeys(("[theme]", "themesdir", "remote_theme", "themes"), _THEME)
    | dict.fromkeys(("menu", "menuitems", "nav", "navigation", "header_pages", "sectionpagesmenu"), _MENUS)
    | dict.fromkeys(("[menus]", "display_pages_on_menu"), _MENUS)
    | dict.fromkeys(("weight",), "items of a menu are shown in the order in which they are written")
    | dict.fromkeys(("pageref", "identifier"), 'here: url = "about.md", the path of a source')
    | dict.fromkeys(("paginate", "pagination", "default_pagination", "paginate_by", "paginate_path"), _PAGES)
    | dict.fromkeys(("rss", "rsslimit", "generate_feed", "generate_feeds", "feed_limit"), _FEEDS)
    | dict.fromkeys(("feed_filenames", "feed_all_atom", "feed_domain", "limit_posts"), _FEEDS)
    | dict.fromkeys(("[taxonomies]", "[taxonomies.tag]", "[taxonomies.category]", "taxonomy"), _TAXONOMIES)
    | dict.fromkeys(("tag_url", "category_url", "use_folder_as_category"), _TAXONOMIES)
    | dict.fromkeys(("markup", "kramdown", "goldmark", "commonmark", "[markdown]", "typogrify"), _MARKDOWN)
    | dict.fromkeys(("smart_punctuation", "markdown_extensions"), _MARKDOWN)
    | dict.fromkeys(
        ("highlight_code", "highlight_theme", "highlighter", "pygmentsstyle", "pygmentsuseclasses"), _HIGHLIGHT
    )
    | dict.fromkeys(("imaging",), _IMAGES)
    | dict.fromkeys(("permalink", "article_url", "article_save_as", "page_url", "uglyurls", "slugify"), _PERMALINKS)
    | dict.fromkeys(("page_save_as", "disablepathtolower", "removepathaccents"), _PERMALINKS)
    | dict.fromkeys(("publishdir", "output_dir", "output_path", "destination", "site_dir"), _OUTPUT)
    | dict.fromkeys(("contentdir", "path", "article_paths", "page_paths", "source", "docs_dir"), _CONTENT)
    | dict.fromkeys(("staticdir", "static_paths", "assetdir", "extra_path_metadata"), _STATIC)
    | dict.fromkeys(("layoutdir", "theme_templates_overrides", "includes_dir", "layouts_dir"), _TEMPLATES)
    | dict.fromkeys(("datadir", "data_dir"), _DATA)
    | dict.fromkeys(("builddrafts", "buildfuture", "buildexpired", "show_drafts", "future", "unpublished"), _DRAFTS)
    | dict.fromkeys(("enablerobotstxt", "robots", "sitemap", "minify", "minify_html", "caches", "security"), _MADE)
    | dict.fromkeys(("hascjklanguage", "build_search_index", "search", "compile_sass"), _MADE)
    | dict.fromkeys(("hard_link_static", "summarylength", "ignorecache", "resourcedir", "archetypedir"), _MADE)
    | dict.fromkeys(("module", "modules", "plugins", "plugin_paths", "gems", "enableemoji"), _NO_PLUGINS)
    | dict.fromkeys(("outputs", "outputformats", "mediatypes", "disablekinds", "collections"), _FORMATS)
    | dict.fromkeys(("ignorefiles", "include", "exclude", "ignored_content", "mainsections", "defaults"), _LEFT_OUT)
    | dict.fromkeys(("server", "deployment", "headers", "redirects", "aliases"), _HEADERS)
    | dict.fromkeys(("reflinkserrorlevel", "link_checker", "external_links", "intrasite_link_regex"), _LINKS)
    | dict.fromkeys(("enablegitinfo", "frontmatter", "default_date"), _UPDATED)
    | {"i18ndir": "texts of the theme stand in i18n/, one file of TOML for each language: i18n/fr.toml"}
)
"""How a key of Hugo's, Jekyll's, Zola's, Pelican's or MkDocs's settings is said here, by its name in small letters; for
what is a table here, and had a value of its own there, by the table's name in brackets.
"""


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
