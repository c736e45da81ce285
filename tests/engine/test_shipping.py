"""Shipping to a real engine over a real ssh: what is sent, what is checked, and what is left after a failure."""

import contextlib
import hashlib
import shutil
import time
from dataclasses import dataclass, field, replace

import pytest

from publish.engines.docker import open_engine
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.perlsite import heavier, relabelled, seal
from tests.publish.deployments import ship


@dataclass
class Watched:
    """Progress that remembers: the notes, and how many bytes each transfer had and announced."""

    notes: list[str] = field(default_factory=list)
    transfers: list[int] = field(default_factory=list)
    announced: list[int | None] = field(default_factory=list)

    @contextlib.contextmanager
    def track(self, label, total, unit="items"):
        assert (label, unit) == ("sending", "bytes")
        self.transfers.append(0)
        self.announced.append(total)

        def advance(more):
            self.transfers[-1] += more

        yield advance

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def host(machine):
    """The machine over ssh; its engine is empty before and after."""
    assert machine.inventory()["images"] == []
    with open_host(machine.target(), SILENT) as host:
        yield host
    with contextlib.closing(open_engine(machine.docker_socket)) as engine:
        for image in engine.images("blog"):
            for reference in image.references:
                engine.remove_image(reference)
    assert machine.inventory()["images"] == []


def diff_ids(image):
    return tuple(layer.diff_id for layer in image.layers)


def test_an_engine_without_any_layer_gets_the_whole_image(host):
    image, seen = seal({"index.html": "Hello"}), Watched()
    loaded = ship(host.engine, image, seen)
    assert loaded.diff_ids == diff_ids(image)
    assert loaded.references == (image.reference,)
    assert dict(loaded.labels) == image.labels
    assert seen.transfers == seen.announced == [image.archive_size(image.reference, ())]


def test_what_is_sent_is_compressed_on_its_way(machine, host):
    """Though no layer is: its digest must not hang on any compressor."""
    image, before = seal({"index.html": "Hello"}), machine.received()
    ship(host.engine, image, SILENT)
    assert machine.received() - before < image.archive_size(image.reference, ()) / 2


def test_an_edit_sends_the_layer_of_the_pages_alone(machine, host):
    ship(host.engine, seal({"index.html": "Hello"}), SILENT)
    edited, seen = seal({"index.html": "Hello again"}), Watched()
    loaded = ship(host.engine, edited, seen)
    assert loaded.diff_ids == diff_ids(edited)
    assert seen.notes[0].startswith("sending 1 of 4 layers, ")
    assert seen.transfers == seen.announced
    assert seen.transfers[0] < 20_000
    assert [tags for _, tags in machine.inventory()["images"]].count([edited.reference]) == 1


def test_the_same_image_is_not_sent_twice(machine, host):
    image, seen = seal({"index.html": "Hello"}), Watched()
    first = ship(host.engine, image, SILENT)
    before = machine.inventory()
    assert ship(host.engine, image, seen) == first
    assert seen.transfers == []
    assert seen.notes == [f"{image.reference} is on the host already: nothing to send"]
    assert machine.inventory() == before


def test_a_layer_below_a_new_one_is_sent_again(host):
    """The classic store knows a layer only above the same ones: the same pages on another server are sent."""
    ship(host.engine, seal({"index.html": "Hello"}), SILENT)
    other = seal({"index.html": "Hello"}, server="sleep 60")
    seen = Watched()
    ship(host.engine, other, seen)
    assert seen.notes[0].startswith("sending 2 of 4 layers")


def test_a_name_that_another_image_has_moves_to_ours(machine, host):
    image = seal({"index.html": "Hello"})
    squatter = replace(seal({"index.html": "other"}), reference=image.reference)
    ship(host.engine, squatter, SILENT)
    assert ship(host.engine, image, SILENT).diff_ids == diff_ids(image)
    assert [names for _, names in machine.inventory()["images"]] == [[image.reference]]


def test_a_shipment_that_was_killed_is_cleared_away_by_the_next(machine, host):
    """It left its image under the name of what is still arriving."""
    killed = ship(host.engine, seal({"index.html": "killed"}), SILENT)
    host.engine.tag(killed.id, "localhost/site/blog:arriving")
    host.engine.remove_image(killed.references[0])
    image = seal({"index.html": "Hello"})
    ship(host.engine, image, SILENT)
    assert [names for _, names in machine.inventory()["images"]] == [[image.reference]]


def flip(at):
    """Spoils one byte of an archive."""

    def spoil(pieces):
        position = 0
        for piece in pieces:
            if position <= at < position + len(piece):
                index = at - position
                yield piece[:index] + bytes([piece[index] ^ 1]) + piece[index + 1 :]
            else:
                yield piece
            position += len(piece)

    return spoil


