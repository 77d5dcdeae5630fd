"""The orbit model: ground tracks, times and the parts of a turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from trackbench.errors import InputError
from trackbench.granulegen import (
    EPOCH,
    OUTAGES,
    GranuleSpec,
    angle_at,
    node_time,
    passes,
    reference_track,
    region_angles,
    to_degrees,
    tracks_crossing,
)
from trackbench.granules import GranuleName

if TYPE_CHECKING:
    from pathlib import Path

EARTH_KM = 6371.0

# Latitude and longitude of points of the published reference ground track 1.
PUBLISHED = (
    (0.0, -0.12905),
    (31.94671, -3.52228),
    (62.81182, -8.18857),
    (87.85793, -74.48842),
    (71.65173, 178.80005),
    (33.5291, 171.59258),
    (1.53754, 168.30136),
    (-49.45697, 162.51111),
    (-85.78062, 10.07705),
    (-41.97528, -19.20629),
)

# Granules that NSIDC has released: the start time in the name is when the pass entered the region.
RELEASED = (
    "ATL06_20181014001049_02350102_003_01.h5",
    "ATL06_20190404100413_00940303_006_01.h5",
    "ATL06_20190413220646_02390305_006_01.h5",
    "ATL06_20190610191843_11230305_006_01.h5",
    "ATL06_20190802041952_05360403_006_01.h5",
    "ATL06_20200303180710_10390603_007_01.h5",
    "ATL06_20200811143458_07210811_006_01.h5",
    "ATL06_20250302230840_11732614_006_01.h5",
    "ATL06_20250913142324_13722807_007_01.h5",
    "ATL06_20260720222416_05633213_007_01.h5",
)


def kilometres_from_track(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Distance of each point from track 1, the track taken every 30 m."""
    angles = np.linspace(0, 2 * np.pi, 1_300_001)
    track = reference_track(angles)
    up, east = np.deg2rad(latitude), np.deg2rad(longitude)
    points = np.stack([np.cos(up) * np.cos(east), np.cos(up) * np.sin(east), np.sin(up)])
    # Points and track run in the same order: near the same share of the turn.
    nearest = []
    for point in points.T:
        coarse = int(np.argmin(((track[:, ::1000] - point[:, None]) ** 2).sum(axis=0))) * 1000
        part = track[:, max(0, coarse - 1100) : coarse + 1100]
        nearest.append(np.sqrt(((part - point[:, None]) ** 2).sum(axis=0)).min())
    return np.array(nearest) * EARTH_KM


def test_track_1_runs_through_points_of_the_published_one() -> None:
    """Points all around the turn lie within 1 km."""
    latitude, longitude = np.array(PUBLISHED).T

    assert kilometres_from_track(latitude, longitude).max() < 1.0


def test_track_1_is_the_published_one_everywhere(real_data: Path) -> None:
    """Each of the 5658 points of the published track lies within 1 km."""
    path = real_data / "other" / "RGT_001.h5"
    if not path.is_file():
        pytest.skip("no published track: TRACKBENCH_REAL_DATA has no other/RGT_001.h5")
    with h5py.File(path, "r") as file:
        latitude, longitude = file["latitude"][:], file["longitude"][:]

    assert kilometres_from_track(latitude, longitude).max() < 1.0


def test_each_track_lies_91_turns_in_1387_west_of_the_one_before() -> None:
    """Track 1388 would be track 1 again."""
    place = reference_track(np.array([0.3]))
    first = to_degrees(place, 1)[0][0]
    second = to_degrees(place, 2)[0][0]

    assert (second - first) % 360 == pytest.approx(360 - 360 * 91 / 1387, abs=1e-9)
    assert to_degrees(place, 1388)[0][0] == pytest.approx(first, abs=1e-9)


def test_tracks_turn_at_88_degrees() -> None:
    """The inclination of 92 degrees leaves out two degrees around the poles."""
    latitude = to_degrees(reference_track(np.linspace(0, 2 * np.pi, 10_001)))[1]

    assert latitude.max() == pytest.approx(88.0, abs=0.02)
    assert latitude.min() == pytest.approx(-88.0, abs=0.02)
    with pytest.raises(InputError, match="89"):
        angle_at(89.0, ascending=True)


