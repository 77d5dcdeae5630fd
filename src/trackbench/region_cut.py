"""Cutting polygons at the antimeridian and over the poles, as RFC 7946 section 3.1.9 asks.

Edges are straight in longitude and latitude, and an edge that spans more than 180 degrees goes the short way
round, as the ``antimeridian`` package and most writers of GeoJSON have it. That package is not used for the cut
itself: it rounds the latitude of a crossing to seven decimals and rewrites every longitude by a modulo, and
both move points in or out of a region. Here a coordinate that needs no change keeps all its bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import shapely
from shapely.affinity import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ring = NDArray[np.float64]

_HALF_TURN = 180.0
_TURN = 360.0
_POLE = 90.0


def polygons_of(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """List the non-empty polygons in a geometry of any type, lines and points left out."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [cast("shapely.Polygon", part) for part in parts if part.geom_type == "Polygon" and not part.is_empty]


def cut_ring(ring: Ring) -> list[shapely.Polygon]:
    """Cut the area within a closed ring at the antimeridian.

    Parameters
    ----------
    ring
        Longitudes and latitudes in degrees, float64 of shape (n, 2), first position repeated at the end.

    Returns
    -------
    list of shapely.Polygon
        Polygons with longitudes in [-180, 180]. A ring that runs once round the Earth holds the pole of its own
        hemisphere; where it crosses the equator it holds the pole on its left, as the winding of RFC 7946 says.
    """
    return cut_polygon(shapely.Polygon(unrolled(ring)))


def cut_polygon(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Cut a polygon with unrolled longitudes into polygons with longitudes in [-180, 180]."""
    west, south, east, north = polygon.bounds
    if west >= -_HALF_TURN and east <= _HALF_TURN:
        return [polygon]
    pieces: list[shapely.Polygon] = []
    first = int(np.floor((west + _HALF_TURN) / _TURN))
    last = int(np.ceil((east - _HALF_TURN) / _TURN))
    for turn in range(first, last + 1):
        window = shapely.box(turn * _TURN - _HALF_TURN, south, turn * _TURN + _HALF_TURN, north)
        piece = shapely.intersection(polygon, window)
        pieces += polygons_of(translate(piece, xoff=-turn * _TURN))
    return pieces


def unrolled(ring: Ring) -> Ring:
    """Let the longitudes of a closed ring run on past 180 degrees instead of jumping.

    A ring round a pole is closed over that pole. A ring that is already cut (its edges along a whole parallel end
    on the antimeridian) stays as it is.
    """
    steps = np.diff(ring[:, 0])
    if not _jumps(ring, steps):
        return ring
    turns = np.zeros(len(ring))
    turns[1:] = np.cumsum(np.where(np.abs(steps) > _HALF_TURN, -np.sign(steps) * _TURN, 0.0))
    rolled_out = np.column_stack([ring[:, 0] + turns, ring[:, 1]])
    if turns[-1] == 0:
        return rolled_out
    pole = _pole_of(ring[:, 1], eastward=bool(turns[-1] > 0))
    over_pole = [[rolled_out[-1, 0], pole], [rolled_out[0, 0], pole], rolled_out[0]]
    return np.vstack([rolled_out, over_pole])


def without_long_edges(geometry: shapely.MultiPolygon) -> shapely.MultiPolygon:
    """Break edges longer than 180 degrees, so that writing and reading a region again gives the same region."""
    for polygon in geometry.geoms:
        for ring in rings_of(polygon):
            if np.any(np.abs(np.diff(ring[:, 0])) > _HALF_TURN):
                return shapely.MultiPolygon(polygons_of(shapely.segmentize(geometry, _HALF_TURN)))
    return geometry


def rings_of(polygon: shapely.Polygon) -> Sequence[Ring]:
    """Return the closed rings of a polygon, exterior first, float64 of shape (n, 2) each."""
    return [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]


def _jumps(ring: Ring, steps: NDArray[np.float64]) -> bool:
    """Tell whether the ring jumps over the antimeridian instead of being cut there."""
    spans = np.abs(steps)
    if np.any((spans > _HALF_TURN) & (spans != _TURN)):
        return True
    if not np.any(spans == _TURN):
        return False
    # A step of exactly 360 degrees is a whole parallel when the ring also runs along a meridian at both of
    # its ends, as a band round the Earth does; otherwise it is no step at all, only two names of one meridian.
    sides = (ring[ring[:, 0] == side, 1] for side in (ring[:, 0].min(), ring[:, 0].max()))
    return not all(len(np.unique(latitudes)) > 1 for latitudes in sides)


def _pole_of(latitudes: NDArray[np.float64], *, eastward: bool) -> float:
    if latitudes.min() >= 0:
        return _POLE
    if latitudes.max() <= 0:
        return -_POLE
    return _POLE if eastward else -_POLE
