"""The data files, as templates see them."""

from collections.abc import Iterator, Mapping

from sealpress.frozen import frozen
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View


@frozen
class DataView(View, Mapping[str, object]):
    """In a template: `site.data`, and each folder in it. What a file says is read when it is asked for."""

    _queries: SiteQueries
    _folder: str

    def __repr__(self) -> str:
        return f"<data {self._folder}>"

    def __getitem__(self, name: str) -> object:
        # No name has a slash in it: that would lead past a folder.
        if not isinstance(name, str) or "/" in name:
            raise KeyError(name)
        path = f"{self._folder}/{name}" if self._folder else name
        source = self._queries.data_named(path)
        if source is None:
            raise KeyError(name)
        return self._queries.data(source) if source else DataView(self._queries, path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries.data_names(self._folder))

    def __len__(self) -> int:
        return len(self._queries.data_names(self._folder))
