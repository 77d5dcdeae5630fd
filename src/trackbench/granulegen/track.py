"""Coordinates of the segments of a granule: time, place, distance along and across the track, and number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trackbench.granulegen.orbit import TURN_SECONDS, node_time, reference_track, region_angles, to_degrees
from trackbench.granulegen.spec import BEAMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trackbench.granulegen.spec import GranuleSpec

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int32]

SEGMENT_SECONDS: Final = 0.0028188
"""Time between segments, as in granules of release 6 over Greenland."""
SEGMENT_METRES: Final = 20.017
"""Distance between segments, likewise."""
_ANGLE: Final = 2 * np.pi * SEGMENT_SECONDS / TURN_SECONDS
EARTH_RADIUS: Final = 6_378_000.0
# Metres per segment number, averaged from the equator on: segment 369,758 lies at 7,411,600 m.
_METRES_PER_NUMBER: Final = 20.0446

# Metres to the left of the reference track, of a granule of release 6 over Greenland: pairs 3.3 km apart, 90 m
# within a pair.
ACROSS: Final = {"gt1l": 3282.0, "gt1r": 3196.0, "gt2l": 46.0, "gt2r": -40.0, "gt3l": -3194.0, "gt3r": -3283.0}


@dataclass(frozen=True, slots=True)
class Beam:
    """The dense segments of one beam: one each 20 m, whether its height was found or not.

    Attributes
    ----------
    delta_time, longitude, latitude, x_atc
        float64 of shape (n,): seconds since 2018-01-01, degrees, degrees, metres from the equator.
    y_atc
        float32 of shape (n,): metres to the left of the reference track.
    segment_id
        int32 of shape (n,), rising by one.
    found
        bool of shape (n,): the segment is in ``land_ice_segments``. The same in both beams of a pair.
    """

    delta_time: Floats
    longitude: Floats
    latitude: Floats
    x_atc: Floats
    y_atc: NDArray[np.float32]
    segment_id: Integers
    found: NDArray[np.bool_]


def fly(spec: GranuleSpec) -> dict[str, Beam]:
    """Return the segments of each beam along the part of the track that a granule covers."""
    first, count = _extent(spec)
    # One node more at each end: the direction of flight is taken from the neighbours.
    angles: Floats = first + _ANGLE * np.arange(-1, count + 1, dtype=np.float64)
    normals = reference_track(angles)
    ahead = normals[:, 2:] - normals[:, :-2]
    normals = normals[:, 1:-1]
    left = np.cross(normals, ahead, axis=0)
    left /= np.linalg.norm(left, axis=0)
    start = _ground_distance(first)
    times = node_time(spec.rgt, spec.cycle) + angles[1:-1] / (2 * np.pi) * TURN_SECONDS
    number = round(start / _METRES_PER_NUMBER) + np.arange(count, dtype=np.int32)
    beams: dict[str, Beam] = {}
    for index, name in enumerate(BEAMS):
        rng = np.random.default_rng((spec.seed, spec.rgt, spec.cycle, spec.region, index))
        pair = np.random.default_rng((spec.seed, spec.rgt, spec.cycle, spec.region, 10 + index // 2))
        across = ACROSS[name] + pair.normal(0, 4) + _wander(rng, count)
        longitude, latitude = to_degrees(normals + left * (across / EARTH_RADIUS), spec.rgt)
        beams[name] = Beam(
            delta_time=times + rng.normal(0, 2e-5, count),
            longitude=longitude,
            latitude=latitude,
            x_atc=start + SEGMENT_METRES * np.arange(count) + rng.normal(0, 0.05, count),
            y_atc=across.astype(np.float32),
            segment_id=number.astype(np.int32),
            found=_found(pair, count),
        )
    return beams


def _extent(spec: GranuleSpec) -> tuple[float, int]:
    """Angle of the first segment and number of segments."""
    begin, end = region_angles(spec.region)
    whole = int((end - begin) / _ANGLE)
    count = whole if spec.segments is None else min(spec.segments, whole)
    if spec.segments is None:
        return begin, count
    middle = (begin + end) / 2
    if spec.around is not None:
        coarse = np.linspace(begin, end, 20_001)
        longitude, latitude = to_degrees(reference_track(coarse), spec.rgt)
        east = (longitude - spec.around[0] + 180) % 360 - 180
        distance = np.hypot(east * np.cos(np.deg2rad(spec.around[1])), latitude - spec.around[1])
        middle = float(coarse[np.argmin(distance)])
    return min(max(middle - count / 2 * _ANGLE, begin), end - count * _ANGLE), count


def _ground_distance(angle: float) -> float:
    """Metres along the reference track from the ascending node."""
    normals = reference_track(np.linspace(0, angle, 2001))
    return float(np.linalg.norm(np.diff(normals, axis=1), axis=0).sum() * EARTH_RADIUS)


def _wander(rng: np.random.Generator, count: int) -> Floats:
    """Metres by which a beam strays from its place: pointing drifts within metres over tens of kilometres."""
    knots = np.arange(0, count + 2000, 1000)
    steps = rng.normal(0, 0.6, knots.size).cumsum()
    drift = np.interp(np.arange(count), knots, steps - steps.mean())
    return drift + rng.normal(0, 0.006, count)


def _found(rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Segments that clouds left over: about one in a hundred is lost, in a few long gaps."""
    found = np.ones(count, dtype=bool)
    gaps = rng.poisson(count / 33_000)
    for begin, length in zip(rng.integers(0, count, gaps), rng.exponential(300, gaps).astype(int), strict=True):
        found[begin : begin + length + 1] = False
    found[0] = True
    return found
