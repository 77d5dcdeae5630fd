"""Which reference ground tracks pass over a box, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from trackbench.errors import InputError
from trackbench.granulegen.orbit import (
    REGIONS,
    TRACKS,
    reference_track,
    region_angles,
    to_degrees,
)
from trackbench.granulegen.spec import BEAMS, GranuleSpec
from trackbench.granulegen.track import ACROSS, EARTH_RADIUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OUTAGES: Final = (
    (datetime(2019, 6, 26, tzinfo=UTC), datetime(2019, 7, 26, tzinfo=UTC)),
    (datetime(2024, 5, 10, tzinfo=UTC), datetime(2024, 6, 21, tzinfo=UTC)),
)
"""The two long stretches without data: the spacecraft was in safe hold (NSIDC, ICESat-2 mission news)."""

# Finer than the 200 m by which a beam can miss a corner unseen.
_ANGLE_STEP: Final = 2 * np.pi / 200_000


@dataclass(frozen=True, slots=True, order=True)
class Crossing:
    """A track that passes over a box.

    Attributes
    ----------
    rgt, region
        The track, and the part of it: granules of that region hold the segments.
    beams
        The ground tracks that enter the box, from left to right.
    """

    rgt: int
    region: int
    beams: tuple[str, ...]


def tracks_crossing(west: float, south: float, east: float, north: float) -> tuple[Crossing, ...]:
    """Find the tracks of which at least one beam enters a box.

    Parameters
    ----------
    west, south, east, north
        Degrees; ``west`` greater than ``east`` crosses the antimeridian.

    Returns
    -------
    tuple of Crossing
        Sorted by RGT and region.

    Raises
    ------
    InputError
        If the box has no height.
    """
    if south >= north:
        raise InputError(f"The box reaches from {south} to {north} degrees north: it has no height.")
    found: dict[tuple[int, int], list[str]] = {}
    turns = 360.0 * 91 / TRACKS * np.arange(TRACKS)
    for region in range(1, REGIONS + 1):
        begin, end = region_angles(region)
        angles = np.arange(begin, end, _ANGLE_STEP)
        normals = reference_track(np.concatenate([angles, [end, end + _ANGLE_STEP]]))
        left = np.cross(normals[:, :-1], np.diff(normals, axis=1), axis=0)
        left /= np.linalg.norm(left, axis=0)
        for beam in BEAMS:
            longitude, latitude = to_degrees(normals[:, :-1] + left * (ACROSS[beam] / EARTH_RADIUS))
            near = longitude[(latitude >= south) & (latitude <= north)]
            if near.size == 0:
                continue
            eastward = (near[None, :] - turns[:, None] - west) % 360.0
            for track in np.flatnonzero((eastward <= (east - west) % 360.0).any(axis=1)):
                found.setdefault((int(track) + 1, region), []).append(beam)
    return tuple(Crossing(rgt, region, tuple(beams)) for (rgt, region), beams in sorted(found.items()))


def passes(crossings: Iterable[Crossing], start: datetime, end: datetime) -> Iterator[GranuleSpec]:
    """Yield a granule for each pass of the given tracks that starts in ``[start, end)``, outages left out.

    They come by cycle and then RGT; the specs are of the default release, ballast and seed.
    """
    wanted = sorted(crossings)
    cycle = 1
    while True:
        specs = [GranuleSpec(each.rgt, cycle, each.region) for each in wanted]
        if not specs or min(spec.start for spec in specs) >= end:
            return
        yield from (spec for spec in specs if start <= spec.start < end and not _is_out(spec.start))
        cycle += 1


def _is_out(moment: datetime) -> bool:
    return any(begin <= moment < end for begin, end in OUTAGES)