@pytest.mark.parametrize(
    ("region", "first", "last", "rises"),
    [(3, 59.5, 80.0, True), (4, 80.0, 80.0, True), (5, 80.0, 59.5, False), (11, -79.0, -79.0, False)],
)
def test_regions_lie_where_the_user_guide_says(region: int, first: float, last: float, *, rises: bool) -> None:
    """A region begins and ends at its latitudes, and begins northward or southward."""
    begin, end = region_angles(region)
    latitude = to_degrees(reference_track(np.array([begin, begin + 1e-4, end])))[1]

    assert latitude[[0, 2]] == pytest.approx([first, last], abs=0.01)
    assert (latitude[1] > latitude[0]) == rises


def test_regions_join_into_a_whole_turn() -> None:
    """Each region begins where the one before it ends."""
    edges = [region_angles(region) for region in range(1, 15)]

    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(2 * np.pi, abs=1e-3)
    assert [edge[1] for edge in edges[:-1]] == pytest.approx([edge[0] for edge in edges[1:]], abs=1e-9)
    with pytest.raises(InputError, match="15"):
        region_angles(15)


@pytest.mark.parametrize("name", RELEASED)
def test_start_times_are_those_of_released_granules(name: str) -> None:
    """The model meets start times between 2018 and 2026 within three minutes."""
    released = GranuleName.parse(name)
    spec = GranuleSpec(released.rgt, released.cycle, released.region)

    assert abs(spec.start - released.start) < timedelta(minutes=3)


def test_a_name_says_the_spec_back() -> None:
    """The name of a granule is read back to track, cycle, region, release and revision."""
    spec = GranuleSpec(1039, 6, 3, release=7, revision=2)
    read = GranuleName.parse(str(spec.name))

    assert (read.rgt, read.cycle, read.region, read.release, read.revision) == (1039, 6, 3, 7, 2)
    assert read.start == spec.start


@pytest.mark.parametrize(("rgt", "cycle"), [(0, 1), (1388, 1), (1, 0)])
def test_a_pass_that_does_not_exist_is_refused(rgt: int, cycle: int) -> None:
    """RGTs go from 1 to 1387 and cycles from 1."""
    with pytest.raises(InputError, match=f"RGT {rgt} of cycle {cycle}"):
        node_time(rgt, cycle)


def test_a_box_across_the_antimeridian_is_one_box() -> None:
    """Tracks of its western and its eastern half are found, and no others."""
    whole = {(each.rgt, each.region) for each in tracks_crossing(179.0, 70.0, -179.0, 70.5)}
    west = {(each.rgt, each.region) for each in tracks_crossing(179.0, 70.0, 180.0, 70.5)}
    east = {(each.rgt, each.region) for each in tracks_crossing(-180.0, 70.0, -179.0, 70.5)}

    assert whole == west | east
    assert west - east
    assert east - west


def test_passes_come_every_cycle_and_not_during_outages() -> None:
    """One pass each 90.8 days; none while the spacecraft was in safe hold."""
    crossings = [each for each in tracks_crossing(-45.385, 62.632, -44.615, 62.982) if each.rgt in {239, 1039}]
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    specs = list(passes(crossings, start, end))

    assert [(spec.rgt, spec.cycle) for spec in specs] == [
        (239, 2), (1039, 2), (239, 3), (1039, 3), (1039, 4), (239, 5), (1039, 5),
    ]  # fmt: skip
    assert all(start <= spec.start < end for spec in specs)
    assert not any(begin <= spec.start < stop for spec in specs for begin, stop in OUTAGES)


def test_delta_time_counts_from_2018() -> None:
    """The first ascending node of the mission's tracks was in September 2018."""
    assert datetime(2018, 9, 28, 16, 20, tzinfo=UTC) - EPOCH == pytest.approx(
        timedelta(seconds=node_time(1, 1)), abs=timedelta(seconds=1)
    )
