"""A region: polygons on the Earth, and which points they cover."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import shapely
from shapely.affinity import translate

from trackbench.errors import InputError
from trackbench.region_cut import cut_polygon, polygons_of, without_long_edges
from trackbench.region_parse import check_bbox, parse_polygons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    Points = NDArray[np.float64]

_SIDES = (-180.0, 180.0)
_POLES = (-90.0, 90.0)
_REACH = 1.0
"""How near to the antimeridian, in degrees, a boundary is looked for on its other side as well."""


@dataclass(frozen=True, slots=True)
class Region:
    """One or several polygons in OGC:CRS84, with edges straight in longitude and latitude.

    Longitudes 180 and -180 name one meridian, and a pole is one point whatever longitude is written beside it.
    Make one with `parse` or `from_bbox`.

    Attributes
    ----------
    geometry
        Valid and non-empty; longitudes in [-180, 180], latitudes in [-90, 90], both in degrees; cut at the
        antimeridian (RFC 7946, section 3.1.9); rings wound as RFC 7946 says and in a normal order, so that equal
        regions have equal coordinates.
    """

    geometry: shapely.MultiPolygon

    def __post_init__(self) -> None:
        # GEOS builds the index behind `prepare` at the first question, and that is not safe in two threads.
        shapely.prepare(self.geometry)
        west, south, east, north = self.geometry.bounds
        shapely.intersects_xy(self.geometry, [west, (west + east) / 2], [south, (south + north) / 2])

    def __reduce__(self) -> tuple[type[Region], tuple[shapely.MultiPolygon]]:
        return type(self), (self.geometry,)

    @classmethod
    def parse(cls, source: str | Path | Mapping[str, Any]) -> Self:
        """Read a region from text, a file or a mapping.

        Parameters
        ----------
        source
            GeoJSON (a Polygon, MultiPolygon, GeometryCollection of them, Feature or FeatureCollection) as a
            mapping, as text or in a file; WKT or EWKT as text or in a file; or a box as text:
            ``west,south,east,north`` in degrees. Several polygons are united, a third coordinate is dropped.

        Returns
        -------
        Region

        Raises
        ------
        InputError
            When it is none of these, has another coordinate reference system, or its polygons are not valid.
        """
        return cls._united(parse_polygons(source))

    @classmethod
    def from_bbox(cls, west: float, south: float, east: float, north: float) -> Self:
        """Make a region of a box in degrees; ``west`` greater than ``east`` crosses the antimeridian.

        Raises
        ------
        InputError
            When an edge is out of range or the box has no area.
        """
        return cls._united(cut_polygon(check_bbox(west, south, east, north)))

    @classmethod
    def _united(cls, polygons: Sequence[shapely.Polygon]) -> Self:
        geometry = shapely.MultiPolygon(list(polygons))
        if not geometry.is_valid:
            geometry = shapely.MultiPolygon(polygons_of(shapely.union_all(list(polygons))))
        if geometry.is_empty:
            raise InputError("The region has no area: give at least one polygon that encloses some ground.")
        geometry = shapely.normalize(without_long_edges(geometry))
        return cls(shapely.orient_polygons(geometry, exterior_cw=False))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees; -180 to 180 for a region cut at the antimeridian."""
        return self.geometry.bounds

    @property
    def parts(self) -> tuple[shapely.Polygon, ...]:
        """The polygons, cut at the antimeridian."""
        return tuple(self.geometry.geoms)

    @property
    def digest(self) -> str:
        """SHA-256 of the geometry in WKB, in hexadecimal: equal for equal regions however they were given."""
        return hashlib.sha256(shapely.to_wkb(self.geometry, byte_order=1)).hexdigest()

    def covers(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.bool_]:
        """Tell which points the region covers, its boundary included and its holes excluded.

        Parameters
        ----------
        longitude, latitude
            Degrees, float64 of shape (n,).

        Returns
        -------
        numpy.ndarray
            bool of shape (n,). False where a coordinate is NaN, infinite or out of range.
        """
        lon, lat = _points(longitude, latitude)
        west, south, east, north = self.bounds
        inside: NDArray[np.bool_] = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
        near = np.flatnonzero(inside)
        inside[near] = shapely.intersects_xy(self.geometry, lon[near], lat[near])
        for side in _SIDES:
            if -side in (west, east):
                seam = np.flatnonzero(lon == side)
                inside[seam] |= shapely.intersects_xy(self.geometry, -lon[seam], lat[seam])
        for pole in _POLES:
            if pole in (south, north):
                inside |= (lat == pole) & (np.abs(lon) <= _SIDES[1])
        return inside

    def distance_to_boundary(self, longitude: ArrayLike, latitude: ArrayLike) -> Points:
        """Measure how far points are from the boundary, in the plane of longitude and latitude.

        The cut along the antimeridian and the line that a pole becomes in that plane are no boundary.

        Parameters
        ----------
        longitude, latitude
            Degrees, float64 of shape (n,).

        Returns
        -------
        numpy.ndarray
            Degrees, float64 of shape (n,); NaN where a coordinate is not finite, infinite for the whole Earth.
        """
        lon, lat = _points(longitude, latitude)
        boundary = self._boundary()
        distance = np.where(np.isfinite(lon) & np.isfinite(lat), np.inf, np.nan)
        known = np.flatnonzero(np.isinf(distance))
        if not boundary.is_empty:
            distance[known] = shapely.distance(shapely.points(lon[known], lat[known]), boundary)
        return distance

    def _boundary(self) -> BaseGeometry:
        boundary: BaseGeometry = self.geometry.boundary
        west, south, east, north = self.bounds
        if (west, east) == _SIDES:
            left, right = (shapely.intersection(boundary, _meridian(side)) for side in _SIDES)
            cut = shapely.intersection(translate(left, xoff=360), right)
            boundary = reduce(shapely.difference, (cut, translate(cut, xoff=-360)), boundary)
        for pole in _POLES:
            if pole in (south, north):
                boundary = shapely.difference(boundary, shapely.LineString([(-180, pole), (180, pole)]))
        shifts = [360.0 * (west < _SIDES[0] + _REACH), -360.0 * (east > _SIDES[1] - _REACH)]
        copies = [translate(boundary, xoff=shift) for shift in shifts if shift]
        return shapely.GeometryCollection([boundary, *copies]) if copies else boundary

    def to_geojson(self) -> dict[str, Any]:
        """Return the region as a GeoJSON MultiPolygon, a mapping with the type and the coordinates."""
        return cast("dict[str, Any]", json.loads(shapely.to_geojson(self.geometry)))

    def to_wkt(self) -> str:
        """Return the region as a WKT multipolygon, with coordinates that read back to the same bits."""
        return shapely.to_wkt(self.geometry, rounding_precision=-1)


def _meridian(longitude: float) -> shapely.LineString:
    return shapely.LineString([(longitude, _POLES[0]), (longitude, _POLES[1])])


def _points(longitude: ArrayLike, latitude: ArrayLike) -> tuple[Points, Points]:
    lon = np.asarray(longitude, dtype=np.float64)
    lat = np.asarray(latitude, dtype=np.float64)
    if lon.shape != lat.shape or lon.ndim != 1:
        raise InputError(
            f"Longitudes {lon.shape} and latitudes {lat.shape} must be one-dimensional and of one length."
        )
    return lon, lat
