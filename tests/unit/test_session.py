"""Phase timers and the endpoints of a session."""

from __future__ import annotations

import time
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackbench.session import LIVE, PHASES, PhaseTimer


def test_a_new_timer_has_every_phase_at_zero() -> None:
    """A record shows each phase, those that took no time too."""
    assert PhaseTimer().seconds == dict.fromkeys(PHASES, 0.0)


def test_a_block_counts_for_its_phase_alone() -> None:
    """Time is added to the phase that is named, block after block."""
    timer = PhaseTimer()

    for _ in range(2):
        with timer.phase("read"):
            time.sleep(0.01)

    assert timer.seconds["read"] >= 0.02
    assert all(timer.seconds[phase] == 0 for phase in PHASES if phase != "read")


def test_a_block_that_fails_counts_too() -> None:
    """A failed attempt took its time, and its error goes on."""
    timer = PhaseTimer()

    def attempt() -> None:
        with timer.phase("discover"):
            time.sleep(0.01)
            raise KeyError

    with pytest.raises(KeyError):
        attempt()
    assert timer.seconds["discover"] >= 0.01


def test_timers_share_nothing() -> None:
    """Two runs of one process have a timer each."""
    first, second = PhaseTimer(), PhaseTimer()

    first.add("write", 1.5)

    assert (first.seconds["write"], second.seconds["write"]) == (1.5, 0.0)


@given(
    st.floats(0, 1e4),
    st.dictionaries(st.sampled_from(PHASES), st.floats(1e-9, 1e6), min_size=1),
)
def test_parallel_work_adds_up_to_its_wall_time(wall: float, parts: dict[str, float]) -> None:
    """However long the workers took together, their phases sum to the time on the clock, in their proportion."""
    timer = PhaseTimer()

    timer.share(wall, parts)

    assert sum(timer.seconds.values()) == pytest.approx(wall)
    for phase, part in parts.items():
        assert dict(timer.seconds)[phase] == pytest.approx(wall * part / sum(parts.values()))


@pytest.mark.parametrize("parts", [{}, {"metadata": 0.0}])
def test_parallel_work_that_was_not_timed_counts_as_reading(parts: dict[str, float]) -> None:
    """Wall time never disappears."""
    timer = PhaseTimer()

    timer.share(2.0, parts)

    assert timer.seconds["read"] == 2.0


def test_the_live_endpoints_are_nasas() -> None:
    """Without a local cloud no stand-in takes part, and nothing is told to a client but NASA's addresses."""
    assert not LIVE.stand_in
    assert LIVE.cmr_url.startswith("https://cmr.earthdata.nasa.gov/")
    assert LIVE.s3_credentials.endswith("nasa.gov/s3credentials")
    assert LIVE.environment == MappingProxyType({})
