"""The network model: when bytes arrive, by its own clock."""

from __future__ import annotations

import math
import socket
import statistics
from typing import TYPE_CHECKING

import pytest

from trackbench.localcloud import PROFILES, Profile
from trackbench.localcloud.connection import INITIAL_WINDOW, Connection
from trackbench.localcloud.network import NetworkModel
from trackbench.localcloud.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def connect() -> Iterator[Callable[[], Connection]]:
    """Make connections that are closed in the end."""
    made: list[Connection] = []

    def make() -> Connection:
        with socket.socket() as given:
            made.append(Connection(given.fileno()))
        return made[-1]

    yield make
    for connection in made:
        connection.socket.close()


def _transfer(model: NetworkModel, connection: Connection, size: int, ready: float) -> float:
    """Return when the last of `size` bytes arrives that are ready at `ready`."""
    sent, flown, arrives = 0, 0.0, ready
    while sent < size:
        piece = min(model.piece(connection, flown), size - sent)
        arrives = model.carried(piece, connection, ready)
        sent += piece
        flown, ready = model.acknowledge(connection, flown + piece, arrives)
    return arrives


def test_first_byte_of_data_is_lognormal(connect: Callable[[], Connection]) -> None:
    """Over many requests the median and the 95th percentile are those that were published."""
    profile = PROFILES["in-region"]
    model = NetworkModel(profile, seed=1)
    connection = connect()
    connection.role = "s3"
    waits = [model.first_byte(Reply(data=True), connection, 100.0) - 100.0 for _ in range(20_000)]
    assert statistics.median(waits) == pytest.approx(0.028, rel=0.03)
    assert statistics.quantiles(waits, n=20)[-1] == pytest.approx(0.076, rel=0.05)


def test_same_seed_same_draws(connect: Callable[[], Connection]) -> None:
    """Two models with one seed draw the same, with another seed otherwise."""

    def draws(seed: int) -> list[float]:
        model = NetworkModel(PROFILES["laptop"], seed)
        return [model.first_byte(Reply(data=True), connect(), 0.0) for _ in range(5)]

    assert draws(3) == draws(3)
    assert draws(3) != draws(4)


def test_tail(connect: Callable[[], Connection]) -> None:
    """A rare first byte takes as long as the tail says."""
    profile = Profile("t", "t", "t", ttfb_median=0.01, ttfb_tail_probability=0.5, ttfb_tail=10.0)
    model = NetworkModel(profile, seed=0)
    waits = {model.first_byte(Reply(data=True), connect(), 0.0) for _ in range(50)}
    assert waits == {0.01, 10.0}


def test_a_new_connection_costs_its_handshakes(connect: Callable[[], Connection]) -> None:
    """The first request waits two round trips more, and edge services wait their own time."""
    model = NetworkModel(Profile("t", "t", "t", rtt=0.1, ttfb_median=0.01, edge_delay_median=0.5), seed=0)
    connection = connect()
    assert model.first_byte(Reply(data=True), connection, 5.0) == pytest.approx(5.31)
    connection.role = "s3"
    assert model.first_byte(Reply(data=True), connection, 5.0) == pytest.approx(5.11)
    assert model.first_byte(Reply(), connection, 5.0) == pytest.approx(5.6)


def test_bandwidth_of_one_and_of_all(connect: Callable[[], Connection]) -> None:
    """One connection gets its own bandwidth, two share the link."""
    model = NetworkModel(Profile("t", "t", "t", connection_bandwidth=40e6, total_bandwidth=60e6), seed=0)
    assert _transfer(model, connect(), 40_000_000, 0.0) == pytest.approx(1.0)
    both = [connect(), connect()]
    ready = [10.0, 10.0]
    for _ in range(300):  # turn by turn, as the event loop takes them
        for index, connection in enumerate(both):
            ready[index] = model.carried(100_000, connection, ready[index])
    assert max(ready) - 10.0 == pytest.approx(1.0, rel=0.02)


def test_an_idle_link_saves_nothing_up(connect: Callable[[], Connection]) -> None:
    """After a pause a piece takes as long as before it: the clock of the link does not lag."""
    model = NetworkModel(Profile("t", "t", "t", total_bandwidth=1e6), seed=0)
    connection = connect()
    assert model.carried(1000, connection, 0.0) == pytest.approx(0.001)
    assert model.carried(1000, connection, 50.0) == pytest.approx(50.001)


def test_slow_start_doubles_and_starts_again_after_idling(connect: Callable[[], Connection]) -> None:
    """64 KiB take three round trips of waiting on a cold connection and none on a warm one."""
    profile = Profile("t", "t", "t", rtt=0.1, connection_bandwidth=100e6, slow_start=True)
    model = NetworkModel(profile, seed=0)
    connection = connect()
    assert _transfer(model, connection, 65536, 0.0) == pytest.approx(0.2 + 65536 / 100e6, rel=0.01)
    _transfer(model, connection, 40_000_000, 1.0)
    connection.role, connection.last_used = "s3", 5.0
    model.first_byte(Reply(data=True), connection, 5.5)
    assert connection.window > 1e6
    assert _transfer(model, connection, 65536, 5.5) == pytest.approx(5.5 + 65536 / 100e6)
    model.first_byte(Reply(data=True), connection, 6.1)
    assert connection.window == INITIAL_WINDOW


def test_request_limit_is_by_prefix() -> None:
    """A prefix has a second's worth of requests at hand and gets more at its rate; others are not touched."""
    model = NetworkModel(Profile("t", "t", "t", request_limit=10), seed=0)
    assert [model.allows("a", 0.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert model.allows("b", 0.0)
    assert [model.allows("a", 0.25) for _ in range(3)] == [True, True, False]
    assert all(NetworkModel(PROFILES["loopback"], 0).allows("a", 0.0) for _ in range(100))


def test_lognormal_parameters_follow_from_the_published_quantiles() -> None:
    """The spread of the first byte is the one between the published median and 95th percentile."""
    assert PROFILES["in-region"].ttfb_sigma == pytest.approx(math.log(75 / 27) / 1.645, abs=0.005)
