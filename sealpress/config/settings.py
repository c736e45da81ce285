"""What site.toml says, as frozen records. sealpress/config/sitefile.py reads them; every value's place is kept there.

A field's docstring-like comment is its documentation in the reference; defaults here are the product's defaults.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from sealpress.frozen import frozen

LOCK_NAME: Final = "imagebake.lock"
"""The lock's file, beside site.toml."""

EDGE_LOCK_NAME: Final = "edge.lock"
"""That of the edge (imagebake/recipes/edge.py), where a target has one."""


def nothing() -> Mapping[str, Any]:
    """The default of every table with free keys."""
    return MappingProxyType({})


Architecture = Literal["amd64", "arm64"]


@frozen
class MenuItem:
    """One link of a menu. `url` is a source path (`docs/index.md`), a path of the site (`/tags/`), or a whole URL."""

    title: str
    url: str


@frozen
class PermalinkSettings:
    """Where things go. Fields in braces: {slug} {year} {month} {day} {path} {section}; a final "/" makes a folder."""

    post: str = "/posts/{slug}/"
    page: str = "/{path}/"
    posts: str = "/posts/"
    tags: str = "/tags/"
    tag: str = "/tags/{slug}/"
    archive: str = "/archive/"


TAGS: Final = "tags"
"""The taxonomy that every site has. Where its lists are is said by [permalinks]."""


@frozen
class TaxonomySettings:
    """[taxonomies.NAME]: what posts are grouped by. NAME is the key of front matter that lists a post's terms."""

    title: str  # of the list of its terms, and of links to it
    path: str = ""  # of the list of its terms; "": /NAME/
    term_path: str = ""  # of the posts of one term, with {slug}; "": below the list


@frozen
class LanguageSettings:
    """[language.fr]: what differs from [site] in one language. None: as in [site]."""

    title: str | None = None
    description: str | None = None
    author: str | None = None
    menus: Mapping[str, tuple[MenuItem, ...]] | None = None
    permalinks: PermalinkSettings | None = None
    taxonomies: Mapping[str, TaxonomySettings] = field(default_factory=nothing)
    params: Mapping[str, object] = field(default_factory=nothing)


@frozen
class SiteSettings:
    """[site]. `url` is absolute and ends with "/"; `theme` is a theme's name or a folder in the repository."""

    title: str
    url: str
    languages: tuple[str, ...] = ("en",)
    default_language: str = ""  # "": the first of languages
    description: str = ""
    author: str = ""
    timezone: str = "UTC"
    theme: str = "plain"


@frozen
class BuildSettings:
    """[build]. All folders are relative to site.toml. `command` runs another generator, which fills `output`."""

    content: str = "content"
    static: str = "static"
    templates: str = "templates"
    data: str = "data"
    output: str = "public"
    command: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()  # names, or last parts of paths, that look like leftovers or secrets and are published
    git_dates: bool = False  # a page's `updated` is when git last saw it change
    elsewhere: tuple[str, ...] = ()  # beginnings of the site's addresses that other programs serve: "/comments/"
    strict: bool = False  # a warning ends the build, as with ssg build --strict


@frozen
class MarkdownSettings:
    """[markdown]."""

    typography: bool = True  # quotes and dashes as the language has them
    toc_depth: int = 3  # headings up to this level stand in the table of contents
    highlight: bool = True
    html: bool = True  # raw HTML in Markdown is kept
    dialect: Literal["commonmark", "python-markdown"] = "commonmark"


@frozen
class ListSettings:
    """[lists]."""

    per_page: int = 10


@frozen
class FeedSettings:
    """[feeds]. `full`: whole bodies; otherwise the summary."""

    enabled: bool = True
    limit: int = 20
    full: bool = True


@frozen
class ImagesSettings:
    """[images]: the smaller sizes of images beside pages. `widths` () makes none."""

    widths: tuple[int, ...] = (480, 800, 1200, 1600)  # in pixels, ascending
    quality: int = 78  # of WebP, 1 to 100
    sizes: str = "100vw"  # how wide pages show images: the sizes attribute of HTML


@frozen
class ImageSettings:
    """[image]. `mirror` and `security_mirror` are base URLs of Debian mirrors; "": SEALPRESS_MIRROR and
    SEALPRESS_SECURITY_MIRROR, else the machine's own apt sources. `name` "": from the site's host name.
    `headers` are added to every answer; `redirects` are rules as in `_redirects` (sealpress/config/redirects.py), FROM
    as key.
    """

    name: str = ""
    suite: str = "trixie"
    architectures: tuple[Architecture, ...] = ("amd64", "arm64")
    port: int = 8080
    mirror: str = ""
    security_mirror: str = ""
    snapshot_mirror: str = ""  # where superseded packages are still found
    headers: Mapping[str, str] = field(default_factory=nothing)
    redirects: Mapping[str, str] = field(default_factory=nothing)
    negotiate_languages: tuple[str, ...] = ()  # what "/" chooses among by Accept-Language; the first needs no folder
    policy: str = "computed"  # the Content-Security-Policy: from what the pages use, "off", or the policy itself
    third_parties: tuple[str, ...] = ()  # origins that pages may load from: "https://cdn.example.org"
    policy_sources: Mapping[str, tuple[str, ...]] = field(default_factory=nothing)  # added, by directive
    hsts: int = 0  # seconds of Strict-Transport-Security; 0: not sent
    hsts_subdomains: bool = False
    hsts_preload: bool = False
    log: Literal["combined", "json", "off"] = "combined"  # of requests, with addresses cut to networks
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose X-Forwarded-For is believed
    http2: bool = True  # without TLS too, for a proxy that speaks it
    ipv6: bool = True  # listens on IPv6 as well, where the kernel has it


