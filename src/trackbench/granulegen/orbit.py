"""Where ICESat-2's reference ground tracks run, and when the satellite passes over them.

The mission repeats 1387 reference ground tracks (RGT) in 91 days of its orbit plane (Markus et al. 2017,
doi:10.1016/j.rse.2016.12.029). Each track is the one before it, turned by 91 turns of the Earth under the plane
divided by 1387. Time of a pass follows from one ascending node of a published granule and the length of a turn.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from trackbench.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TRACKS: Final = 1387
"""Reference ground tracks in a cycle."""
REGIONS: Final = 14
"""Parts in which NSIDC cuts a turn into granules."""

TURN_SECONDS: Final = 5657.38
"""One turn from ascending node to ascending node, in seconds: fitted to the start times in the names of granules
between October 2018 and July 2026, which it meets within two minutes."""
_FIRST_NODE: Final = 23386800.46
"""Ascending node of RGT 1 in cycle 1, as delta_time (seconds since 2018-01-01): 2018-09-28T16:20:00Z, from the
``crossing_time`` of RGT 235 of cycle 1."""

# A nearly circular frozen orbit: what is left of the published track 1 after this fit is below 1 km.
_INCLINATION: Final = np.deg2rad(92.006)
_NODE_LONGITUDE: Final = -0.1286  # of RGT 1, degrees
_ECCENTRIC: Final = -2.809e-3  # twice the eccentricity, radians: the frozen orbit's perigee stays over the pole
_OBLATE: Final = 1.18e-4  # short-period wobble along the track, radians
_ORBIT_RADIUS: Final = 6_868_000.0  # metres
_SEMI_MAJOR: Final = 6_378_137.0  # WGS 84
_FLATTENING: Final = 1 / 298.257223563
_E2: Final = _FLATTENING * (2 - _FLATTENING)

# Along two stretches the published track 1 is laid aside of the orbit by this many degrees of longitude, away from
# the orbit plane. The stretches are given as angles from the ascending node: (ramp begins, full, ends, none).
_ASIDE: Final = 0.0642
_STRETCHES: Final = ((1.35, 3.0, 64.6, 65.8), (160.15, 161.3, 204.6, 205.7))


def reference_track(angle: Floats) -> Floats:
    """Return the upward normal of the ellipsoid along RGT 1.

    Parameters
    ----------
    angle
        Mean angle from the ascending node in radians, shape (n,): 2 pi is one turn.

    Returns
    -------
    numpy.ndarray
        float64 of shape (3, n): unit vectors, x towards 0 E and z towards the north pole.
    """
    along = angle + _ECCENTRIC * (np.cos(angle) - 1) + _OBLATE * np.sin(2 * angle)
    node = np.deg2rad(_NODE_LONGITUDE + _aside(angle)) - angle * (91 / TRACKS)
    sine, cosine = np.sin(along), np.cos(along)
    longitude = node + np.arctan2(np.cos(_INCLINATION) * sine, cosine)
    z = np.sin(_INCLINATION) * sine
    latitude = _geodetic(np.sqrt(np.maximum(0.0, 1 - z**2)), z)
    level = np.cos(latitude)
    return np.stack([level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)])


def _aside(angle: Floats) -> Floats:
    """Degrees of longitude by which the published track lies aside of the orbit plane."""
    degrees = np.rad2deg(angle) % 360.0
    shift = np.zeros_like(degrees)
    for sign, (begin, full, ends, none) in zip((-1.0, 1.0), _STRETCHES, strict=True):
        ramp = np.interp(degrees, [begin, full, ends, none], [0.0, 1.0, 1.0, 0.0], left=0.0, right=0.0)
        shift += sign * _ASIDE * ramp**2 * (3 - 2 * ramp)
    return shift


def _geodetic(level: Floats, up: Floats) -> Floats:
    """Geodetic latitude below the satellite (Bowring 1985); `level` and `up` are its unit vector's parts."""
    minor = _SEMI_MAJOR * (1 - _FLATTENING)
    reduced = np.arctan2(up * _SEMI_MAJOR, level * minor)
    second = _E2 / (1 - _E2) * minor
    return np.arctan2(
        _ORBIT_RADIUS * up + second * np.sin(reduced) ** 3,
        _ORBIT_RADIUS * level - _E2 * _SEMI_MAJOR * np.cos(reduced) ** 3,
    )


def to_degrees(normal: Floats, rgt: int = 1) -> tuple[Floats, Floats]:
    """Turn unit vectors along RGT 1 into longitude and latitude along RGT `rgt`, both in degrees, shape (n,)."""
    # Turned before the angle is taken, not after: the longitudes of a real granule use every digit of a float64.
    turn = np.exp(-2j * np.pi * 91 / TRACKS * (rgt - 1))
    longitude = np.rad2deg(np.angle((normal[0] + 1j * normal[1]) * turn))
    return longitude, np.rad2deg(np.arctan2(normal[2], np.hypot(normal[0], normal[1])))


def angle_at(latitude: float, *, ascending: bool) -> float:
    """Return the mean angle from the ascending node, in radians in [-pi/2, 3 pi/2], where RGTs reach a latitude.

    Raises
    ------
    InputError
        If no track goes that far from the equator.
    """
    low, high = (-np.pi / 2, np.pi / 2) if ascending else (np.pi / 2, 3 * np.pi / 2)
    steps = np.linspace(low, high, 20_001)
    reached = to_degrees(reference_track(steps))[1]
    if not reached.min() <= latitude <= reached.max():
        raise InputError(f"No ground track of ICESat-2 reaches latitude {latitude}; they end at 88.")
    rising = np.argsort(reached)
    return float(np.interp(latitude, reached[rising], steps[rising]))


@cache
def region_angles(region: int) -> tuple[float, float]:
    """Return the mean angles, in radians from the ascending node, between which a granule region lies.

    Regions run from the ascending node (NSIDC, ATL06 user guide, "File naming convention"): 01 to 03 end at 27,
    59.5 and 80 N; 04 is around the north pole; 05 to 07 come back to the equator; 08 to 10 end at 27, 50 and 79 S;
    11 is around the south pole; 12 to 14 come back.
    """
    if not 1 <= region <= REGIONS:
        raise InputError(f"There is no granule region {region}: they go from 1 to {REGIONS}.")
    latitudes = [0.0, 27.0, 59.5, 80.0, 80.0, 59.5, 27.0, 0.0, -27.0, -50.0, -79.0, -79.0, -50.0, -27.0, 0.0]
    rises = [True] * 4 + [False] * 7 + [True] * 4
    edges = []
    for at in (region - 1, region):
        angle = angle_at(latitudes[at], ascending=rises[at])
        edges.append(angle + 2 * np.pi if angle < 0 or at == REGIONS else angle)
    return edges[0] if region > 1 else 0.0, edges[1]


def node_time(rgt: int, cycle: int) -> float:
    """Return when a pass of RGT `rgt` in a cycle starts at its ascending node, as delta_time in seconds.

    Raises
    ------
    InputError
        If the RGT or the cycle does not exist.
    """
    if not 1 <= rgt <= TRACKS or cycle < 1:
        raise InputError(f"RGT {rgt} of cycle {cycle} does not exist: RGTs go from 1 to {TRACKS}, cycles from 1.")
    return _FIRST_NODE + ((cycle - 1) * TRACKS + rgt - 1) * TURN_SECONDS
