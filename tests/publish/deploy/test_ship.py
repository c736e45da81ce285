"""What is sent to an engine, and what is made of one that does not tell the truth. The real ones: tests/engine."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.engines.protocol import Container, ContainerSpec, LoadedImage, Role, RunState
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.publish.deployments import ship


@dataclass(frozen=True)
class Layer:
    diff_id: str
    size: int = 1 << 30  # too large to be looked into


@dataclass(frozen=True)
class Image:
    """publish.deploy.ship.Baked whose archive is a line of JSON."""

    layers: tuple[Layer, ...]
    release: str = "1"
    reference: str = "localhost/site/blog:1"

    @property
    def labels(self):
        return {labels.SITE: "blog", labels.RELEASE: self.release}

    def archive(self, reference: str, omit: Collection[str]) -> Iterator[bytes]:
        sent = [layer.diff_id for layer in self.layers if layer.diff_id not in omit]
        wanted = [layer.diff_id for layer in self.layers]
        yield json.dumps([reference, wanted, sent, self.labels]).encode()

    def archive_size(self, reference: str, omit: Collection[str]) -> int:
        return sum(map(len, self.archive(reference, omit)))


@dataclass
class Store:
    """The images of an engine like Docker's classic store: a layer is known only above the same ones.

    `by_content`: like Podman, which finds it anywhere.
    """

    held: dict[str, LoadedImage] = field(default_factory=dict)
    sent: list[list[str]] = field(default_factory=list)
    reusable: bool = True
    by_content: bool = False
    unproven: bool = False
    lies: int = 0  # so many loads that leave out the last layer, and say nothing
    hollow: int = 0  # so many containers that can't be created, since the image lacks a layer
    made: list[Container] = field(default_factory=list)
    tried: int = 0

    title = "a store"

    def load(self, archive: Iterable[bytes]) -> None:
        reference, wanted, sent, labels = json.loads(b"".join(archive))
        self.sent.append(sent)
        missing = len(wanted) - len(sent)
        prefixes = {image.diff_ids[:missing] for image in self.held.values()} | {()}
        held = {diff_id for image in self.held.values() for diff_id in image.diff_ids}
        known = {*wanted} <= {*sent} | held if self.by_content else tuple(wanted[:missing]) in prefixes
        if not known:
            raise Problem("a layer is missing", code=Exit.ENGINE)
        if self.lies:
            self.lies -= 1
            wanted = wanted[:-1]
        identity = "|".join([*wanted, str(labels)])
        kind = (self.reusable, self.by_content, self.unproven)
        self.held[reference] = LoadedImage(identity, (), tuple(wanted), labels, *kind)

    def image(self, reference: str) -> LoadedImage | None:
        found = self.held.get(reference)
        return replace(found, references=tuple(n for n, i in self.held.items() if i.id == found.id)) if found else None

    def images(self, site: str) -> tuple[LoadedImage, ...]:
        return tuple(image for image in self.held.values() if image.labels[labels.SITE] == site)

    def tag(self, image_id: str, reference: str) -> None:
        self.held[reference] = next(image for image in self.held.values() if image.id == image_id)

    def remove_image(self, reference: str) -> None:
        self.held.pop(reference, None)

    def containers(self, site: str) -> tuple[Container, ...]:
        return tuple(one for one in self.made if one.labels[labels.SITE] == site)

    def create(self, spec: ContainerSpec) -> Container:
        self.tried += 1
        assert spec.name not in [one.name for one in self.made]
        assert spec.labels[labels.ROLE] == Role.CANDIDATE, "what a killed shipment leaves must be cleared away"
        if self.hollow:
            self.hollow -= 1
            raise Problem("a layer is not found", code=Exit.ENGINE)
        self.made.append(Container(f"c{self.tried}", spec.name, RunState.CREATED, spec.labels, spec.reference))
        return self.made[-1]

    def remove(self, container_id: str) -> None:
        self.made = [one for one in self.made if one.id != container_id]


def image(*layers: str, release: str = "1") -> Image:
    return Image(tuple(map(Layer, layers)), release, f"localhost/site/blog:{release}")


NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True)


@given(st.lists(NAMES, max_size=5), NAMES)
def test_just_what_lies_above_the_longest_known_prefix_is_sent(before, layers):
    """Never a layer less than the store needs, which refuses then; never one more."""
    store = Store()
    for number, others in enumerate(before):
        ship(store, image(*others, release=f"old{number}"), SILENT)
    store.sent.clear()
    known = max((common(layers, others) for others in before), default=0)
    loaded = ship(store, image(*layers, release="new"), SILENT)
    assert loaded.diff_ids == tuple(layers)
    assert store.sent == [layers[known:]]
    assert set(store.held) == {f"localhost/site/blog:old{n}" for n in range(len(before))} | {"localhost/site/blog:new"}


@given(st.lists(NAMES, max_size=5), NAMES)
def test_just_what_no_image_has_is_sent_where_layers_are_known_by_content(before, layers):
    store = Store(by_content=True)
    for number, others in enumerate(before):
        ship(store, image(*others, release=f"old{number}"), SILENT)
    store.sent.clear()
    loaded = ship(store, image(*layers, release="new"), SILENT)
    assert loaded.diff_ids == tuple(layers)
    assert store.sent == [[layer for layer in layers if not any(layer in others for others in before)]]


def common(layers, others):
    count = 0
    while count < min(len(layers), len(others)) and layers[count] == others[count]:
        count += 1
    return count


def test_all_is_sent_where_the_store_may_hold_layers_in_another_form():
    store = Store(reusable=False)
    ship(store, image("a", "b"), SILENT)
    ship(store, image("a", "c", release="2"), SILENT)
    assert store.sent == [["a", "b"], ["a", "c"]]


def test_an_image_that_lacks_a_layer_is_sent_whole():
    """The store took the archive and said nothing; only reading it back tells."""
    store = Store()
    ship(store, image("a", "b"), SILENT)
    store.lies = 1
    assert ship(store, image("a", "c", release="2"), SILENT).diff_ids == ("a", "c")
    assert store.sent[1:] == [["c"], ["a", "c"]]


def test_a_store_that_never_tells_the_truth_is_a_problem_and_keeps_nothing():
    store = Store()
    ship(store, image("a", "b"), SILENT)
    before = dict(store.held)
    store.lies = 2
    with pytest.raises(
        Problem, match="a store holds another image than was sent: its layers are 1, ending with a"
    ) as caught:
        ship(store, image("a", "c", release="2"), SILENT)
    assert caught.value.code is Exit.ENGINE
    assert store.held == before


def test_a_label_that_differs_makes_another_image():
    """The same layers, of another release: sent, though nothing but the configuration travels."""
    store = Store()
    ship(store, image("a", "b"), SILENT)
    other = replace(image("a", "b"), release="2", reference="localhost/site/blog:1")
    assert ship(store, other, SILENT).labels[labels.RELEASE] == "2"
    assert store.sent[1:] == [[]]


def test_an_engine_that_does_not_look_is_made_to():
    """By a container of each image that was sent in part; it is gone afterwards."""
    store = Store(by_content=True, unproven=True)
    ship(store, image("a", "b"), SILENT)
    assert store.tried == 0, "what was sent whole needs no proof"
    ship(store, image("a", "c", release="2"), SILENT)
    assert (store.tried, store.made) == (1, [])


def test_an_image_that_no_container_can_be_made_of_is_sent_whole():
    store = Store(by_content=True, unproven=True)
    ship(store, image("a", "b"), SILENT)
    store.hollow = 1
    assert ship(store, image("a", "c", release="2"), SILENT).diff_ids == ("a", "c")
    assert store.sent[1:] == [["c"], ["a", "c"]]
    assert set(store.held) == {"localhost/site/blog:1", "localhost/site/blog:2"}


def test_a_container_that_a_killed_shipment_left_is_in_nobody_s_way():
    store = Store(by_content=True, unproven=True)
    ship(store, image("a", "b"), SILENT)
    marks = {labels.SITE: "blog", labels.ROLE: Role.CANDIDATE}
    store.made.append(Container("killed", "blog-arriving", RunState.CREATED, marks, "localhost/site/blog:arriving"))
    ship(store, image("a", "c", release="2"), SILENT)
    assert store.made == []