def cut_off(at):
    def spoil(pieces):
        position = 0
        for piece in pieces:
            yield piece[: max(0, at - position)]
            position += len(piece)

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(flip(5_000_000), id="a byte of a layer"),
        pytest.param(cut_off(5_000_000), id="cut off"),
        pytest.param(lambda _pieces: iter([b"no archive" * 100]), id="no archive"),
        pytest.param(lambda _pieces: iter([]), id="empty"),
    ],
)
def test_a_damaged_archive_is_refused_and_leaves_nothing(machine, host, spoil):
    before = machine.inventory()
    with pytest.raises(Problem) as caught:
        ship(host.engine, replace(seal({"index.html": "Hello"}), spoil=spoil), SILENT)
    assert caught.value.code is Exit.ENGINE
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("Docker ")
    assert machine.inventory() == before


def test_a_damaged_archive_leaves_the_release_before_it(machine, host):
    ship(host.engine, seal({"index.html": "Hello"}), SILENT)
    before = machine.inventory()
    with pytest.raises(Problem):
        ship(host.engine, replace(seal({"index.html": "edited"}), spoil=cut_off(3000)), SILENT)
    assert machine.inventory() == before


def test_where_leaving_layers_out_fails_all_are_sent(host):
    """The first archive arrives damaged; the second, whole one is sound."""
    ship(host.engine, seal({"index.html": "Hello"}), SILENT)

    class Flaky:
        sent = 0

        def __call__(self, pieces):
            self.sent += 1
            return cut_off(3000)(pieces) if self.sent == 1 else pieces

    edited, seen = replace(seal({"index.html": "edited"}), spoil=Flaky()), Watched()
    assert ship(host.engine, edited, seen).diff_ids == diff_ids(edited)
    assert len(seen.transfers) == 2
    assert seen.notes[0].startswith("sending 1 of 4")
    assert seen.notes[1].endswith("; sending all layers")
    assert seen.notes[2].startswith("sending 4 of 4")


def test_a_fault_on_this_side_is_not_laid_on_the_engine(machine, host):
    """A layer that changed since it was described ends the transfer with its own Problem, and is not tried again."""
    tries = []

    def spoil(pieces):
        tries.append(1)
        yield next(pieces)
        raise Problem("the layer has other bytes", code=Exit.TREE)

    before = machine.inventory()
    with pytest.raises(Problem, match="the layer has other bytes") as caught:
        ship(host.engine, replace(seal({"index.html": "Hello"}), spoil=spoil), SILENT)
    assert caught.value.code is Exit.TREE
    assert len(tries) == 1
    assert machine.inventory() == before


def test_a_connection_cut_in_mid_load_changes_nothing_on_the_host(machine):
    """sshd is killed after some megabytes; the next shipment works as if nothing had been."""
    small = seal({"index.html": "Hello"})
    image = heavier(small, 48)
    sent = 0

    def cut(pieces):
        nonlocal sent
        for piece in pieces:
            before, sent = sent, sent + len(piece)
            if before < 8 << 20 <= sent:
                machine.cut_connections()
            yield piece

    before = machine.inventory()
    started = time.monotonic()
    with pytest.raises(Problem) as caught, open_host(machine.target(), SILENT) as host:
        ship(host.engine, replace(image, spoil=cut), SILENT)
    assert caught.value.code is Exit.HOST
    assert caught.value.message.startswith(f"the connection to deploy@{machine.address} was cut")
    assert "\n" not in caught.value.message
    assert time.monotonic() - started < 20
    assert sent < image.archive_size(image.reference, ()) - (8 << 20)
    assert machine.inventory() == before
    with open_host(machine.target(), SILENT) as host:
        assert ship(host.engine, image, SILENT).diff_ids == diff_ids(image)
        host.engine.remove_image(image.reference)
    assert machine.inventory() == before


def test_podman_takes_the_same_archives(machine):
    """Whole, and without the layers that it has; twice: nothing; damaged: nothing is left."""
    machine.start_podman()
    before = machine.inventory("podman")
    with open_host(machine.target("root", engine="podman"), SILENT) as host:
        image, edited, seen = seal({"index.html": "Hello"}), seal({"index.html": "edited"}), Watched()
        for one in (image, edited, edited):
            assert ship(host.engine, one, seen).diff_ids == diff_ids(one)
        assert [note.partition(",")[0] for note in seen.notes[:2]] == ["sending 4 of 4 layers", "sending 1 of 4 layers"]
        assert len(seen.transfers) == 2
        held = machine.inventory("podman")
        with pytest.raises(Problem, match=r"Podman .* refused to load the image") as caught:
            ship(host.engine, replace(seal({"index.html": "new"}), spoil=cut_off(3000)), SILENT)
        assert "\n" not in caught.value.message
        assert machine.inventory("podman") == held
        for one in (image, edited):
            host.engine.remove_image(one.reference)
    assert machine.inventory("podman") == before


