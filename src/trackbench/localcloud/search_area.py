"""Areas as the Common Metadata Repository understands them: edges of polygons are great circles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from trackbench.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

_STEP: Final = 0.25  # degrees of arc between the points that a great circle is drawn with
_EARTH: Final = 6_371_000.0  # metres
_HALF_TURN: Final = 180.0
_POLE: Final = 90.0
_WORLD: Final = shapely.box(-_HALF_TURN, -_POLE, _HALF_TURN, _POLE)


def bounding_box(text: str) -> BaseGeometry:
    """Return the area of ``west,south,east,north``; west may be greater than east, across the antimeridian.

    Raises
    ------
    InputError
        If the text is not four numbers in range.
    """
    west, south, east, north = _numbers(text, 4)
    if not (-_POLE <= south <= north <= _POLE and max(abs(west), abs(east)) <= _HALF_TURN):
        raise InputError(f"[{text}] is not a valid bounding box")
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.union_all([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])


def point(text: str) -> BaseGeometry:
    """Return the point of ``longitude,latitude``."""
    return shapely.Point(_numbers(text, 2))


def circle(text: str) -> BaseGeometry:
    """Return the area of ``longitude,latitude,radius`` (metres)."""
    lon, lat, radius = _numbers(text, 3)
    azimuth, phi, arc = np.linspace(2 * np.pi, 0.0, 73), np.radians(lat), radius / _EARTH
    north = np.arcsin(np.sin(phi) * np.cos(arc) + np.cos(phi) * np.sin(arc) * np.cos(azimuth))
    east = np.arctan2(np.sin(azimuth) * np.sin(arc) * np.cos(phi), np.cos(arc) - np.sin(phi) * np.sin(north))
    return _fill(np.column_stack((lon + np.degrees(east), np.degrees(north))))


def line(text: str) -> BaseGeometry:
    """Return the great circles through ``lon1,lat1,lon2,lat2,...``."""
    drawn = _unwrap(_great_circles(_pairs(text, 2)))
    return _in_world(shapely.LineString(drawn))


def polygon(text: str) -> BaseGeometry:
    """Return the area of ``lon1,lat1,lon2,lat2,...``, closed, counter-clockwise, edges along great circles.

    Raises
    ------
    InputError
        If the ring is not closed, has too few points, or runs clockwise.
    """
    ring = _pairs(text, 4)
    if not np.array_equal(ring[0], ring[-1]):
        raise InputError(f"Polygon boundary was not closed. The last point must be equal to the first. [{text}]")
    return _fill(_great_circles(ring))


def _fill(ring: NDArray[np.float64]) -> BaseGeometry:
    drawn = _unwrap(ring)
    turns = round((drawn[-1, 0] - drawn[0, 0]) / 360.0)
    if turns:
        # Around a pole the ring does not close in the plane. What lies to its left is inside: running east the
        # north pole, running west the south pole.
        pole = 90.0 if turns > 0 else -90.0
        cap = [(drawn[-1, 0], pole), (drawn[0, 0], pole)]
        area = shapely.Polygon([*drawn, *cap])
    else:
        area = shapely.Polygon(drawn)
        if not shapely.is_ccw(area.exterior):
            raise InputError(
                "The polygon boundary points are listed in the wrong order (clockwise vs counter clockwise)."
                " Please see the API documentation for the correct order."
            )
    return _in_world(shapely.make_valid(area))


def _in_world(geometry: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = geometry.bounds
    turns = range(int(np.floor((west + 180.0) / 360.0)), int(np.floor((east + 180.0) / 360.0)) + 1)
    return shapely.union_all(
        [shapely.affinity.translate(geometry, -360.0 * turn).intersection(_WORLD) for turn in turns]
    )


def _unwrap(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack((np.unwrap(points[:, 0], period=360.0), points[:, 1]))


def _great_circles(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(points).T
    sphere = np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
    pieces = []
    for begin, end in pairwise(sphere):
        arc = np.degrees(np.arccos(np.clip(begin @ end, -1.0, 1.0)))
        share = np.linspace(0.0, 1.0, max(2, int(np.ceil(arc / _STEP)) + 1))[:-1, None]
        # Points on the chord lie below the same great circle; how evenly they are spaced does not matter here.
        chord = begin + share * (end - begin)
        chord /= np.linalg.norm(chord, axis=1, keepdims=True)
        pieces.append(np.degrees(np.column_stack((np.arctan2(chord[:, 1], chord[:, 0]), np.arcsin(chord[:, 2])))))
    # The corners themselves stay as they were given, to the last digit.
    for piece, corner in zip(pieces, points[:-1], strict=True):
        piece[0] = corner
    return np.vstack((*pieces, points[-1:]))


def _pairs(text: str, fewest: int) -> NDArray[np.float64]:
    values = _numbers(text)
    if len(values) % 2 or len(values) < 2 * fewest:
        raise InputError(f"[{text}] is not a valid URL encoded list of at least {fewest} points")
    return np.array(values).reshape(-1, 2)


def _numbers(text: str, count: int | None = None) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"[{text}] is not a list of numbers") from None
    if (count is not None and len(values) != count) or not np.all(np.isfinite(values)):
        raise InputError(f"[{text}] is not a list of {count} numbers")
    return values
