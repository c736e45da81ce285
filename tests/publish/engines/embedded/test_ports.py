"""A port that is chosen for a server stays its own until it listens."""

import re
import socket
from contextlib import closing

import pytest

from publish.engines.embedded import processes
from publish.engines.protocol import Endpoint
from sealpress.problems import Exit, Problem
from tests.ports import free_port

ANY = Endpoint("127.0.0.1", 0)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def test_nobody_else_is_given_a_port_that_is_held_and_its_server_can_listen_there():
    with processes.held(ANY) as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with closing(socket.create_server(("127.0.0.1", port))), closing(connected(port)):
            pass


def test_many_are_held_at_once():
    with processes.held(ANY) as one, processes.held(ANY) as two, processes.held(ANY) as three:
        assert len({one, two, three}) == 3


def test_a_port_is_held_for_both_families():
    with processes.held(Endpoint("", 0)) as port:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as other, pytest.raises(OSError, match="in use"):
                other.bind((address, port))


def test_a_port_on_which_somebody_listens_is_told():
    port = free_port()
    said = re.escape(f"port {port} of 127.0.0.1 can't be had: Address already in use")
    with closing(socket.create_server(("127.0.0.1", port))), pytest.raises(Problem, match=said) as caught:
        processes.held(Endpoint("127.0.0.1", port)).__enter__()
    assert caught.value.code == Exit.ENGINE


def test_a_listener_is_waited_for_as_long_as_its_server_lives():
    looks: list[int] = []
    with processes.held(ANY) as port:
        here = Endpoint("127.0.0.1", port)

        def is_alive() -> bool:
            looks.append(port)
            return len(looks) < 4

        processes.await_listener(here, is_alive)  # it ended
        assert len(looks) == 4
        looks.clear()
        with closing(socket.create_server(("127.0.0.1", port))):
            processes.await_listener(here, is_alive)
        assert len(looks) == 1
