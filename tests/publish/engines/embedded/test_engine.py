"""The embedded engine runs real processes that outlive the command, and never signals what isn't its own."""

import json
import os
import select
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.ship import ship
from publish.engines.embedded import processes
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import ContainerSpec, Endpoint, RunState
from publish.probing import probe
from publish.releases import history, rollback
from publish.releases.ownership import ReleaseLine
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.ports import free_port
from tests.publish.deployments import changed, deployment, switch

ANY = Endpoint("127.0.0.1", 0)


def line_of(image, port: int) -> ReleaseLine:
    return ReleaseLine(image.labels[labels.SITE], "here", Endpoint("127.0.0.1", port))


def job(host, image, port: int) -> Deployment:
    return deployment(
        host=host,
        line=line_of(image, port),
        release=image.labels[labels.RELEASE],
        commit="",
        ship=lambda engine, progress: ship(engine, image, progress, line_of(image, port)),
        expectations=(probe.Expectation("/"),),
        timeout=20,
    )


def page(port: int) -> str:
    return probe.fetch(Endpoint("127.0.0.1", port), "/").body.decode()


def test_publish_an_edit_a_broken_release_and_back(embedded, site_image):
    port = free_port()
    switch(job(embedded, site_image("a"), port))
    assert page(port) == "<h1>a</h1>"
    switch(job(embedded, site_image("b"), port))
    assert page(port) == "<h1>b</h1>"
    with pytest.raises(Problem) as caught:
        switch(job(embedded, site_image("c", broken=True), port))
    assert str(caught.value) == ("the new release did not become healthy: it ended\n  | the configuration is broken")
    assert caught.value.code == Exit.RELEASE
    assert page(port) == "<h1>b</h1>"
    engine, line = embedded.engine, line_of(site_image("a"), port)
    back = rollback.choose(history.read(engine, line), None, 3)
    switch(changed(job(embedded, site_image("a"), port), ship=rollback.ship_again(back, back.site.image, line)))
    assert page(port) == "<h1>a</h1>"
    assert [(one.generation, one.state) for one in history.read(engine, line)] == [
        (3, RunState.RUNNING),
        (2, RunState.EXITED),
    ]
    assert len(engine.images(line.site)) == 2
    history.stop(engine, line)
    with pytest.raises(Problem, match="nothing listens there"):
        page(port)
    history.start(engine, line)
    assert probe.wait(lambda: probe.check(Endpoint("127.0.0.1", port), [probe.Expectation("/")]), 20) is None
    assert page(port) == "<h1>a</h1>"


def test_what_stays_holds_nothing_that_the_command_was_handed(tmp_path):
    """A script's lock, or the pipe by which something waits for the command's end."""
    waiting, handed = os.pipe()
    os.set_inheritable(handed, True)
    process = processes.launch(["sleep", "100"], tmp_path / "log", os.environ)
    try:
        os.close(handed)
        assert select.select([waiting], [], [], 20)[0], "its other end is still open"
        assert os.read(waiting, 1) == b""
        assert processes.is_alive(process)
    finally:
        processes.end(process, 5, tmp_path)
        os.close(waiting)


def test_lines_that_are_published_at_once_share_images_and_lose_no_name(embedded, site_image):
    """Two clones of one site at the same commit: one image, and a name of it for each."""
    lines = [replace(line_of(site_image("a"), free_port()), folder=f"/clone/{number}") for number in range(6)]

    def publish(line: ReleaseLine) -> None:
        for release in "ab":
            image = site_image(release)
            made = changed(
                job(embedded, image, line.readers.port),
                line=line,
                ship=lambda engine, progress, image=image: ship(engine, image, progress, line),
                keep=1,
            )
            assert switch(made).warnings == ()

    with ThreadPoolExecutor(len(lines)) as pool:
        list(pool.map(publish, lines))
    (image,) = embedded.engine.images(lines[0].site)
    assert sorted(image.references) == sorted(line.reference(image.labels) for line in lines)
    assert {page(line.readers.port) for line in lines} == {"<h1>b</h1>"}


@pytest.fixture
def container(embedded, site_image):
    """One that runs."""
    image = site_image("a")
    embedded.engine.load(image.archive(image.reference))
    made = embedded.engine.create(ContainerSpec("x", image.reference, {8080: ANY}, {labels.SITE: "s"}))
    embedded.engine.start(made.id)
    return made


def recorded(engine: EmbeddedEngine, container_id: str) -> processes.Process:
    data = json.loads((engine.folder / "containers" / container_id / "process.json").read_bytes())
    return processes.Process(data["pid"], data["started"], data["boot"])


