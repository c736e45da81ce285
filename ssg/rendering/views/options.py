"""The theme's options, as templates see them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ssg.rendering.queries.site_queries import Scene


@dataclass(frozen=True, slots=True, repr=False)
class OptionsView(Mapping[str, object]):
    """In a template: `theme`. Translated options are in the language of the page that is being rendered."""

    _scene: Scene
    _language: str

    def __getitem__(self, name: str) -> object:
        if name not in self._scene.option_names():
            raise KeyError(name)
        return self._scene.option(name, self._language)

    def __iter__(self) -> Iterator[str]:
        return iter(self._scene.option_names())

    def __len__(self) -> int:
        return len(self._scene.option_names())
