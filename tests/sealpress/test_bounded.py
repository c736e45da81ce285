"""However slowly a peer takes and gives, it comes to an end; what is only large has the time that it takes."""

import pytest

from sealpress import bounded


def test_a_peer_that_takes_what_is_sent_too_slowly_is_given_up(monkeypatch):
    """It takes something all the time, but a byte at a time."""
    clock = [0.0]
    monkeypatch.setattr(bounded.time, "monotonic", lambda: clock[0])
    allowance = bounded.Allowance()
    allowance.begin(600, 600)
    for _ in range(5):
        clock[0] += 100
        allowance.sent(1)
        assert allowance.left() > 0
    clock[0] += 101
    allowance.sent(1)
    with pytest.raises(bounded.Misbehaviour, match="gives no answer in 600 seconds"):
        allowance.left()


def test_a_wide_archive_over_a_slow_line_has_the_time_that_it_takes(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(bounded.time, "monotonic", lambda: clock[0])
    allowance = bounded.Allowance()
    allowance.begin(600, 600)
    for _ in range(1000):
        clock[0] += 100
        allowance.sent(400 << 10)
        assert allowance.left() > 0
    clock[0] += 601
    with pytest.raises(bounded.Misbehaviour):
        allowance.left()


def test_a_large_body_may_take_as_long_as_its_size_does_and_no_longer(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(bounded.time, "monotonic", lambda: clock[0])
    allowance = bounded.Allowance()
    allowance.begin(60, 60)
    allowance.received(1)
    allowance.widen()
    for _ in range(1000):
        clock[0] += 50
        allowance.received(64 << 10)
        assert allowance.left() > 0
    dripping = bounded.Allowance()
    dripping.begin(60, 60)
    dripping.widen()
    for _ in range(3):
        clock[0] += 20
        dripping.received(1)
    clock[0] += 21
    with pytest.raises(bounded.Misbehaviour, match="does not come to the end"):
        dripping.left()
