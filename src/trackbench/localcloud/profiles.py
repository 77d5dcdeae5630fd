"""Networks that the local cloud can pretend to be, and where their numbers come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MEGABYTE: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What a network costs.

    Attributes
    ----------
    name, description
        For people; the description says what the machine itself limits.
    sources
        Where each number was published, or that it is assumed.
    rtt
        Round trip, seconds.
    ttfb_median, ttfb_sigma
        The object store's own time to the first byte, beyond the round trip: lognormal, with this median (seconds)
        and this standard deviation of its logarithm.
    ttfb_tail_probability, ttfb_tail
        With this probability the first byte takes this long (seconds) instead.
    connection_bandwidth, total_bandwidth
        Bytes a second on one connection, and on the link that all connections share. None is unlimited.
    edge_delay_median, edge_delay_sigma
        The service's own time of a request that is not for data: a redirect of the data host, credentials, login,
        a search. Lognormal, seconds.
    request_limit
        Requests a second to one prefix of the object store, beyond which it answers 503 Slow Down. None is
        unlimited.
    in_region
        Whether the instance metadata says us-west-2, so that clients read over S3.
    slow_start
        Whether a connection starts with ten segments and doubles each round trip (RFC 6928), again after a
        second of idleness.
    """

    name: str
    description: str
    sources: str
    rtt: float = 0.0
    ttfb_median: float = 0.0
    ttfb_sigma: float = 0.0
    ttfb_tail_probability: float = 0.0
    ttfb_tail: float = 0.0
    connection_bandwidth: float | None = None
    total_bandwidth: float | None = None
    edge_delay_median: float = 0.0
    edge_delay_sigma: float = 0.0
    request_limit: float | None = None
    in_region: bool = False
    slow_start: bool = False

    @property
    def shaped(self) -> bool:
        """Whether anything at all is limited or delayed."""
        delays = (self.rtt, self.ttfb_median, self.ttfb_tail_probability, self.edge_delay_median)
        limits = (self.connection_bandwidth, self.total_bandwidth, self.request_limit)
        return any(delays) or any(limit is not None for limit in limits)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)


_FIRST_BYTE = (
    "First byte: median 27 ms, 95th percentile 75 ms, longest about 10 s in a million GETs of 1 KiB"
    " (Bodner et al. 2025, arXiv 2501.07771), hence sigma ln(75/27)/1.645 = 0.62."
)
_BUSY = (
    "First byte 30 ms and 55 MB/s a connection: weeks of measurement (Durner, Leis and Neumann 2023, PVLDB 16);"
    " the spread is that of in-region."
)
_CONNECTION_90 = "Per connection: 85 to 90 MB/s (AWS, Amazon S3 performance design patterns)."
_TOTAL = (
    "Total: an m5.large reached 873 MB/s (dvassallo/s3-benchmark, 2019); capped at 400 MB/s, which is what client"
    " and server can move between them on two cores."
)
_LIMIT = "Limit: 5,500 GET a second and prefix (AWS, Amazon S3 performance design patterns)."
_EDGE = (
    "Edge services (data host, credentials, login, search): 500 ms, sigma 0.4, assumed; getting S3 credentials"
    " from NSIDC took 0.85 s with connecting (earthaccess pull request 1183)."
)
_INTER_ZONE = "Round trip: 1 ms, between availability zones (published: 0.25 to 3.4 ms)."

_PROFILES: Final = (
    Profile(
        name="loopback",
        description="No network at all: the control, and the ceiling of this machine. Outside of us-west-2.",
        sources="Nothing is modelled.",
    ),
    Profile(
        name="in-region",
        description="A machine in us-west-2 that reads over S3. Total bandwidth is capped at 400 MB/s: two cores.",
        sources=f"{_INTER_ZONE} {_FIRST_BYTE} {_CONNECTION_90} {_TOTAL} {_LIMIT} {_EDGE}",
        rtt=0.001,
        ttfb_median=0.027,
        ttfb_sigma=0.62,
        ttfb_tail_probability=1e-5,
        ttfb_tail=10.0,
        connection_bandwidth=90 * MEGABYTE,
        total_bandwidth=400 * MEGABYTE,
        edge_delay_median=0.5,
        edge_delay_sigma=0.4,
        request_limit=5500,
        in_region=True,
        slow_start=True,
    ),
    Profile(
        name="in-region-busy",
        description="The same at a busy hour. Total bandwidth is capped at 400 MB/s: two cores.",
        sources=f"{_INTER_ZONE} {_BUSY} {_TOTAL} {_LIMIT} {_EDGE}",
        rtt=0.001,
        ttfb_median=0.030,
        ttfb_sigma=0.62,
        ttfb_tail_probability=1e-5,
        ttfb_tail=10.0,
        connection_bandwidth=55 * MEGABYTE,
        total_bandwidth=400 * MEGABYTE,
        edge_delay_median=0.5,
        edge_delay_sigma=0.4,
        request_limit=5500,
        in_region=True,
        slow_start=True,
    ),
    Profile(
        name="campus",
        description="A desk at a university on fibre, over HTTPS through the data host.",
        sources=f"Round trip 25 ms, 60 MB/s a connection and 1 Gb/s in all are assumed. {_FIRST_BYTE} {_EDGE}",
        rtt=0.025,
        ttfb_median=0.027,
        ttfb_sigma=0.62,
        connection_bandwidth=60 * MEGABYTE,
        total_bandwidth=110 * MEGABYTE,
        edge_delay_median=0.5,
        edge_delay_sigma=0.4,
        slow_start=True,
    ),
    Profile(
        name="laptop",
        description="A laptop on the same continent, over HTTPS through the data host.",
        sources=(
            "Round trip 70 ms, us-east-1 to us-west-2 (published: 60 to 70 ms). Link 194 Mb/s, the median of fixed"
            f" lines in the US at the end of 2022 (Ookla). {_FIRST_BYTE} {_EDGE}"
        ),
        rtt=0.070,
        ttfb_median=0.027,
        ttfb_sigma=0.62,
        connection_bandwidth=24 * MEGABYTE,
        total_bandwidth=24 * MEGABYTE,
        edge_delay_median=0.5,
        edge_delay_sigma=0.4,
        slow_start=True,
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({profile.name: profile for profile in _PROFILES})
"""The profiles by name."""