def test_states_are_read_from_the_machine(embedded, site_image):
    engine, image = embedded.engine, site_image("a")
    engine.load(image.archive(image.reference))
    made = engine.create(ContainerSpec("x", image.reference, {8080: ANY}))
    assert made.state is RunState.CREATED
    assert engine.endpoint(made.id, 8080) is None
    engine.start(made.id)
    # Another engine on the same folder is another command, later.
    later = EmbeddedEngine(engine.folder, engine.runner)
    assert later.inspect(made.id).state is RunState.RUNNING
    assert later.endpoint(made.id, 8080) == engine.endpoint(made.id, 8080)
    later.stop(made.id, 2)
    assert engine.inspect(made.id).state is RunState.EXITED
    engine.remove(made.id)
    assert engine.inspect(made.id) is None
    engine.remove(made.id)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"x"', "[" * 100_000, '{"pid": "x", "publish": [1]}'])
def test_a_record_of_another_shape_is_one_message(embedded, container, text):
    engine = embedded.engine
    for file in ("process.json", "spec.json"):
        record = engine.folder / "containers" / container.id / file
        whole = record.read_bytes()
        record.write_text(text)
        with pytest.raises(Problem, match=f"{file} is broken") as caught:
            engine.containers()
        record.write_bytes(whole)
        assert caught.value.code is Exit.MACHINE
    (image,) = (engine.folder / "images").glob("*/image.json")
    image.write_text(text)
    with pytest.raises(Problem, match=r"image[.]json is broken"):
        engine.images("s")


def test_a_process_that_was_killed_from_outside_is_seen_as_ended(embedded, container):
    process = recorded(embedded.engine, container.id)
    os.kill(process.pid, 9)
    assert probe.wait(lambda: processes.is_alive(process) or None, 5) is None
    assert embedded.engine.inspect(container.id).state is RunState.EXITED


def test_a_pid_that_somebody_else_has_now_is_never_signalled(embedded, container):
    """As after a reboot, or when pids have come round: same pid, other start time or other boot."""
    engine = embedded.engine
    file = engine.folder / "containers" / container.id / "process.json"
    mine = json.loads(file.read_bytes())
    time.sleep(0.03)  # start times are counted in hundredths of a second
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
        try:
            for change in ({"pid": innocent.pid}, {"pid": innocent.pid, "boot": "another", "started": 0}):
                file.write_text(json.dumps(mine | change))
                assert engine.inspect(container.id).state is RunState.EXITED
                engine.stop(container.id, 1)
                assert innocent.poll() is None
        finally:
            innocent.kill()
    file.write_text(json.dumps(mine))


def test_a_process_has_a_session_of_its_own_and_holds_no_file_of_ours(container, embedded):
    process = recorded(embedded.engine, container.id)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    links = [str(Path(f"/proc/{process.pid}/fd/{number}").readlink()) for number in "012"]
    log = str(embedded.engine.folder / "containers" / container.id / "log")
    assert links == ["/dev/null", log, log]


def test_the_log_is_shown_from_its_end(embedded, container):
    folder = embedded.engine.folder / "containers" / container.id
    with (folder / "log").open("a") as log:
        log.writelines(f"line {number}\n" for number in range(30_000))
    assert embedded.engine.logs(container.id, 2) == "line 29998\nline 29999\n"


def test_a_port_that_is_taken_is_said_before_anything_starts(embedded, site_image):
    image = site_image("a")
    embedded.engine.load(image.archive(image.reference))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        made = embedded.engine.create(ContainerSpec("x", image.reference, {8080: Endpoint("127.0.0.1", port)}))
        with pytest.raises(Problem, match=f"port {port} of 127.0.0.1 can't be had: Address already in use"):
            embedded.engine.start(made.id)


def test_an_image_in_use_is_not_removed(embedded, container, site_image):
    reference = site_image("a").reference
    with pytest.raises(Problem, match="is in use by a container"):
        embedded.engine.remove_image(reference)
    embedded.engine.remove(container.id)
    embedded.engine.remove_image(reference)
    assert embedded.engine.image(reference) is None
    assert list((embedded.engine.folder / "images").iterdir()) == []


def test_the_same_name_moves_from_image_to_image(embedded, site_image):
    engine, first, second = embedded.engine, site_image("a"), site_image("b")
    engine.load(first.archive("localhost/site/x:1"))
    engine.load(second.archive("localhost/site/x:1"))
    assert engine.image("localhost/site/x:1").diff_ids == tuple(one.diff_id for one in second.layers)
    engine.tag(engine.image("localhost/site/x:1").id, "localhost/site/x:2")
    engine.remove_image("localhost/site/x:1")
    assert engine.image("localhost/site/x:2").references == ("localhost/site/x:2",)


def test_an_image_for_another_architecture_is_refused(embedded, site_image):
    image = replace(site_image("a"), architecture="riscv64")
    with pytest.raises(Problem, match="the image is for riscv64, this machine is"):
        embedded.engine.load(image.archive(image.reference))
