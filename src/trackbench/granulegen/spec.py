"""What to write: which pass of which track, how much of it, and what is odd about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from trackbench.errors import InputError
from trackbench.granulegen.orbit import TURN_SECONDS, node_time, region_angles
from trackbench.granules import GranuleName

BEAMS: Final = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
"""Ground tracks of a granule, from left to right as seen in the direction of flight."""

EPOCH: Final = datetime(2018, 1, 1, tzinfo=UTC)
"""What delta_time counts from: the ATLAS Standard Data Product epoch."""

_OLDEST, _NEWEST = 3, 7


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """What is odd about a granule; by default nothing.

    Attributes
    ----------
    missing_beams
        Beams whose group is absent, as after NSIDC's subsetter.
    hollow_beams
        Beams that hold only ``residual_histogram``, as in subsets that miss a beam.
    nan_coordinates, out_of_range_coordinates
        Segments of each beam whose latitude or longitude is NaN, or outside of the Earth.
    fill_fraction
        Share of the segments whose ``h_li`` is fill. None: at most 1 %, as over ice sheets.
    empty
        Each beam has its datasets, and no segment in them.
    """

    missing_beams: tuple[str, ...] = ()
    hollow_beams: tuple[str, ...] = ()
    nan_coordinates: int = 0
    out_of_range_coordinates: int = 0
    fill_fraction: float | None = None
    empty: bool = False

    def __post_init__(self) -> None:
        """Refuse what no granule can be."""
        unknown = sorted({*self.missing_beams, *self.hollow_beams} - set(BEAMS))
        if unknown:
            raise InputError(f"{unknown[0]!r} is not a beam: choose from {', '.join(BEAMS)}.")
        if self.fill_fraction is not None and not 0 <= self.fill_fraction <= 1:
            raise InputError(f"The share of fill is {self.fill_fraction}: it must be between 0 and 1.")
        if min(self.nan_coordinates, self.out_of_range_coordinates) < 0:
            raise InputError("A number of odd coordinates cannot be negative.")


@dataclass(frozen=True, slots=True)
class GranuleSpec:
    """One synthetic ATL06 granule; the same spec gives the same bytes.

    Attributes
    ----------
    rgt, cycle, region
        Which pass (1 to 1387, from 1) and which part of it (1 to 14).
    release, revision
        Layout to follow: releases 3 to 6 keep the chunks of all variables mixed, release 7 keeps them dataset by
        dataset in pages of 8 MiB.
    ballast
        ``full``: every dataset is as large as in real granules. ``light``: so are coordinates, times, heights and
        flags, while each other variable is constant and costs next to nothing.
    seed
        Chooses the noise and the gaps.
    segments
        Length along the track in segments of 20 m; None is the whole region.
    around
        Longitude and latitude in degrees that a shortened granule is centred on (the nearest point of the track);
        None is the middle of the region.
    edges
        What is odd about it.
    """

    rgt: int
    cycle: int
    region: int
    release: int = 6
    revision: int = 1
    ballast: Literal["full", "light"] = "light"
    seed: int = 0
    segments: int | None = None
    around: tuple[float, float] | None = None
    edges: EdgeCases = field(default_factory=EdgeCases)

    def __post_init__(self) -> None:
        """Refuse a pass that does not exist, and a release whose layout is not known."""
        node_time(self.rgt, self.cycle)
        region_angles(self.region)
        if not _OLDEST <= self.release <= _NEWEST:
            raise InputError(f"The layout of release {self.release} is not known: choose {_OLDEST} to {_NEWEST}.")
        if self.segments is not None and self.segments < 1:
            raise InputError("A granule has at least one segment; EdgeCases(empty=True) asks for none.")

    @property
    def start(self) -> datetime:
        """When the pass enters the region, UTC, to the second."""
        seconds = node_time(self.rgt, self.cycle) + region_angles(self.region)[0] / math.tau * TURN_SECONDS
        return EPOCH + timedelta(seconds=int(seconds))

    @property
    def name(self) -> GranuleName:
        """The name of the granule."""
        return GranuleName("ATL06", self.start, self.rgt, self.cycle, self.region, self.release, self.revision)
