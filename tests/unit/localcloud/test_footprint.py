"""A footprint covers every point of its granule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import shapely

from trackbench.localcloud.footprint import covering_area, granule_footprint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


type _Column = NDArray[np.float64]


def _track(start: float, east: float, count: int = 20_000) -> tuple[_Column, _Column, _Column]:
    """Return a track northwards with a wiggle: latitude, longitude, time."""
    step: _Column = np.arange(count, dtype=np.float64)
    latitude: _Column = start + step * 1.8e-4
    longitude: _Column = east - step * 3e-4 + 0.01 * np.sin(step / 500)
    return latitude, np.mod(longitude + 180, 360) - 180, step * 0.0028


@pytest.mark.parametrize(("start", "east"), [(62.0, -45.0), (-70.0, 179.0), (-70.0, -178.0), (84.5, 10.0)])
def test_area_covers_every_point(start: float, east: float) -> None:
    """All points are within, also across the antimeridian and near the pole; the area stays slim."""
    latitude, longitude, time = _track(start, east)
    area = covering_area(latitude, longitude, time)
    assert shapely.intersects_xy(area, longitude, latitude).all()
    assert area.bounds[0] >= -180
    assert area.bounds[2] <= 180
    assert not area.intersects(shapely.Point(east - 3, start))
    assert area.area < 0.5
    assert shapely.get_num_coordinates(area) < 300


def test_single_points_and_gaps() -> None:
    """Stretches apart have areas apart, and one point alone has one too."""
    latitude = np.array([10.0, 60.0, 60.001])
    area = covering_area(latitude, np.array([5.0, 6.0, 6.0]), np.array([0.0, 700.0, 700.1]))
    assert shapely.get_num_geometries(area) == 2
    assert shapely.intersects_xy(area, [5.0, 6.0, 6.0], latitude).all()
    assert not area.intersects(shapely.Point(5.5, 35))


def test_invalid_points_and_missing_beams(tmp_path: Path) -> None:
    """NaN and out-of-range coordinates and beams without segments take no part."""
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("gt2l/land_ice_segments")
        group["latitude"] = [70.0, np.nan, 3.4e38, 70.001]
        group["longitude"] = [-40.0, -40.0, -40.0, -40.001]
        group["delta_time"] = [100.0, 101.0, 102.0, 103.5]
        file.create_group("gt1l/residual_histogram")
        file["orbit_info/orbit_number"] = [4000]
    footprint = granule_footprint(path, "ATL06")
    assert (footprint.start, footprint.end, footprint.orbit) == (100.0, 103.5, 4000)
    bounds = shapely.from_wkt(footprint.area).bounds
    assert bounds == pytest.approx((-40.02, 69.98, -39.98, 70.02), abs=0.01)


def test_no_points_is_an_empty_footprint(tmp_path: Path) -> None:
    """A granule without any point has an empty area and no times."""
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w"):
        pass
    footprint = granule_footprint(path, "ATL06")
    assert shapely.from_wkt(footprint.area).is_empty
    assert np.isnan(footprint.start)


def test_real_granules_are_covered(real_data: Path) -> None:
    """The footprints of released granules cover all their segments."""
    for path in sorted((real_data / "atl06").glob("*.h5")):
        footprint = granule_footprint(path, "ATL06")
        area = shapely.from_wkt(footprint.area)
        with h5py.File(path) as file:
            beams = [file[beam] for beam in file if beam.startswith("gt") and "land_ice_segments" in file[beam]]
            assert beams
            for beam in beams:
                segments = beam["land_ice_segments"]
                longitude, latitude = segments["longitude"][:], segments["latitude"][:]
                assert shapely.intersects_xy(area, longitude, latitude).all()
                assert footprint.start <= segments["delta_time"][0] <= footprint.end
