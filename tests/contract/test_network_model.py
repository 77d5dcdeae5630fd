"""The network that a client sees is the one that was asked for, within 15 percent.

These tests take time by nature. Spread is taken out of the model where a cost is smaller than the spread; medians
and the best of several repeats leave out what else the machine was doing, and each test may try once more.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support_localcloud import Line

from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support_localcloud import KeysOf

NETWORKS = ["in-region", "in-region-busy", "campus", "laptop"]
SIZE = 48 << 20
WITHIN = 0.15
TIMER = 0.0015  # seconds: event loops wake in milliseconds
REPEATS = 3  # of which the best is believed: what else the machine does only slows


@pytest.fixture(scope="module")
def shaped_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run a cloud with one large object."""
    path = tmp_path_factory.mktemp("shaped") / "object.bin"
    path.write_bytes(bytes(1 << 20) * (SIZE >> 20))
    with LocalCloud.start(CloudConfig(files=(path,))) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def shaped_keys(shaped_cloud: LocalCloud, keys_of: KeysOf) -> dict[str, str]:
    """Keys to it."""
    return keys_of(shaped_cloud)


def _close(asked: float, measure: Callable[[], float], slack: float = 0.0) -> None:
    """Assert that what is measured is near to what was asked, at the second try at the latest."""
    got = [measure()]
    if abs(got[-1] - asked) > WITHIN * asked + slack:
        got.append(measure())
    assert min(abs(value - asked) for value in got) <= WITHIN * asked + slack, (asked, got)


def _median_first_byte(cloud: LocalCloud, keys: dict[str, str], count: int) -> float:
    def several(_: int) -> list[float]:
        with Line(cloud, keys) as line:
            line.read(1)
            return [line.read(1)[0] for _ in range(count)]

    with ThreadPoolExecutor(8) as pool:
        seconds = [second for part in pool.map(several, range(8)) for second in part]
    return statistics.median(seconds)


@pytest.mark.parametrize("name", NETWORKS)
def test_first_byte(name: str, shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """The median first byte on a connection that is in use is a round trip and the store's own time."""
    profile = PROFILES[name]
    shaped_cloud.set_profile(profile)
    _close(
        profile.rtt + profile.ttfb_median,
        lambda: _median_first_byte(shaped_cloud, shaped_keys, 16),
        TIMER,
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_new_connection(name: str, shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """A new connection costs two round trips more: TCP's handshake and TLS's."""
    profile = replace(PROFILES[name], ttfb_sigma=0.0, ttfb_tail_probability=0.0)
    shaped_cloud.set_profile(profile)

    def measure() -> float:
        costs = []
        for _ in range(5):
            with Line(shaped_cloud, shaped_keys) as line:
                costs.append(line.read(1)[0] - line.read(1)[0])
        return statistics.median(costs)

    _close(2 * profile.rtt, measure, TIMER)


@pytest.mark.parametrize("name", NETWORKS)
def test_bandwidth_of_a_connection(name: str, shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """One connection that is in use carries what it may, from the first byte to the last."""
    profile = _steady(name)
    assert profile.connection_bandwidth is not None
    shaped_cloud.set_profile(profile)
    size = int(profile.connection_bandwidth * 0.2)
    with Line(shaped_cloud, shaped_keys) as line:
        line.read(size)

        def measure() -> float:
            times = [line.read(size) for _ in range(REPEATS)]
            return max(size / (last - first) for first, last in times)

        _close(profile.connection_bandwidth, measure)


@pytest.mark.parametrize("name", NETWORKS)
def test_bandwidth_of_the_link(name: str, shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """Many connections together carry what the link may."""
    profile = _steady(name)
    assert profile.connection_bandwidth is not None
    assert profile.total_bandwidth is not None
    shaped_cloud.set_profile(profile)
    count = int(profile.total_bandwidth / profile.connection_bandwidth) + 2
    size = int(profile.total_bandwidth * 0.2 / count)
    lines = [Line(shaped_cloud, shaped_keys) for _ in range(count)]

    def measure() -> float:
        rates: list[float] = []
        with ThreadPoolExecutor(count) as pool:
            for _ in range(REPEATS):
                times = list(pool.map(lambda line: line.read(size), lines))
                rates.append(count * size / (max(last for _, last in times) - min(first for first, _ in times)))
        return max(rates)

    measure()  # so that every connection has left its slow start
    _close(profile.total_bandwidth, measure)
    for line in lines:
        line.close()


def test_slow_start(shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """On a long way a cold 64 KiB takes the round trips that real TCP takes, and an idle second brings them back.

    On a link of 30 ms and 40 MB/s the Linux kernel (cubic) needed 133 ms with connecting, 37 ms warm and 102 ms
    after idling; here TLS adds a round trip to the first.
    """
    profile = Profile(
        "test", "test", "test", rtt=0.030, connection_bandwidth=40e6, total_bandwidth=40e6, slow_start=True
    )
    shaped_cloud.set_profile(profile)

    _close(0.133 + 0.030, lambda: _new_line_takes(shaped_cloud, shaped_keys))
    with Line(shaped_cloud, shaped_keys) as line:
        line.read(4 << 20)

        def measure(wait: float) -> float:
            time.sleep(wait)
            return line.read(64 << 10)[1]

        _close(0.037, lambda: statistics.median(measure(0) for _ in range(5)))
        _close(0.102, lambda: measure(1.1))


def test_request_limit(shaped_cloud: LocalCloud, shaped_keys: dict[str, str]) -> None:
    """Beyond the limit of a prefix the store asks to slow down, and a second later it serves again."""
    shaped_cloud.set_profile(Profile("test", "test", "test", request_limit=20))
    shaped_cloud.reset_ledger()
    with Line(shaped_cloud, shaped_keys) as line:
        for _ in range(20):
            line.read(1)
        with pytest.raises(AssertionError, match="503 Service Unavailable"):
            line.read(1)
    assert shaped_cloud.ledger().errors == {503: 1}
    time.sleep(1.0)
    with Line(shaped_cloud, shaped_keys) as line:
        line.read(1)


def _new_line_takes(cloud: LocalCloud, keys: dict[str, str]) -> float:
    times = []
    for _ in range(3):
        with Line(cloud, keys) as line:
            times.append(line.read(64 << 10)[1])
    return statistics.median(times)


def _steady(name: str) -> Profile:
    return replace(PROFILES[name], ttfb_sigma=0.0, ttfb_tail_probability=0.0)