def test_another_release_of_the_same_layers_is_another_image(machine, host):
    """All layers are known, so only the configuration travels."""
    image = seal({"index.html": "Hello"})
    ship(host.engine, image, SILENT)
    other, seen = relabelled(image, "sha256:" + "1" * 64), Watched()
    loaded = ship(host.engine, other, seen)
    assert dict(loaded.labels) == other.labels
    assert loaded.diff_ids == diff_ids(image)
    assert seen.notes[0].startswith("sending 0 of 4 layers")
    assert len(machine.inventory()["images"]) == 2


def test_an_image_with_a_new_layer_below_others_is_put_together_on_the_host(machine, host):
    """Of the layers that the host has; and where that fails, in whatever way, more is sent and the image comes."""

    def page(text):
        return heavier(seal({"index.html": text}), 4)

    def sent(text, on=host):
        seen, before = Watched(), machine.received()
        loaded = ship(on.engine, page(text), seen, on)
        assert loaded.diff_ids == diff_ids(page(text))
        return [note.partition(", ")[0] for note in seen.notes], machine.received() - before

    cache = machine.folder / "home/deploy/.cache/sealpress"
    assert sent("one")[0] == ["sending 5 of 5 layers"]
    notes, received = sent("two")
    assert notes == ["sending 0 of 5 layers"]
    assert received < 100_000
    assert list(cache.iterdir()) == []
    # What a killed run left, in the way of the next.
    machine.run("install", "-o", "deploy", "-d", str(cache / "blog"), str(cache / "blog/manifest.json"))
    assert sent("three")[0] == ["sending 0 of 5 layers"]
    # A page that came as another is seen by the engine, each time that it is sent.
    before = machine.inventory()
    with pytest.raises(Problem, match="refused to load the image"):
        ship(host.engine, replace(page("fourth page"), spoil=mistyped(b"fourth page")), SILENT, host)
    assert machine.inventory() == before
    # Nor is it believed that all came before the connection was cut.
    cut = replace(page("five"), spoil=lambda pieces: torn(pieces, machine.cut_connections))
    with pytest.raises(Problem, match="was cut"), open_host(machine.target(), SILENT) as other:
        ship(other.engine, cut, SILENT, other)
    with open_host(machine.target(), SILENT) as other:
        assert machine.inventory() == before
        assert sent("five", other)[0] == ["sending 0 of 5 layers"]
        # A host that has no room for it.
        shutil.rmtree(cache)
        cache.write_text("")
        notes, _ = sent("six", other)
        said = f"{other.engine.title} can't put the image together on the host: "
        assert [note.startswith(said) for note in notes] == [False, True, False]
        assert notes[-1] == "sending 2 of 5 layers"
        cache.unlink()
        for text in ("two", "three", "five", "six", "one"):
            other.engine.remove_image(page(text).reference)


def test_of_an_edited_layer_only_what_was_edited_is_sent(place):
    """To each engine, which has the rest of it: blobs in one form or another, and its own command to give them."""
    pages = {f"{number}.html": hashlib.shake_128(str(number).encode()).hexdigest(9000) for number in range(120)}
    target = place.machine.target("root", engine="podman" if place.engine == "podman" else "docker")
    with open_host(target, SILENT) as host:

        def sent(text):
            image, seen = seal({**pages, "7.html": pages["7.html"] + text}), Watched()
            before = place.machine.received()
            loaded = ship(host.engine, image, seen, host)
            assert loaded.diff_ids == diff_ids(image)
            return [note.partition(", ")[0] for note in seen.notes], place.machine.received() - before

        assert sent("one")[0] == ["sending 4 of 4 layers"]
        notes, received = sent("two")
        assert notes == ["sending 0 of 4 layers"]
        assert received < 60_000
        assert sent("three")[0] == ["sending 0 of 4 layers"]


def mistyped(text):
    def spoil(pieces):
        whole = b"".join(pieces)
        assert whole.count(text) == 1
        yield whole.replace(text, text.upper())

    return spoil


def torn(pieces, cut):
    whole = b"".join(pieces)
    yield whole[: len(whole) // 2]
    cut()
    yield whole[len(whole) // 2 :]