@frozen
class PublishTarget:
    """[publish.NAME]: a host, or several that serve the same, in the order in which they are switched. Each is
    "user@name", "ssh://user@name:port", or "local" for this machine.
    """

    host: str | tuple[str, ...]
    port: int = 80  # where readers reach the site on the host
    address: str = ""  # "": every one, of both families; "127.0.0.1" behind a proxy
    engine: Literal["auto", "docker", "podman", "embedded"] = "auto"
    socket: str = ""  # the engine's socket on the host; "": the engine's usual ones
    keep: int = 3  # releases that stay on the host, the running one among them
    timeout: int = 60  # seconds that a new release has to answer
    rollout: Literal["all-then-flip", "canary"] = "all-then-flip"  # of several hosts: when the others follow the first
    canary_wait: int = 60  # seconds for which the first has to answer before they do
    memory: int = 128  # MiB that the container may use
    edge: Literal["auto", "none", "caddy"] = "auto"  # what owns the port; "auto": sealpress/config/edge.py `chosen`
    hosts: tuple[str, ...] = ()  # names that readers reach it by through the edge, the canonical first; (): all others
    replicas: int = 1  # containers alike behind the edge
    health_interval: int = 2  # seconds between two looks of the edge at each replica
    health_failures: int = 2  # answers that a replica may owe before the edge leaves it out for a while
    tls: bool | Literal["internal"] = False  # certificates for `hosts`: by ACME; "internal": by a CA of the edge's own
    acme: str = ""  # the directory of the CA to ask; "": Let's Encrypt's
    acme_roots: str = (
        ""  # a PEM file: the CAs that are trusted, to be asked and to issue, in the place of all public ones
    )
    email: str = ""  # whom the CA may write to
    certificate: str = ""  # a PEM file of one's own, with its chain: no CA is asked then
    key: str = ""  # that certificate's private key, a PEM file
    drain: int = 30  # seconds that answers which are under way have to end, before the old release is stopped
    grace: int = 3600  # seconds that the release of before runs on, for files of its pages that the new one lacks
    labels: Mapping[str, str] = field(default_factory=nothing)  # of the site's container, for a proxy on the host
    networks: tuple[str, ...] = ()  # of the engine, made by somebody else, that the site's container joins
    identity: str = ""  # a private key file for ssh -i; "": ssh's own choice
    ssh_options: tuple[
        str, ...
    ] = ()  # those of ssh that a repository may set (sealpress/config/ssh_options.py): ("Port=2222",)

    @property
    def each(self) -> "tuple[PublishTarget, ...]":
        """The target once for each of its hosts, which is the only one there."""
        return (self,) if isinstance(self.host, str) else tuple(replace(self, host=one) for one in self.host)

    @property
    def only_host(self) -> str:
        """The host of one of `each`. Raises ValueError for several."""
        if isinstance(self.host, str):
            return self.host
        (host,) = self.host
        return host


@frozen
class HookSettings:
    """[hook]: what `publish hook` and `publish push` do. `publish` names a target; `on` says what publishes to it."""

    branches: tuple[str, ...] = ("main", "master")  # of the remote: pushes to others are not looked at
    publish: str = ""  # "": `publish push` asks for the only target, and the hook publishes nothing
    on: Literal["push", "pre-push"] = "push"  # "pre-push": the hook publishes what it has checked, before the push
    timeout: int = 300  # seconds that the hook may take


@frozen
class Settings:
    """The whole of site.toml."""

    site: SiteSettings
    language: Mapping[str, LanguageSettings] = field(default_factory=nothing)
    build: BuildSettings = BuildSettings()
    permalinks: PermalinkSettings = PermalinkSettings()
    taxonomies: Mapping[str, TaxonomySettings] = field(default_factory=nothing)
    markdown: MarkdownSettings = MarkdownSettings()
    lists: ListSettings = ListSettings()
    feeds: FeedSettings = FeedSettings()
    menus: Mapping[str, tuple[MenuItem, ...]] = field(default_factory=nothing)
    images: ImagesSettings = ImagesSettings()
    image: ImageSettings = ImageSettings()
    publish: Mapping[str, PublishTarget] = field(default_factory=nothing)
    hook: HookSettings = HookSettings()
    params: Mapping[str, object] = field(default_factory=nothing)
    theme: Mapping[str, object] = field(default_factory=nothing)


def homes() -> Mapping[str, str]:
    """For keys that stand in a wrong table, hints that name the right one: of those that only one table has."""
    tables = {table.name: fields(table.type) for table in fields(Settings) if is_dataclass(table.type)}
    count = Counter(key.name for keys in tables.values() for key in keys)
    found = {key.name: f"it belongs below [{table}]" for table, keys in tables.items() for key in keys}
    own = {table.name: f"[{table.name}] is a table of its own" for table in fields(Settings)}
    return {name: hint for name, hint in found.items() if count[name] == 1} | own
