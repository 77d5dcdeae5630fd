"""The line of a chunk: few vertices, and how far the chunk's points can be from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WANTED: Final = 0.002
"""Degrees that points may be off the line before it gets more vertices: 220 m of latitude."""

_PIECES: Final = (4, 8, 16, 32, 64, 128)
_HALF_TURN: Final = 180.0
_EARTH_KM: Final = 6371.0
_SAMPLE_ROWS: Final = 50
_SAMPLE_DEGREES: Final = 0.01


@dataclass(frozen=True, slots=True)
class TrackLine:
    """Where a chunk lies.

    Attributes
    ----------
    geometry
        LineString or MultiLineString (cut where longitudes jump by half a turn), degrees in CRS84, or None where
        no point of the chunk is valid.
    error
        No valid point is farther from the line than this, in degrees of the longitude-latitude plane in which the
        edges of a region are straight as well.
    bounds
        West, south, east, north of the points; NaN without any.
    """

    geometry: shapely.Geometry | None
    error: float
    bounds: tuple[float, float, float, float]


def valid_points(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points can be in a region at all; NaN, fill values and what is out of range cannot."""
    return (np.abs(longitude) <= _HALF_TURN) & (np.abs(latitude) <= _HALF_TURN / 2)


def track_line(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> TrackLine:
    """Draw the line of points, all of them valid, in the order in which they were measured.

    Vertices are points of the chunk. The error is the largest distance of a point from the place on the line
    that is as far along it: no less than its distance from the line.
    """
    if not len(longitude):
        return TrackLine(None, 0.0, (np.nan, np.nan, np.nan, np.nan))
    bounds = (float(longitude.min()), float(latitude.min()), float(longitude.max()), float(latitude.max()))
    cuts = np.flatnonzero(np.abs(np.diff(longitude)) > _HALF_TURN) + 1
    lines, error = [], 0.0
    for lon, lat in zip(np.split(longitude, cuts), np.split(latitude, cuts), strict=True):
        vertices, off = _vertices(lon, lat)
        error = max(error, off)
        lines.append(np.column_stack([lon[vertices], lat[vertices]]))
    drawn = [shapely.LineString(line) for line in lines]
    geometry = drawn[0] if len(drawn) == 1 else shapely.MultiLineString(drawn)
    # The least that float32 can hold and that is not less: the bound must hold in the file as well.
    held = float(np.nextafter(np.float32(error), np.float32(np.inf))) if error else 0.0
    return TrackLine(geometry, held, bounds)


def _vertices(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> tuple[NDArray[np.intp], float]:
    last = len(longitude) - 1
    if last == 0:
        return np.zeros(2, dtype=np.intp), 0.0  # a line has two vertices, be they the same
    # Along the way rather than by number: rows may be missing within a chunk.
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(longitude), np.diff(latitude)))])
    if way[-1] == 0.0:
        return np.array([0, last]), 0.0
    # Distinct abscissae, as interpolation wants them: points on one place count by number.
    way += np.arange(last + 1) * (way[-1] * 1e-12)
    vertices, off = np.array([0, last]), np.inf
    for pieces in _PIECES:
        vertices = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], pieces + 1)).clip(0, last))
        off = float(
            np.hypot(
                longitude - np.interp(way, way[vertices], longitude[vertices]),
                latitude - np.interp(way, way[vertices], latitude[vertices]),
            ).max()
        )
        if off <= _WANTED:
            break
    return vertices, off


def samples(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> tuple[NDArray[np.intp], float]:
    """Choose points about a kilometre apart, and say how far any point is from the sample before it.

    Returns
    -------
    rows : ndarray of int
        The samples: every fiftieth point, and those on both sides of a gap.
    reach : float
        Kilometres (great circle, haversine formula).
    """
    count = len(longitude)
    if count == 0:
        return np.empty(0, dtype=np.intp), 0.0
    steps = np.hypot(np.diff(latitude), np.diff(longitude) * np.cos(np.radians(latitude[1:])))
    gaps = np.flatnonzero(steps > _SAMPLE_DEGREES)
    rows = np.unique(np.concatenate([np.arange(0, count, _SAMPLE_ROWS), [count - 1], gaps, gaps + 1]))
    before = rows[np.searchsorted(rows, np.arange(count), side="right") - 1]
    reach = great_circle_km(longitude, latitude, longitude[before], latitude[before])
    return rows, float(reach.max())


def great_circle_km(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    other_longitude: NDArray[np.float64] | float,
    other_latitude: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return distances on a sphere of 6371 km, by the haversine formula."""
    lat, other_lat = np.radians(latitude), np.radians(other_latitude)
    half = np.radians(np.asarray(longitude) - other_longitude) / 2
    squared = np.sin((lat - other_lat) / 2) ** 2 + np.cos(lat) * np.cos(other_lat) * np.sin(half) ** 2
    distance: NDArray[np.float64] = 2 * _EARTH_KM * np.arcsin(np.sqrt(squared.clip(0.0, 1.0)))
    return distance
