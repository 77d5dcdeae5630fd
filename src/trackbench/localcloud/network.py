"""The network model: when each byte of an answer would arrive.

The model works at the server: it holds an answer back until the moment at which its bytes would have reached the
client. A shared link is a virtual clock that moves on by size over bandwidth for each piece that is ready to go; a
piece is charged when it is ready and never before, since one charged for a future moment would stall the others.
"""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Final

from trackbench.localcloud.connection import INITIAL_WINDOW

if TYPE_CHECKING:
    from trackbench.localcloud.connection import Connection
    from trackbench.localcloud.profiles import Profile
    from trackbench.localcloud.reply import Reply

_HANDSHAKES: Final = 2  # round trips before the first request: TCP's and TLS 1.3's (RFC 8446)
_IDLE: Final = (
    1.0  # seconds after which a sender starts slowly again (RFC 5681, 4.1, with the usual least timeout)
)
_SEGMENT: Final = 1460
_PIECE: Final = 1 << 16
_PIECE_SECONDS: Final = 0.004  # a fast connection gets larger pieces, so that the model costs less than the data
_MOST_PIECE: Final = 1 << 20
_UNLIMITED: Final = 1e9  # bytes a second that slow start grows to where no bandwidth is set


class NetworkModel:
    """Decides when pieces of answers arrive.

    All times are seconds of the event loop's clock.
    """

    def __init__(self, profile: Profile, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a model, not a secret
        self.profile = profile

    @property
    def profile(self) -> Profile:
        """The network that is modelled."""
        return self._profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._profile = profile
        self.shaped = profile.shaped
        self._link_free_at = 0.0
        self._buckets: dict[str, tuple[float, float]] = {}
        fastest = profile.connection_bandwidth or profile.total_bandwidth or _UNLIMITED
        self._piece = int(min(max(_PIECE, fastest * _PIECE_SECONDS), _MOST_PIECE))
        self._full_window = fastest * profile.rtt

    def first_byte(self, reply: Reply, connection: Connection, now: float) -> float:
        """Return when the first byte of an answer arrives at the client whose request came now.

        A connection that is new is charged its handshakes: TCP's and TLS's round trips.
        """
        profile = self._profile
        wait = profile.rtt
        if connection.role is None:
            wait += _HANDSHAKES * profile.rtt
        elif profile.slow_start and now - connection.last_used > _IDLE:
            connection.window = INITIAL_WINDOW
        if not reply.data:
            return now + wait + self._lognormal(profile.edge_delay_median, profile.edge_delay_sigma)
        if profile.ttfb_tail_probability and self._random.random() < profile.ttfb_tail_probability:
            return now + wait + profile.ttfb_tail
        return now + wait + self._lognormal(profile.ttfb_median, profile.ttfb_sigma)

    def allows(self, prefix: str, now: float) -> bool:
        """Return whether one more request for `prefix` is within the limit: a bucket of one second's requests."""
        limit = self._profile.request_limit
        if limit is None:
            return True
        level, filled_at = self._buckets.get(prefix, (limit, now))
        level = min(limit, level + (now - filled_at) * limit)
        allowed = level >= 1.0
        self._buckets[prefix] = (level - allowed, now)
        return allowed

    def piece(self, connection: Connection, flown: float) -> int:
        """Return how many bytes may go as one piece after `flown` bytes of this round trip."""
        if self._grows(connection):
            return min(self._piece, max(_SEGMENT, int(connection.window - flown)))
        return self._piece

    def carried(self, size: int, connection: Connection, ready: float) -> float:
        """Charge a piece of `size` bytes that is ready now, and return when its last byte arrives."""
        profile = self._profile
        arrives = ready
        if profile.total_bandwidth is not None:
            self._link_free_at = max(self._link_free_at, ready) + size / profile.total_bandwidth
            arrives = self._link_free_at
        if profile.connection_bandwidth is not None:
            connection.free_at = max(connection.free_at, ready) + size / profile.connection_bandwidth
            arrives = max(arrives, connection.free_at)
        return arrives

    def acknowledge(self, connection: Connection, flown: float, arrived: float) -> tuple[float, float]:
        """Return the bytes in flight and the moment for the next piece, after a piece that arrived at `arrived`.

        In slow start a full window waits for its acknowledgement, one round trip, and doubles.
        """
        if self._grows(connection) and flown >= connection.window:
            connection.window *= 2
            return 0.0, arrived + self._profile.rtt
        return flown, arrived

    def _grows(self, connection: Connection) -> bool:
        return self._profile.slow_start and connection.window < self._full_window

    def _lognormal(self, median: float, sigma: float) -> float:
        return median * math.exp(self._random.gauss(0.0, sigma)) if sigma else median
