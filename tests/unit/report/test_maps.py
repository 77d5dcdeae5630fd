"""Maps: thinned without lying, drawn anywhere on the Earth, kept and read back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyproj import Geod

from trackbench.errors import InputError
from trackbench.region import Region
from trackbench.report.map_drawing import describe_place, draw_map
from trackbench.report.maps import CaseMap, case_map
from trackbench.report.projection import LocalProjection, degrees, nice_length

GREENLAND = Region.from_bbox(-45.4, 62.6, -44.6, 63.0)
SPACING = 20 / 111_200
REGIONS = {
    "greenland": GREENLAND,
    "antimeridian": Region.from_bbox(176, -20, -176, -15),
    "south pole": Region.from_bbox(-180, -90, 180, -87.5),
    "north pole": Region.from_bbox(-180, 88, 180, 90),
    "equator": Region.from_bbox(-3, -2, 3, 2),
}


def rows(*tracks: tuple[float, float, float]) -> pa.Table:
    """Return rows every 20 m along meridians, for each longitude, first and last latitude one ground track."""
    latitude = [np.arange(first, last, SPACING) for _, first, last in tracks]
    number = np.repeat(np.arange(len(tracks), dtype=np.int16), [len(each) for each in latitude])
    return pa.table(
        {
            "longitude": np.repeat([each[0] for each in tracks], [len(each) for each in latitude]),
            "latitude": np.concatenate(latitude),
            "rgt": number,
            "cycle": np.ones(len(number), np.int16),
            "track_id": pa.array(["gt1l"] * len(number)).dictionary_encode(),
        }
    )


def test_each_track_becomes_one_line_from_its_first_to_its_last_row() -> None:
    """Thousands of rows are drawn as a few points, none of them lost at the ends."""
    table = rows((-45.0, 62.6, 63.0), (-44.8, 62.7, 62.9))
    shown = case_map("demo", GREENLAND, table)

    assert shown.rows_total == len(table)
    assert len(shown.rows) == len(shown.tracks) == 2
    ends = [(float(latitude[0]), float(latitude[-1])) for _, latitude in shown.rows]
    assert ends == [pytest.approx((62.6, 63.0), abs=2e-4), pytest.approx((62.7, 62.9), abs=2e-4)]
    assert max(len(latitude) for _, latitude in shown.rows) < 10


def test_a_gap_in_the_rows_is_a_gap_in_the_lines() -> None:
    """Where clouds hid the ground nothing is drawn as found, while the track goes on."""
    table = rows((-45.0, 62.6, 63.0))
    latitude = table["latitude"].to_numpy()
    shown = case_map("demo", GREENLAND, table.filter(pa.array((latitude < 62.7) | (latitude > 62.8))))

    assert len(shown.rows) == 2
    assert len(shown.tracks) == 1


def test_tracks_that_are_given_are_drawn_even_without_rows() -> None:
    """An empty answer still shows where the satellite passed."""
    shown = case_map("demo", GREENLAND, rows((-45.0, 62.6, 62.6)), tracks=[(np.array([-45.0]), np.array([62.5]))])

    assert (shown.rows, shown.rows_total, len(shown.tracks)) == ((), 0, 1)
    assert "0 rows found on 1 piece" in draw_map(shown, "m")


def test_a_map_is_kept_and_read_back() -> None:
    """What was written is what is read, to a metre."""
    missing = (np.array([-45.0, -44.9]), np.array([62.61, 62.62]))
    shown = case_map("demo", GREENLAND, rows((-45.0, 62.6, 63.0)), missing=missing)
    again = CaseMap.from_json(shown.to_json())

    assert (again.case, again.region, again.rows_total) == (shown.case, shown.region, shown.rows_total)
    assert again.to_json() == shown.to_json()
    np.testing.assert_allclose(again.rows[0], shown.rows[0], atol=1e-5)
    np.testing.assert_allclose(again.missing, missing)


def test_examples_of_a_verdict_are_marked() -> None:
    """Rows that differ are on the map, each kind with its own mark; what has no place is left out."""
    shown = case_map("demo", GREENLAND, rows((-45.0, 62.6, 63.0))).with_examples(
        [
            {"what": "missing", "longitude": -45.0, "latitude": 62.7},
            {"what": "extra", "longitude": -44.9, "latitude": 62.8},
            {"what": "changed", "longitude": -44.8, "latitude": 62.9, "column": "h_li"},
            {"what": "changed", "longitude": "nan", "latitude": 62.9},
            {"what": "column"},
        ]
    )

    assert [len(each[0]) for each in (shown.missing, shown.extra, shown.changed)] == [1, 1, 1]
    assert draw_map(shown, "m").count("var(--bad)") >= 3


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"case": "demo"}'])
def test_what_is_not_a_map_is_refused(text: str) -> None:
    """A broken file ends in an error that says how to get a whole one."""
    with pytest.raises(InputError, match="trackbench run"):
        CaseMap.from_json(text)


@pytest.mark.parametrize("place", REGIONS)
def test_any_place_can_be_drawn(place: str) -> None:
    """Poles and the antimeridian are places like any other: region and frame are compact and whole."""
    projection = LocalProjection(REGIONS[place])
    frame = projection.frame()

    assert len(projection.outline) == 1
    assert frame.width == pytest.approx(frame.height)
    assert frame.width < 1_300_000
    assert all(abs(value) <= 180 for value, _, _ in projection.meridians(frame))
    assert 2 <= len(list(projection.parallels(frame))) <= 8
    assert 2 <= len(list(projection.meridians(frame))) <= 9


@pytest.mark.parametrize("place", REGIONS)
def test_the_scale_bar_is_true(place: str) -> None:
    """Distances on the map are those on the ellipsoid, within one percent all over the region."""
    projection = LocalProjection(REGIONS[place])
    random = np.random.default_rng(5)
    west, south, east, north = REGIONS[place].bounds
    longitude, latitude = random.uniform(west, east, 40), random.uniform(south, north, 40)
    x, y = projection.project(longitude, latitude)
    _, _, metres = Geod(ellps="WGS84").inv(
        np.full(40, projection.longitude), np.full(40, projection.latitude), longitude, latitude
    )

    np.testing.assert_allclose(np.hypot(x, y), metres, rtol=1e-2, atol=1)


def test_the_place_is_told_in_words() -> None:
    """Degrees with their sides, and no longitude at a pole."""
    assert describe_place(GREENLAND) == "62.8° N, 45° W"
    assert describe_place(REGIONS["antimeridian"]) == "17.5° S, 180°"
    assert describe_place(REGIONS["south pole"]) == "the pole at 90° S"


@pytest.mark.parametrize(("metres", "length"), [(10_000, 10_000), (9_999, 5_000), (4_900, 2_000), (1.5, 1.0)])
def test_scale_bars_have_round_lengths(metres: float, length: float) -> None:
    """1, 2 or 5 times a power of ten."""
    assert nice_length(metres) == length


@pytest.mark.parametrize(
    ("value", "words"), [(62.5, "62.5° N"), (-45, "45° S"), (0, "0°"), (180, "180°"), (-180, "180°")]
)
def test_degrees_in_words(value: float, words: str) -> None:
    """The sign becomes a side, where there is one."""
    assert degrees(value, "N", "S") == words


def test_a_map_of_very_many_tracks_stays_small_and_fine() -> None:
    """A thousand tracks keep below 150 kB, in lines so fine that they can be told apart."""
    longitudes = np.linspace(-45.39, -44.61, 1_000)
    drawing = draw_map(case_map("demo", GREENLAND, rows(*((each, 62.6, 63.0) for each in longitudes))), "m")

    assert len(drawing) < 150_000
    assert "stroke-width: 0.35" in drawing
