"""Reading a region: GeoJSON, WKT, EWKT or a box, with errors that say what to change."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
import shapely

from trackbench.errors import InputError
from trackbench.region_cut import cut_polygon, cut_ring, polygons_of, rings_of, unrolled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    Ring = NDArray[np.float64]

_WKT = re.compile(
    r"^\s*(?:SRID\s*=\s*(?P<srid>\d+)\s*;\s*)?(?P<type>[A-Z]+)(?:\s*ZM?|\s*M)?\s*(?:\(|EMPTY)", re.IGNORECASE
)
_NUMBER = r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*"
_BOX = re.compile(rf"^{_NUMBER}(?:,{_NUMBER})*$")
_LONLAT = re.compile(
    r"^(?:urn:ogc:def:crs:)?(?:OGC:(?:[\d.]*:)?CRS84h?|EPSG:(?:[\d.]*:)?(?:4326|4979))$", re.IGNORECASE
)
_LONLAT_SRIDS = frozenset({0, 4326, 4979})
_ACCEPTED = "a Polygon, a MultiPolygon, or a Feature, FeatureCollection or GeometryCollection of them"
_REPROJECT = (
    "reproject the region to OGC:CRS84 (EPSG:4326 with longitude first), "
    "for instance with ogr2ogr -t_srs OGC:CRS84"
)
_MAX_LONGITUDE = 360.0
_MAX_LATITUDE = 90.0
_MAX_PLAUSIBLE = 1000.0
"""Beyond this no slip in degrees explains a coordinate, and metres do."""
_MIN_POSITIONS = 4
_BOX_NUMBERS = 4


def parse_polygons(source: str | Path | Mapping[str, Any]) -> list[shapely.Polygon]:
    """Read polygons from GeoJSON, WKT, EWKT or box text, or from a file that holds one of them.

    Returns
    -------
    list of shapely.Polygon
        Valid each, in degrees with longitudes in [-180, 180], cut at the antimeridian; they may overlap.

    Raises
    ------
    InputError
        When the source cannot be used; the message says why and what to do.
    """
    if isinstance(source, Mapping):
        polygons = _from_geojson(source)
    elif isinstance(source, str) and _looks_like_content(source):
        polygons = _from_text(source, name="The region")
    else:
        polygons = _from_text(_read(Path(source)), name=f"The file {source}")
    if not polygons:
        raise InputError(f"The region is empty; give {_ACCEPTED}.")
    return polygons


def check_bbox(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """Check the edges of a box and return it with its longitudes unrolled (east may pass 180 degrees).

    Raises
    ------
    InputError
        When an edge is not finite or out of range, or the box has no area.
    """
    box = f"{west:g},{south:g},{east:g},{north:g}"
    if not all(math.isfinite(edge) for edge in (west, south, east, north)):
        raise InputError(
            f"The box {box} holds a number that is not finite; give west,south,east,north in degrees."
        )
    _check_range(np.array([[west, south], [east, north]]), where=f"The box {box}")
    if south >= north:
        raise InputError(
            f"The box {box} has its south ({south:g}) not below its north ({north:g}); "
            "the order is west,south,east,north."
        )
    if west == east:
        raise InputError(f"The box {box} has no width: west and east are equal.")
    if west > east:
        east += 360.0
    if not 0 < east - west <= _MAX_LONGITUDE:
        raise InputError(f"The box {box} is wider than the Earth; give west and east in [-180, 180].")
    return shapely.box(west, south, east, north)


def _looks_like_content(text: str) -> bool:
    stripped = text.strip()
    return stripped.startswith(("{", "[")) or bool(_BOX.match(stripped) or _WKT.match(stripped)) or not stripped


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"There is no file {path}, and it is neither GeoJSON, WKT nor west,south,east,north; check the name."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"The file {path} is not text; save the region as GeoJSON or WKT.") from None
    except OSError as error:
        raise InputError(
            f"The file {path} cannot be read ({error.strerror or error}); check its name and rights."
        ) from error


def _from_text(text: str, *, name: str) -> list[shapely.Polygon]:
    stripped = text.strip()
    if not stripped:
        raise InputError(f"{name} is empty; give GeoJSON, WKT or west,south,east,north.")
    if _BOX.match(stripped):
        return _from_box(stripped)
    if wkt := _WKT.match(stripped):
        return _from_wkt(stripped, srid=int(wkt["srid"] or 0))
    try:
        document = json.loads(stripped)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is neither JSON ({error.msg} at line {error.lineno}, column {error.colno}) nor WKT; "
            "give GeoJSON, WKT or west,south,east,north."
        ) from None
    if not isinstance(document, Mapping):
        raise InputError(f"{name} is JSON but no GeoJSON object; give {_ACCEPTED}.")
    return _from_geojson(document)


def _from_box(text: str) -> list[shapely.Polygon]:
    edges = [float(edge) for edge in text.split(",")]
    if len(edges) != _BOX_NUMBERS:
        raise InputError(f"A box needs four numbers, west,south,east,north in degrees; {text!r} has {len(edges)}.")
    return cut_polygon(check_bbox(*edges))


def _from_wkt(text: str, *, srid: int) -> list[shapely.Polygon]:
    if srid not in _LONLAT_SRIDS:
        _refuse_crs(f"EPSG:{srid}")
    try:
        geometry = shapely.from_wkt(text.split(";", 1)[-1])
    except shapely.GEOSException as error:
        if "non-closed" in str(error) or "closed" in str(error):
            raise InputError("A ring of the WKT is not closed: repeat its first position at the end.") from None
        raise InputError(f"The WKT cannot be read: {error}.") from None
    return _from_shape(geometry)


def _from_shape(geometry: BaseGeometry) -> list[shapely.Polygon]:
    if isinstance(geometry, shapely.GeometryCollection | shapely.MultiPolygon):
        parts = [part for part in geometry.geoms if not part.is_empty]
        return [polygon for part in parts for polygon in _from_shape(part)]
    if not isinstance(geometry, shapely.Polygon):
        _refuse_type(geometry.geom_type)
    return [] if geometry.is_empty else _from_rings(rings_of(geometry))


def _from_geojson(document: Mapping[str, Any]) -> list[shapely.Polygon]:
    _check_crs(document.get("crs"))
    match document.get("type"):
        case "FeatureCollection":
            return _from_members(document, "features")
        case "GeometryCollection":
            return _from_members(document, "geometries")
        case "Feature":
            geometry = document.get("geometry")
            # A feature may be without a place (RFC 7946, section 3.2).
            return _from_geojson(geometry) if isinstance(geometry, Mapping) else []
        case "MultiPolygon":
            polygons = [_from_coordinates(rings) for rings in _sequence(document.get("coordinates"))]
            return [piece for pieces in polygons for piece in pieces]
        case "Polygon":
            return _from_coordinates(document.get("coordinates"))
        case other:
            return _refuse_type(other)


def _from_members(document: Mapping[str, Any], key: str) -> list[shapely.Polygon]:
    members = _sequence(document.get(key))
    if not all(isinstance(member, Mapping) for member in members):
        raise InputError(f"The {key} of the GeoJSON {document['type']} are not all objects; give {_ACCEPTED}.")
    return [polygon for member in members for polygon in _from_geojson(member)]


def _from_coordinates(coordinates: object) -> list[shapely.Polygon]:
    rings = [_ring(ring) for ring in _sequence(coordinates)]
    return _from_rings(rings) if rings else []


def _ring(coordinates: object) -> Ring:
    try:
        positions = [(float(lon), float(lat)) for lon, lat, *_ in cast("Sequence[Sequence[float]]", coordinates)]
    except (TypeError, ValueError):
        raise InputError(
            "A ring of the GeoJSON is not a list of positions [longitude, latitude]; check the nested lists."
        ) from None
    ring = np.array(positions, dtype=np.float64).reshape(-1, 2)
    if len(ring) < _MIN_POSITIONS:
        raise InputError(
            f"A ring needs at least four positions, the last equal to the first; one has {len(ring)}."
        )
    if not np.array_equal(ring[0], ring[-1]):
        raise InputError(f"A ring is not closed: repeat its first position {positions[0]} at the end.")
    return ring


def _from_rings(rings: Sequence[Ring]) -> list[shapely.Polygon]:
    for ring in rings:
        _check_range(ring, where="The region")
        _check_valid(shapely.Polygon(unrolled(ring)))
    if all(np.abs(ring[:, 0]).max() <= _MAX_LONGITUDE / 2 and unrolled(ring) is ring for ring in rings):
        polygon = shapely.Polygon(rings[0], rings[1:])
        _check_valid(polygon)
        return [polygon]
    shell = shapely.MultiPolygon(cut_ring(rings[0]))
    holes = [shapely.union_all(cut_ring(ring)) for ring in rings[1:]]
    for hole in holes:
        if not shell.covers(hole):
            raise InputError(
                "A hole of the region lies outside its polygon's outer ring; remove it or move it inside."
            )
    return polygons_of(shapely.difference(shell, shapely.union_all(holes)) if holes else shell)


def _check_valid(polygon: shapely.Polygon) -> None:
    if polygon.is_valid:
        return
    reason = shapely.is_valid_reason(polygon)
    problem, _, place = reason.rstrip("]").partition("[")
    raise InputError(
        f"The region is not a valid polygon: {problem.strip().lower()} "
        f"at longitude and latitude {place.replace(' ', ', ')}. "
        "Correct the ring there, for instance with shapely.make_valid or QGIS's 'Fix geometries'."
    )


def _check_range(positions: NDArray[np.float64], *, where: str) -> None:
    if not np.all(np.isfinite(positions)):
        raise InputError(
            f"{where} has a coordinate that is not a finite number; longitudes and latitudes are in degrees."
        )
    lon, lat = (float(axis[np.abs(axis).argmax()]) for axis in positions.T)
    if abs(lon) <= _MAX_LONGITUDE and abs(lat) <= _MAX_LATITUDE:
        return
    if max(abs(lon), abs(lat)) > _MAX_PLAUSIBLE:
        raise InputError(
            f"{where} has a coordinate of {max(lon, lat, key=abs):g}, which is no number of degrees; {_REPROJECT}."
        )
    if abs(lon) <= _MAX_LATITUDE and abs(lat) <= _MAX_LONGITUDE:
        raise InputError(
            f"{where} has a latitude of {lat:g} degrees but would fit with its axes swapped; "
            "positions are longitude first, then latitude."
        )
    raise InputError(
        f"{where} is out of range (a longitude of {lon:g}, a latitude of {lat:g}); "
        "longitudes are in [-180, 180] and latitudes in [-90, 90] degrees."
    )


def _check_crs(crs: object) -> None:
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(name, str):
        raise InputError(
            f"The GeoJSON has a crs member that names no coordinate reference system; remove it, or {_REPROJECT}."
        )
    if not _LONLAT.match(name):
        _refuse_crs(name)


def _sequence(value: object) -> Sequence[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise InputError(
        f"The GeoJSON lacks a list where coordinates, features or geometries belong; give {_ACCEPTED}."
    )


def _refuse_crs(name: str) -> NoReturn:
    code = re.search(r"EPSG:(?:[\d.]*:)?(\d+)$", name, re.IGNORECASE)
    raise InputError(f"The region is in {f'EPSG:{code[1]}' if code else name}; {_REPROJECT}.")


def _refuse_type(kind: object) -> NoReturn:
    raise InputError(f"The region is of type {kind}, which covers no area; give {_ACCEPTED}.")
