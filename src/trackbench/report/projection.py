"""A flat map of a small part of the Earth, wherever it is: at a pole, across the antimeridian or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from trackbench.region import Region

    type Array = NDArray[np.float64]

_WGS84: Final = "EPSG:4326"
_EDGE_POINTS: Final = 64
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0)
_LINES: Final = 6
_MARGIN: Final = 0.12
# Degrees of latitude beyond which a region is taken to lie around the pole.
_NEAR_POLE: Final = 89.9
# Degrees of longitude beyond which a frame holds a pole.
_ALL_AROUND: Final = 300.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on the map, in metres from its middle."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Metres from west to east."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """Metres from south to north."""
        return self.north - self.south


class LocalProjection:
    """Azimuthal equidistant around the middle of a region (Snyder, USGS Professional Paper 1395, chapter 25).

    Distances from the middle are true, so that one scale bar serves the whole map; poles and the antimeridian are
    places like any other.
    """

    def __init__(self, region: Region) -> None:
        # First around the mean direction of the outline, then around the middle of what that gives.
        self._centre(*_direction(region))
        west, south, east, north = self._outline(region).bounds
        middle = self._back.transform((west + east) / 2, (south + north) / 2)
        self._centre(*(round(each, 4) for each in middle))
        outline = self._outline(region)
        west, south, east, north = outline.bounds
        # Two parts that meet at the antimeridian or at a pole become one again; a hair's breadth bridges rounding.
        hair = 1e-6 * max(east - west, north - south)
        united = shapely.union_all([part.buffer(hair) for part in shapely.get_parts(outline)])
        self.outline = tuple(part for part in shapely.get_parts(united) if isinstance(part, shapely.Polygon))
        self._bounds = united.bounds

    def _centre(self, longitude: float, latitude: float) -> None:
        if abs(latitude) > _NEAR_POLE:
            longitude, latitude = 0.0, math.copysign(90.0, latitude)
        self.longitude, self.latitude = longitude, latitude
        crs = CRS.from_proj4(f"+proj=aeqd +lat_0={latitude!r} +lon_0={longitude!r} +datum=WGS84 +units=m")
        self._there = Transformer.from_crs(_WGS84, crs, always_xy=True)
        self._back = Transformer.from_crs(crs, _WGS84, always_xy=True)

    def _outline(self, region: Region) -> BaseGeometry:
        return shapely.transform(_with_short_edges(region.geometry), self._project_pairs)

    def project(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[Array, Array]:
        """Turn degrees into metres east and north of the middle."""
        x, y = self._there.transform(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.asarray(x), np.asarray(y)

    def frame(self) -> Frame:
        """Return a square around the region with a margin."""
        west, south, east, north = self._bounds
        half = max(east - west, north - south) * (0.5 + _MARGIN)
        x, y = (west + east) / 2, (south + north) / 2
        return Frame(x - half, y - half, x + half, y + half)

    def parallels(self, frame: Frame) -> Iterator[tuple[float, Array, Array]]:
        """Yield latitude and points, in metres, of each parallel that crosses a frame."""
        _, latitudes = self._inside(frame)
        low, high = float(latitudes.min()), float(latitudes.max())
        around = np.linspace(-180, 180, 1441)
        for value in _multiples(low, high, _step(high - low)):
            yield (value, *self.project(around, np.full_like(around, value)))

    def meridians(self, frame: Frame) -> Iterator[tuple[float, Array, Array]]:
        """Yield longitude and points, in metres, of each meridian that crosses a frame."""
        longitudes, latitudes = self._inside(frame)
        offsets = (longitudes - self.longitude + 180) % 360 - 180
        low, high = float(offsets.min()), float(offsets.max())
        if high - low > _ALL_AROUND:
            low, high = -180.0, 179.99
        along = np.linspace(max(-90.0, latitudes.min() - 1), min(90.0, latitudes.max() + 1), 361)
        for value in _multiples(self.longitude + low, self.longitude + high, _step(high - low)):
            yield ((value + 180) % 360 - 180, *self.project(np.full_like(along, value), along))

    def _inside(self, frame: Frame) -> tuple[Array, Array]:
        x, y = np.meshgrid(
            np.linspace(frame.west, frame.east, _EDGE_POINTS), np.linspace(frame.south, frame.north, _EDGE_POINTS)
        )
        longitude, latitude = self._back.transform(x.ravel(), y.ravel())
        known = np.isfinite(longitude) & np.isfinite(latitude)
        return np.asarray(longitude)[known], np.asarray(latitude)[known]

    def _project_pairs(self, pairs: Array) -> Array:
        return np.column_stack(self.project(pairs[:, 0], pairs[:, 1]))


def nice_length(metres: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not above `metres`."""
    power = 10.0 ** math.floor(math.log10(metres))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= metres)


def degrees(value: float, positive: str, negative: str) -> str:
    """Return an angle as on a map: ``62.8° N``."""
    # On the equator, the prime meridian and the antimeridian there are no sides.
    side = "" if value % 180 == 0 else f" {positive if value > 0 else negative}"
    return f"{abs(value):.10g}°{side}"


def _with_short_edges(geometry: shapely.MultiPolygon) -> shapely.MultiPolygon:
    # Edges are straight in longitude and latitude, and so bend on the map.
    west, south, east, north = geometry.bounds
    return shapely.segmentize(geometry, max(east - west, north - south) / _EDGE_POINTS)


def _direction(region: Region) -> tuple[float, float]:
    # A mean of unit vectors: unlike a mean of longitudes it is right at the antimeridian and the poles.
    pairs = np.radians(shapely.get_coordinates(_with_short_edges(region.geometry)))
    across = np.cos(pairs[:, 1])
    vector = np.array(
        [
            (across * np.cos(pairs[:, 0])).mean(),
            (across * np.sin(pairs[:, 0])).mean(),
            np.sin(pairs[:, 1]).mean(),
        ]
    )
    longitude = math.degrees(math.atan2(vector[1], vector[0]))
    latitude = math.degrees(math.atan2(vector[2], math.hypot(vector[0], vector[1])))
    return longitude, latitude


def _step(span: float) -> float:
    return next((step for step in _STEPS if span / step <= _LINES), _STEPS[-1])


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [round(index * step, 6) for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
