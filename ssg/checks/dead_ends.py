"""What is wrong with addresses and ids in the tree, said where it is written (ssg.checks.whereabouts).

An address that leads to no file, or to no such anchor of one, is told once, however many pages have it; so is an id
that a page gets twice.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from sealpress.problems import Place, Problem, did_you_mean
from ssg.checks.addresses import SHEETS, Aim, Looked, Reach
from ssg.checks.whereabouts import Whereabouts, Written, spellings
from ssg.content.links import Doubts, alike
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.theme import ThemeFile

_PLACED: Final = 200  # addresses that are looked for in sources; where there are more, one mistake made them all
_SHOWN: Final = 12  # anchors of a page


@dataclass(frozen=True)
class DeadEnds:
    """`files` are all files of the tree by path. `told` is what links lead to that was told already, `told_at` where.

    `at` looks at a file that was not made anew; None where it can't be known what that holds. `templates` gives those
    that a page is rendered with, its own first.
    """

    queries: SiteQueries
    reach: Reach
    files: Mapping[str, OutputFile]
    whereabouts: Whereabouts
    at: Callable[[str], Looked | None]
    templates: Callable[[OutputFile], Sequence[ThemeFile]]
    told: Collection[Aim] = ()
    told_at: Collection[Place] = ()
    doubts: Doubts = field(default_factory=Doubts)
    _seen: dict[str, Looked | None] = field(default_factory=dict)

    def faults(self, looked: Mapping[str, Looked], aims: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[Problem]:
        """Of what was `looked` at, by path; and of others that aim at an anchor in it, as the last build saw them."""
        self._seen.update(looked)
        dead: dict[str, dict[str, None]] = {}
        lost: dict[tuple[str, str], dict[str, None]] = {}
        for path, found in looked.items():
            for address in found.dead:
                dead.setdefault(address, {})[path] = None
        for path, wanted in [*((path, one.aims) for path, one in looked.items()), *aims.items()]:
            for name, address in wanted:
                if self._is_lost(path, address):
                    lost.setdefault((name, address), {})[path] = None
        for number, (address, paths) in enumerate(dead.items()):
            yield from self._dead(address, list(paths), is_placed=number < _PLACED)
        for number, ((name, address), paths) in enumerate(lost.items()):
            yield from self._lost(name, address, list(paths), is_placed=number < _PLACED)
        yield from self._twice(looked)

    def _is_lost(self, path: str, address: str) -> bool:
        aim = self.reach.aim(address, path)
        if aim is None or not aim[1] or aim[0] not in self.reach.outputs:
            return False
        there = self._look(aim[0])
        return there is not None and not there.has(aim[1])

    def _look(self, path: str) -> Looked | None:
        if path not in self._seen:
            self._seen[path] = self.at(path)
        return self._seen[path]

    def _dead(self, address: str, paths: Sequence[str], *, is_placed: bool) -> Iterator[Problem]:
        aim = self.reach.aim(address, paths[0])
        path = f"/{aim[0] if aim else ''}".removesuffix("index.html")
        if self.doubts.path(path):
            return
        origins = self._origins(paths)
        place = self._place(address, origins, is_told=aim is not None and (aim[0], "") in self.told, look=is_placed)
        if place is None:
            return
        more = f" and {len(origins) - 1} more lead" if len(origins) > 1 else " leads"
        message = f'nothing on the site is at "{address}", to which {origins[0]}{more}'
        if is_placed and (absent := self.queries.absent_at(unquote(address))):
            yield absent[1].problem(message, absent[0], place)
            return
        hint = (
            "correct the address; or where another program serves it, name its beginning:"
            f' elsewhere = ["{_beginning(spellings(address, self.reach.site.settings.site.url)[-1])}"] under [build]'
        )
        if is_placed and (near := alike(path, self.reach.outputs)):
            hint = self._spelled(path, near, is_sheet=all(one.endswith(SHEETS) for one in paths))
        yield Problem(message, place=place, hint=hint)

    def _spelled(self, path: str, near: str, *, is_sheet: bool) -> str:
        """What to write for an address that differs from what is there by something that is hard to see."""
        written = self.queries.url(near)
        if normalize("NFC", path) != normalize("NFC", near):
            return f'write "{written}": A and a are two letters'
        or_so = "" if is_sheet else f', or in a template {{{{ url("{path}") }}}}'
        return f'write "{written}"{or_so}: the file\'s name has the same letters as other characters of Unicode'

    def _lost(self, name: str, address: str, paths: Sequence[str], *, is_placed: bool) -> Iterator[Problem]:
        aim = self.reach.aim(address, paths[0])
        there = self._look(name)
        if aim is None or there is None:
            return
        origins = self._origins(paths)
        place = self._place(address, origins, is_told=aim in self.told, look=is_placed)
        if place is None:
            return
        anchors = sorted(one.decode() for one in there.anchors.split(b"\0") if one)
        target = self.files[name].origin
        more = f" and {len(origins) - 1} more lead" if len(origins) > 1 else " leads"
        listed = ", ".join(f"#{one}" for one in anchors[:_SHOWN])
        yield Problem(
            f'there is no anchor "#{aim[1]}" in {target}, to which {origins[0]}{more}{did_you_mean(aim[1], anchors)}',
            place=place,
            hint=f"anchors there: {listed}" if listed else "that page has no anchors",
        )

    def _twice(self, looked: Mapping[str, Looked]) -> Iterator[Problem]:
        told: set[tuple[str, Place]] = set()
        for path, found in looked.items():
            for name in found.twice:
                file = self.files[path]
                templates = self.templates(file)
                places = self.whereabouts.of_id(name, file.kind.body(self.queries, file), templates)
                place = places[-1] if places else Place(templates[0].shown if templates else file.origin)
                if (name, place) in told:  # a template gives it to many pages, and is mended once
                    continue
                told.add((name, place))
                other = f"; the other is at {places[0]}" if len(places) > 1 else ""
                yield Problem(
                    f'{file.origin} gets two things with the id "{name}"{other}',
                    place=place,
                    hint=f'in a template, take a name that no heading gives: "_{name}";'
                    f" on a page another: {{#{name}-2}}",
                )

    def _origins(self, paths: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self.files[path].origin for path in paths))

    def _place(self, address: str, origins: Sequence[str], *, is_told: bool, look: bool) -> Place | None:
        """Where to tell of an address; None where that was done already."""
        found = self.whereabouts.of_address(address, origins) if look else Written()
        if is_told:
            places = (found.settings, found.link, found.theme)
            return next((place for place in places if place and place not in self.told_at), None)
        place = next(filter(None, found), Place(origins[0]))
        return None if place in self.told_at else place


def _beginning(path: str) -> str:
    """The outermost folder of a path, as an example: "/comments/"."""
    first, slash, _ = path.lstrip("/").partition("/")
    return f"/{first}{slash}"
