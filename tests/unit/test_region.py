"""Regions: what is read, what is refused, and which points are covered."""

from __future__ import annotations

import itertools
import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import antimeridian
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from trackbench.errors import InputError
from trackbench.region import Region

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GREENLAND: dict[str, Any] = {
    "type": "FeatureCollection",
    "name": "greenland_aoi",
    "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [-45.379436701418982, 62.632384888224848],
                        [-44.620563298581018, 62.632384888224848],
                        [-44.615470340415492, 62.981973185442563],
                        [-45.384529659584508, 62.981973185442563],
                        [-45.379436701418982, 62.632384888224848],
                    ]
                ],
            },
        }
    ],
}
SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]

GRID = 8
"""Vertices and points lie on a grid of eighths of a degree, where float64 is exact."""

type Ring = list[tuple[int, int]]


def covers(region: Region, *points: tuple[float, float]) -> list[bool]:
    """Ask for a few points."""
    lon, lat = np.array(points, dtype=np.float64).T
    return [bool(inside) for inside in region.covers(lon, lat)]


def polygon(*rings: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Make a GeoJSON polygon."""
    return {"type": "Polygon", "coordinates": list(rings)}


def test_the_greenland_region_keeps_every_bit_of_its_coordinates() -> None:
    """A region that needs no cut has the coordinates it was given."""
    given_ring = GREENLAND["features"][0]["geometry"]["coordinates"][0]
    region = Region.parse(GREENLAND)
    assert {tuple(position) for position in region.to_geojson()["coordinates"][0][0]} == set(
        map(tuple, given_ring)
    )


def test_one_region_in_every_form_is_equal(tmp_path: Path) -> None:
    """Mapping, text, file, WKT, EWKT and box give one region and one digest."""
    wkt = "POLYGON((-50 60,-40 60,-40 70,-50 70,-50 60))"
    geojson = polygon([[-50, 60], [-40, 60], [-40, 70], [-50, 70], [-50, 60]])
    (tmp_path / "region.geojson").write_text(json.dumps(geojson), encoding="utf-8-sig")
    (tmp_path / "region.wkt").write_text(f"{wkt}\n", encoding="utf-8")
    forms: list[str | Path | dict[str, Any]] = [
        geojson,
        json.dumps(geojson),
        tmp_path / "region.geojson",
        str(tmp_path / "region.geojson"),
        tmp_path / "region.wkt",
        wkt,
        f"SRID=4326;{wkt}",
        "-50,60,-40,70",
        " -50.0, 6e1, -40, +70 ",
    ]
    regions = [Region.parse(form) for form in forms]
    assert all(region == Region.from_bbox(-50, 60, -40, 70) for region in regions)
    assert len({region.digest for region in regions}) == 1


def test_digests_tell_regions_apart() -> None:
    """Another region has another digest."""
    assert Region.from_bbox(-50, 60, -40, 70).digest != Region.from_bbox(-50, 60, -40, 70.000001).digest


@pytest.mark.parametrize(
    "source",
    [
        "-50,60,-40,70",
        "170,60,-170,70",
        "-170,60,170,80",
        "-180,-90,180,90",
        "POLYGON((0 80,90 80,180 80,-90 80,0 80))",
        json.dumps(polygon(SQUARE, HOLE)),
        json.dumps(GREENLAND),
    ],
)
def test_writing_and_reading_again_gives_the_same_region(source: str) -> None:
    """GeoJSON, WKT and pickle all carry a region without loss."""
    region = Region.parse(source)
    assert Region.parse(region.to_geojson()) == region
    assert Region.parse(region.to_wkt()) == region
    assert pickle.loads(pickle.dumps(region)) == region


def test_rings_are_wound_as_rfc_7946_says() -> None:
    """Exteriors run counterclockwise and holes clockwise, however they came."""
    (part,) = Region.parse(polygon(SQUARE[::-1], HOLE[::-1])).parts
    assert part.exterior.is_ccw
    assert not part.interiors[0].is_ccw


def test_the_boundary_is_covered_and_holes_are_not() -> None:
    """Edges and corners belong to a region, those of its holes too, and the inside of a hole does not."""
    region = Region.parse(polygon(SQUARE, HOLE))
    assert covers(region, (0, 0), (10, 5), (5, 10), (4, 5), (6, 6), (1, 1)) == [True] * 6
    assert covers(region, (5, 5), (10.0000001, 5), (-1e-12, 5)) == [False] * 3


def test_no_point_that_is_none_is_covered() -> None:
    """NaN, infinity and coordinates out of range are in no region, not even in the whole Earth."""
    world = Region.from_bbox(-180, -90, 180, 90)
    assert (
        covers(world, (math.nan, 0), (0, math.nan), (math.inf, 0), (0, -math.inf), (181, 0), (0, 90.1))
        == [False] * 6
    )
    assert covers(world, (math.nan, 90), (200, 90)) == [False] * 2
    assert covers(world, (180, 90), (-180, -90), (0, 0)) == [True] * 3


def test_covers_wants_two_arrays_of_one_length() -> None:
    """Coordinates of different lengths are an error that names both."""
    with pytest.raises(InputError, match=r"\(2,\).*\(1,\)"):
        Region.from_bbox(0, 0, 1, 1).covers([0, 1], [0])


def test_no_points_are_no_answer() -> None:
    """Asking for nothing gives nothing."""
    assert Region.from_bbox(0, 0, 1, 1).covers([], []).shape == (0,)


@pytest.mark.parametrize("box", ["170,60,180,70", "-180,60,-170,70", "170,60,-170,70"])
def test_180_and_minus_180_are_one_meridian(box: str) -> None:
    """A region that touches the antimeridian from either side covers the points on it by either name."""
    assert covers(Region.parse(box), (180, 65), (-180, 65), (180, 60), (-180, 71)) == [True, True, True, False]


def test_a_region_that_ends_short_of_the_antimeridian_does_not_cover_it() -> None:
    """The two names of the meridian do not widen a region."""
    assert covers(Region.parse("170,60,179.5,70"), (180, 65), (-180, 65)) == [False, False]


@pytest.mark.parametrize("source", ["POLYGON((0 80,90 80,180 80,-90 80,0 80))", "-180,80,180,90", "10,80,20,90"])
def test_a_pole_is_covered_whatever_its_longitude(source: str) -> None:
    """The pole is one point: a region that reaches it covers it under any longitude."""
    region = Region.parse(source)
    assert covers(region, (15, 90), (-77, 90), (180, 90), (-180, 90)) == [True] * 4
    assert covers(region, (15, -90), (15, 79)) == [False] * 2


@pytest.mark.parametrize("latitude", [70, -70])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_ring_round_the_earth_holds_the_pole_of_its_hemisphere(latitude: int, direction: int) -> None:
    """The winding does not matter where the ring stays in one hemisphere."""
    ring = [[lon, latitude] for lon in (0, 90, 180, -90, 0)][::direction]
    region = Region.parse(polygon(ring))
    assert covers(region, (33, latitude * 1.2), (180, latitude * 1.1), (0, 0)) == [True, True, False]


def test_a_ring_that_crosses_the_equator_holds_the_pole_on_its_left() -> None:
    """RFC 7946 has the inside of an outer ring on the left."""
    ring = [[0, -10], [90, 10], [180, -10], [-90, 10], [0, -10]]
    assert covers(Region.parse(polygon(ring)), (0, 90), (0, -90)) == [True, False]
    assert covers(Region.parse(polygon(ring[::-1])), (0, 90), (0, -90)) == [False, True]


def test_a_ring_may_name_the_antimeridian_twice_in_a_row() -> None:
    """A step from 180 to -180 is no step."""
    ring = [[-180, 70], [-90, 70], [0, 72], [90, 70], [180, 70], [-180, 70]]
    assert covers(Region.parse(polygon(ring)), (10, 85), (180, 75), (0, 71)) == [True, True, False]


def test_a_hole_round_a_pole_leaves_a_ring() -> None:
    """What is left between two parallels covers neither the pole nor what is outside."""
    outer = [[lon, 70] for lon in (0, 90, 180, -90, 0)]
    hole = [[lon, 80] for lon in (10, -80, -170, 100, 10)]
    region = Region.parse(polygon(outer, hole))
    assert covers(region, (50, 75), (180, 75), (-180, 80)) == [True] * 3
    assert covers(region, (0, 90), (0, 85), (0, 69)) == [False] * 3


def test_longitudes_up_to_360_mean_the_same_places() -> None:
    """A region in 0 to 360 degrees is the region in -180 to 180."""
    assert Region.parse("POLYGON((310 60,320 60,320 70,310 70,310 60))") == Region.from_bbox(-50, 60, -40, 70)
    assert Region.from_bbox(170, 60, 190, 70) == Region.from_bbox(170, 60, -170, 70)
    assert covers(Region.parse(polygon([[0, 60], [360, 60], [360, 80], [0, 80], [0, 60]])), (-77, 70)) == [True]


def test_a_wide_box_is_not_taken_for_a_narrow_one() -> None:
    """A box from -170 to 170 covers the meridian of Greenwich and not the antimeridian."""
    assert covers(Region.from_bbox(-170, 60, 170, 80), (0, 70), (180, 70)) == [True, False]


def test_several_polygons_are_united() -> None:
    """Features that overlap give one region, and a third coordinate is dropped."""
    left = polygon([[*position, 100.0] for position in SQUARE])
    right = polygon([[x + 5, y] for x, y in SQUARE])
    features = [{"type": "Feature", "geometry": each, "properties": None} for each in (left, right)]
    united = Region.parse({"type": "FeatureCollection", "features": features})
    assert united.geometry.area == pytest.approx(150)
    assert Region.parse({"type": "GeometryCollection", "geometries": [left, right]}) == united
    assert Region.parse(
        "GEOMETRYCOLLECTION(POLYGON Z((0 0 1,10 0 1,10 10 1,0 10 1,0 0 1)),POLYGON EMPTY)"
    ).bounds == (
        0,
        0,
        10,
        10,
    )


def test_a_feature_without_a_place_is_passed_over() -> None:
    """Features without a geometry, and empty polygons, add nothing to those that have some."""
    geometries = [None, polygon(), polygon(SQUARE)]
    features = [{"type": "Feature", "geometry": each, "properties": None} for each in geometries]
    assert Region.parse({"type": "FeatureCollection", "features": features}) == Region.from_bbox(0, 0, 10, 10)


def test_distance_to_the_boundary_knows_no_seam() -> None:
    """The cut at the antimeridian is no boundary, and a boundary is near across it."""
    crossing = Region.from_bbox(170, 60, -170, 70)
    assert crossing.distance_to_boundary([180, -180, 180], [65, 60, 69.5]) == pytest.approx([5, 0, 0.5])
    touching = Region.from_bbox(170, 60, 180, 70)
    assert touching.distance_to_boundary([-179.75, 180], [65, 65]) == pytest.approx([0.25, 0])
    world = Region.from_bbox(-180, -90, 180, 90)
    assert world.distance_to_boundary([0, math.nan], [0, 0]).tolist()[0] == math.inf
    assert math.isnan(crossing.distance_to_boundary([math.nan], [0])[0])
    assert Region.parse(polygon(SQUARE, HOLE)).distance_to_boundary([5, 12], [5, 5]) == pytest.approx([1, 2])


def test_many_threads_may_ask_one_region() -> None:
    """A region is ready for threads when it is made: nothing is built at the first question."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    region = Region.parse(polygon(SQUARE, HOLE))
    lon, lat = np.meshgrid(np.linspace(-1, 11, 200), np.linspace(-1, 11, 200))
    expected = region.covers(lon.ravel(), lat.ravel())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: region.covers(lon.ravel(), lat.ravel()), range(16)))
    assert all(np.array_equal(answer, expected) for answer in answers)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("POLYGON((0 0,1 1,1 0,0 1,0 0))", r"self-intersection at longitude and latitude 0\.5, 0\.5"),
        (polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]), "self-intersection"),
        (polygon(SQUARE, [[x + 20, y] for x, y in HOLE]), "hole lies outside shell"),
        (polygon([[-170, 60], [170, 60], [170, 70], [-170, 60]], [[0, 61], [1, 61], [1, 62], [0, 61]]), "hole"),
        ("SRID=3413;POLYGON((0 0,1 0,1 1,0 0))", r"EPSG:3413; reproject .*CRS84"),
        (
            {**GREENLAND, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32622"}}},
            "EPSG:32622",
        ),
        ({**GREENLAND, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU:49900"}}}, "IAU:49900"),
        (
            {**GREENLAND, "crs": {"type": "link", "properties": {"href": "x"}}},
            "names no coordinate reference system",
        ),
        ("POLYGON((62 -145,63 -145,63 -144,62 -145))", "latitude of -145 degrees.*axes swapped"),
        ("POLYGON((-400 0,-390 0,-390 1,-400 0))", "out of range"),
        ("POLYGON((0 0,1 0,1 95,0 0))", "latitude of 95 degrees.*axes swapped"),
        ("POLYGON((100 0,101 0,101 95,100 0))", "out of range"),
        (
            "POLYGON((-200000 -3000000,-100000 -3000000,-100000 -2900000,-200000 -3000000))",
            "no number of degrees; reproject",
        ),
        ("POINT(1 2)", "type Point, which covers no area"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "type LineString"),
        ("GEOMETRYCOLLECTION(POINT(1 2),POLYGON((0 0,1 0,1 1,0 0)))", "type Point"),
        ("POLYGON EMPTY", "region is empty"),
        ({"type": "FeatureCollection", "features": []}, "region is empty"),
        ({"type": "Feature", "geometry": None}, "region is empty"),
        (polygon(), "region is empty"),
        (polygon([[0, 0], [1, 0], [1, 1], [0, 1]]), "not closed: repeat"),
        (polygon([[0, 0], [1, 0], [0, 0]]), "at least four positions"),
        (polygon([[0, 0], [5, 5], [10, 10], [0, 0]]), "not a valid polygon"),
        (polygon([[0, 0], [1, 0], [math.nan, 1], [0, 0]]), "not a finite number"),
        ("POLYGON((0 0,1 0,1 1))", "not closed: repeat"),
        ("POLYGON((0 0,1 0, x", "WKT cannot be read"),
        ({"type": "Polygon", "coordinates": SQUARE}, "check the nested lists"),
        ({"type": "Polygon"}, "lacks a list"),
        ({"type": "FeatureCollection", "features": ["x"]}, "not all objects"),
        ({"type": "Topology"}, "type Topology"),
        ({}, "type None"),
        ("{bad", "neither JSON"),
        ("[1, 2]", "no GeoJSON object"),
        ("", "is empty"),
        ("1,2,3", "four numbers"),
        ("10,20,10,30", "no width"),
        ("10,30,20,30", "not below its north"),
        ("10,-95,20,30", "latitude of -95 degrees"),
        ("nowhere.geojson", "no file nowhere.geojson"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(source: str | dict[str, Any], message: str) -> None:
    """Each mistake has an error that says what is wrong."""
    with pytest.raises(InputError, match=message):
        Region.parse(source)


def test_a_file_that_is_no_region_is_named(tmp_path: Path) -> None:
    """Errors about a file say which one."""
    binary, text = tmp_path / "region.bin", tmp_path / "region.txt"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    text.write_text("no region", encoding="utf-8")
    for path, message in ((binary, "not text"), (text, "neither JSON"), (tmp_path, "cannot be read")):
        with pytest.raises(InputError, match=message) as caught:
            Region.parse(path)
        assert path.name in str(caught.value)


def test_a_box_must_be_finite_and_no_wider_than_the_earth() -> None:
    """Numbers that are none, and boxes wider than the Earth, are refused."""
    with pytest.raises(InputError, match="not finite"):
        Region.from_bbox(math.nan, 0, 1, 1)
    with pytest.raises(InputError, match="wider than the Earth"):
        Region.from_bbox(-200, 0, 200, 1)


@st.composite
def stars(draw: st.DrawFn) -> list[Ring]:
    """Draw a star-shaped ring with, sometimes, a smaller copy as a hole, in eighths of a degree."""
    count = draw(st.integers(3, 8))
    radii = draw(st.lists(st.integers(3, 10), min_size=count, max_size=count))
    turn = draw(st.floats(0, 1))
    hole = draw(st.booleans())
    rings: list[Ring] = []
    for scale in (1.0, 0.5)[: 1 + hole]:
        angles = [2 * math.pi * (place + turn) / count for place in range(count)]
        ring = [
            (round(GRID * scale * radius * math.cos(angle)), round(GRID * scale * radius * math.sin(angle)))
            for radius, angle in zip(radii, angles, strict=True)
        ]
        rings.append([*ring, ring[0]])
    return rings


def where(ring: Ring, x: int, y: int) -> int:
    """Tell by casting a ray, in whole numbers: 1 inside the ring, 0 on it, -1 outside."""
    inside = -1
    for (x1, y1), (x2, y2) in itertools.pairwise(ring):
        cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if cross == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return 0
        if (y1 > y) != (y2 > y) and (cross > 0) == (y2 > y1):
            inside = -inside
    return inside


def oracle(rings: list[Ring], x: int, y: int) -> bool:
    """Tell whether a polygon with holes covers a point."""
    return where(rings[0], x, y) >= 0 and all(where(hole, x, y) <= 0 for hole in rings[1:])


def on_any(rings: list[Ring], x: int, y: int) -> bool:
    """Tell whether a point is on a ring."""
    return any(where(ring, x, y) == 0 for ring in rings)


POINTS = [(x, y) for x in range(-11 * GRID, 11 * GRID, 5) for y in range(-11 * GRID, 11 * GRID, 7)]


@settings(max_examples=60, deadline=None)
@given(stars(), st.integers(-160, 160), st.integers(-78, 78))
def test_covers_agrees_with_casting_rays(rings: list[Ring], lon: int, lat: int) -> None:
    """Any polygon with a hole covers just the points that exact ray casting finds, its corners included."""
    region = Region.parse(polygon(*[[(lon + x / GRID, lat + y / GRID) for x, y in ring] for ring in rings]))
    points = [*POINTS, *rings[0], *rings[-1]]
    expected = [oracle(rings, x, y) for x, y in points]
    assert covers(region, *((lon + x / GRID, lat + y / GRID) for x, y in points)) == expected


def wrapped(longitude: float) -> float:
    """Bring a longitude into [-180, 180]."""
    return longitude - 360 if longitude > 180 else longitude


@settings(max_examples=60, deadline=None)
@given(stars(), st.integers(175, 185), st.integers(-78, 78))
def test_covers_agrees_with_casting_rays_across_the_antimeridian(rings: list[Ring], lon: int, lat: int) -> None:
    """A polygon that jumps over the antimeridian covers the same points as if there were none.

    Points exactly on an edge are left out: where an edge is cut, its latitude is rounded.
    """
    region = Region.parse(
        polygon(*[[(wrapped(lon + x / GRID), lat + y / GRID) for x, y in ring] for ring in rings])
    )
    points = [(x, y) for x, y in POINTS if not on_any(rings, x, y)]
    expected = [oracle(rings, x, y) for x, y in points]
    assert covers(region, *((wrapped(lon + x / GRID), lat + y / GRID) for x, y in points)) == expected


@settings(max_examples=30, deadline=None)
@given(stars(), st.integers(175, 185), st.integers(-78, 78))
def test_the_cut_agrees_with_the_antimeridian_package(rings: list[Ring], lon: int, lat: int) -> None:
    """The cut is that of the `antimeridian` package, but for its rounding to seven decimals."""
    ring = [(wrapped(lon + x / GRID), lat + y / GRID) for x, y in rings[0]]
    theirs = antimeridian.fix_polygon(shapely.Polygon(ring), great_circle=False, fix_winding=True)
    ours = Region.parse(polygon(ring))
    assert shapely.symmetric_difference(ours.geometry, shapely.make_valid(theirs)).area < 1e-4
    assert Region.parse(ours.to_geojson()) == ours
