"""What a backend may touch: endpoints, folders, limits, progress, and the phase timers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.granules import Granule, GranuleName

type Progress = Callable[[int, int, str], None]
"""Called with how many pieces are done, how many there are, and what they are."""

type Phase = Literal["startup", "discover", "metadata", "coordinates", "read", "filter", "write"]
PHASES: Final[tuple[Phase, ...]] = ("startup", "discover", "metadata", "coordinates", "read", "filter", "write")
"""``startup`` is importing the client and logging in; the others are the work on the data. ``coordinates`` is
reading those, where that can be told from reading the other variables, which is ``read``."""

_NO_SERVICES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the Earthdata cloud is: NASA's, or a local one that stands in for it.

    Attributes
    ----------
    cmr_url
        Address of the Common Metadata Repository's search, ending in ``/search/``.
    edl_host
        Host (and port) of Earthdata Login.
    s3_credentials
        Address that gives out temporary S3 credentials for the granules.
    s3_endpoint
        Address of the object store, or None for AWS.
    stand_in
        Whether these are local stand-ins; a time taken against them is not the service's.
    environment
        Variables that a client process must start with: trust, proxies, credentials.
    services
        Addresses of further services by name: ``sliderule``, ``harmony``, ``opendap``.
    """

    cmr_url: str
    edl_host: str
    s3_credentials: str
    s3_endpoint: str | None
    stand_in: bool
    environment: Mapping[str, str]
    services: Mapping[str, str] = _NO_SERVICES


LIVE: Final = Endpoints(
    cmr_url="https://cmr.earthdata.nasa.gov/search/",
    edl_host="urs.earthdata.nasa.gov",
    s3_credentials="https://data.nsidc.earthdatacloud.nasa.gov/s3credentials",
    s3_endpoint=None,
    stand_in=False,
    environment=MappingProxyType({}),
)
"""NASA's own endpoints."""


@dataclass(slots=True)
class PhaseTimer:
    """Seconds of wall time by phase.

    A piece of work belongs to one phase at a time. Work that runs in parallel is measured where it runs and
    brought back by `share`, so that the phases of a run add up to its wall time.
    """

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Add the time spent in the block to the phase `name`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - begin

    def add(self, name: Phase, seconds: float) -> None:
        """Add `seconds` to the phase `name`."""
        self.seconds[name] += seconds

    def share(self, wall: float, parts: Mapping[str, float]) -> None:
        """Divide `wall` seconds of parallel work among phases, in proportion to the workers' own sums.

        Without any sums the time goes to ``read``: the work was there, and nothing says what it was.
        """
        total = sum(parts.values())
        if total <= 0:
            self.seconds["read"] += wall
            return
        for name, part in parts.items():
            self.seconds[name] += wall * part / total


def no_progress(done: int, total: int, text: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Session:
    """Everything outside itself that a backend may use. Nothing else reaches the network.

    Attributes
    ----------
    endpoints
        Where the cloud is.
    cache
        Folder for artifacts and other files that may be kept between runs.
    scratch
        Folder for files of this run alone; it is emptied afterwards.
    concurrency
        Most requests, files or workers to have open at a time.
    granules
        When given, exactly these granules are read, and finding them is not part of the job.
    index
        Place of a chunk index that is there already: a folder, or an address.
    trace
        File for what happened when, where a backend can tell.
    progress
        Told about each granule done.
    timer
        Times the phases.
    sources
        A backend adds the name of each granule that gave rows; the file's metadata cites them.
    """

    endpoints: Endpoints
    cache: Path
    scratch: Path
    concurrency: int = 8
    granules: tuple[Granule, ...] | None = None
    index: str | None = None
    trace: Path | None = None
    progress: Progress = no_progress
    timer: PhaseTimer = field(default_factory=PhaseTimer)
    sources: set[GranuleName] = field(default_factory=set)
