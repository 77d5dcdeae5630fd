"""The line of a chunk, and the bound on how far its points are from it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from trackbench.chunkindex.tracks import great_circle_km, samples, track_line, valid_points


def _orbit(count: int, latitude: float, *, longitude: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Make points 20 m apart on a circle inclined by 92 degrees, up to the highest latitude if need be."""
    along = np.radians(latitude) + np.arange(count) * 20 / 6.371e6
    inclination = np.radians(92)
    lat = np.degrees(np.arcsin(np.sin(inclination) * np.sin(along)))
    lon = np.degrees(np.arctan2(np.cos(inclination) * np.sin(along), np.cos(along))) + longitude
    return (lon + 180) % 360 - 180, lat


@settings(max_examples=40, deadline=None)
@given(
    latitude=st.floats(-89, 89),
    longitude=st.floats(-180, 180),
    count=st.integers(1, 3000),
    seed=st.integers(0, 99),
)
def test_no_point_is_farther_from_the_line_than_it_says(
    latitude: float, longitude: float, count: int, seed: int
) -> None:
    """Anywhere on an orbit, across the antimeridian and with gaps, jitter and points on one place."""
    lon, lat = _orbit(count, latitude, longitude=longitude)
    random = np.random.default_rng(seed)
    kept = np.sort(random.choice(count, max(1, count * 2 // 3), replace=True))
    lon, lat = lon[kept], lat[kept] + random.normal(0, 1e-5, kept.size)
    lat = lat.clip(-90, 90)
    line = track_line(lon, lat)
    assert line.geometry is not None
    distances = shapely.distance(shapely.points(lon, lat), line.geometry)
    assert distances.max() <= line.error * (1 + 1e-6) + 1e-9
    assert line.bounds == (lon.min(), lat.min(), lon.max(), lat.max())


def test_a_plain_track_needs_few_vertices() -> None:
    """At 60 degrees north a chunk of 200 km is drawn to 0.002 degrees with less than ten."""
    line = track_line(*_orbit(10_000, 60))
    assert line.error <= 0.002
    assert line.geometry is not None
    assert shapely.get_num_coordinates(line.geometry) < 10


def test_a_chunk_without_points_lies_nowhere() -> None:
    """It has no line."""
    assert track_line(np.empty(0), np.empty(0)).geometry is None


def test_a_line_that_crosses_the_antimeridian_is_cut() -> None:
    """Its halves lie on their own sides: a line straight through would cross the whole map."""
    line = track_line(np.array([179.98, 179.99, -179.99, -179.98]), np.array([60.0, 60.1, 60.2, 60.3]))
    assert line.geometry is not None
    assert isinstance(line.geometry, shapely.MultiLineString)
    assert max(part.length for part in shapely.get_parts(line.geometry)) < 1


def test_points_that_can_be_in_no_region_are_not_valid() -> None:
    """NaN, fill values and what is out of range."""
    lon = np.array([0.0, np.nan, 0.0, 181.0, 3.4e38, 180.0])
    lat = np.array([0.0, 0.0, np.nan, 0.0, 0.0, -90.0])
    assert valid_points(lon, lat).tolist() == [True, False, False, False, False, True]


def test_no_point_is_farther_from_its_sample_than_it_says() -> None:
    """Also where rows are missing in the middle."""
    lon, lat = _orbit(5000, 60)
    lon, lat = np.delete(lon, np.s_[1010:3333]), np.delete(lat, np.s_[1010:3333])
    rows, reach = samples(lon, lat)
    before = rows[np.searchsorted(rows, np.arange(len(lon)), side="right") - 1]
    assert great_circle_km(lon, lat, lon[before], lat[before]).max() <= reach
    assert reach < 2
    assert rows[-1] == len(lon) - 1


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    """The haversine formula."""
    assert great_circle_km(np.array([5.0]), np.array([60.0]), 5.0, 61.0)[0] == pytest.approx(111.19, abs=0.01)
