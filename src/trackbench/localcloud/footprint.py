"""Where and when a granule measured, found from its own coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np
import shapely

from trackbench.products import BEAMS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

# The group that runs along the track, and its latitude, longitude and time (NSIDC data dictionaries).
_COORDINATES: Final = {
    "ATL03": ("geolocation", "reference_photon_lat", "reference_photon_lon", "delta_time"),
    "ATL06": ("land_ice_segments", "latitude", "longitude", "delta_time"),
    "ATL08": ("land_segments", "latitude", "longitude", "delta_time"),
}
_BLOCK: Final = 3.0  # seconds of flight, 21 km: short enough for a hull in the plane of longitude and latitude
_MARGIN: Final = 0.02  # degrees around the points
_TOLERANCE: Final = (
    0.015  # degrees that the outline may be simplified by; less than the margin even at its corners
)
_HALF_TURN: Final = 180.0
_POLE: Final = 90.0
_WORLD: Final = shapely.box(-_HALF_TURN, -_POLE, _HALF_TURN, _POLE)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where and when a granule measured.

    Attributes
    ----------
    area
        Well-known text of polygons, in degrees of longitude and latitude within -180..180, that cover every point
        of every beam; empty if no beam has a valid point.
    start, end
        First and last ``delta_time``, seconds since 2018-01-01T00:00:00Z; NaN without points.
    orbit
        Number of the orbit, or None where the file does not say.
    crossing_longitude, crossing_time
        Where (degrees east) and when (seconds since 2018-01-01) the orbit crossed the equator, or None.
    """

    area: str
    start: float
    end: float
    orbit: int | None = None
    crossing_longitude: float | None = None
    crossing_time: float | None = None


def granule_footprint(path: Path, product: str) -> Footprint:
    """Find the footprint of the granule at `path`.

    Beams without coordinates are left out, as are points with NaN or out-of-range coordinates. A product whose
    coordinates are not known gets an empty footprint.

    Raises
    ------
    OSError
        If the file is not HDF5.
    """
    if product not in _COORDINATES:
        return Footprint(shapely.Polygon().wkt, np.nan, np.nan)
    with h5py.File(path, "r") as file:
        points = _points(file, product)
        latitude, longitude, time = points
        if time.size == 0:
            return Footprint(shapely.Polygon().wkt, np.nan, np.nan)
        return Footprint(
            area=shapely.to_wkt(covering_area(latitude, longitude, time), rounding_precision=6),
            start=float(time.min()),
            end=float(time.max()),
            orbit=_whole(_first(file, "orbit_info/orbit_number")),
            crossing_longitude=_first(file, "orbit_info/lan"),
            crossing_time=_first(file, "orbit_info/crossing_time"),
        )


def covering_area(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], time: NDArray[np.float64]
) -> BaseGeometry:
    """Return polygons that cover all points, cut at the antimeridian.

    Parameters
    ----------
    latitude, longitude
        float64, shape (n,), degrees, finite and in range.
    time
        float64, shape (n,), seconds; the points of one stretch of time are close together.

    Returns
    -------
    BaseGeometry
        Polygon or multipolygon without holes, within -180..180 and -90..90 degrees.
    """
    block = np.floor((time - time.min()) / _BLOCK).astype(np.int64)
    order = np.argsort(block, kind="stable")
    edges = np.flatnonzero(np.diff(block[order])) + 1
    hulls = [_hull(longitude[part], latitude[part]) for part in np.split(order, edges)]
    joined = shapely.union_all([piece for hull in hulls for piece in _within_world(hull)])
    # A corner of the margin is an eighth of a circle made of one straight line: at least 0.92 of the margin wide.
    outline = joined.buffer(_MARGIN, quad_segs=2).simplify(_TOLERANCE)
    polygons = [shapely.Polygon(polygon.exterior) for polygon in _polygons(outline)]
    return shapely.union_all(polygons).intersection(_WORLD)


def _hull(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> BaseGeometry:
    reference = longitude[0]
    unwrapped = reference + (longitude - reference + 180.0) % 360.0 - 180.0
    if unwrapped.size == 1:
        return shapely.Point(unwrapped[0], latitude[0]).buffer(_MARGIN / 4, quad_segs=2)
    # The hull of a line is that of its points, and a line is made without an object for each point.
    hull = shapely.LineString(np.column_stack((unwrapped, latitude))).convex_hull
    return hull.buffer(_MARGIN / 4, quad_segs=2)


def _within_world(hull: BaseGeometry) -> list[BaseGeometry]:
    west, _, east, _ = hull.bounds
    pieces = [hull.intersection(_WORLD)]
    if west < -_HALF_TURN:
        pieces.append(shapely.affinity.translate(hull, 360.0).intersection(_WORLD))
    if east > _HALF_TURN:
        pieces.append(shapely.affinity.translate(hull, -360.0).intersection(_WORLD))
    return pieces


def _polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)]


def _points(file: h5py.File, product: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    group, *names = _COORDINATES[product]
    columns: list[list[NDArray[np.float64]]] = [[], [], []]
    for beam in BEAMS:
        found = [file.get(f"{beam}/{group}/{name}") for name in names]
        if any(dataset is None for dataset in found):
            continue
        latitude, longitude, time = (np.asarray(dataset[:], dtype=np.float64) for dataset in found)
        with np.errstate(invalid="ignore"):
            valid = (np.abs(latitude) <= _POLE) & (np.abs(longitude) <= _HALF_TURN) & np.isfinite(time)
        for column, values in zip(columns, (latitude, longitude, time), strict=True):
            column.append(values[valid])
    empty = np.empty(0)
    latitude, longitude, time = (np.concatenate([empty, *column]) for column in columns)
    return latitude, longitude, time


def _first(file: h5py.File, path: str) -> float | None:
    dataset = file.get(path)
    if dataset is None or dataset.size == 0:
        return None
    value = float(dataset[:].ravel()[0])
    return value if np.isfinite(value) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
