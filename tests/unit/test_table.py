"""The canonical rows: predicate, times, nulls, geometry and order."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackbench.errors import InputError
from trackbench.granules import GranuleName
from trackbench.products import ATL06, BEAMS, FLOAT32_FILL
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import (
    canonical_batch,
    nanoseconds,
    point_wkb,
    schema,
    select_rows,
    sort_order,
    sort_rows,
    track_codes,
    track_column,
)

NAME = GranuleName.parse("ATL06_20190404100413_00940303_006_02.h5")
REGION = Region.from_bbox(-50, 60, -40, 70)
REQUEST = SubsetRequest.build("ATL06", REGION)
EPOCH_NS = 1_514_764_800_000_000_000


def batch(
    request: SubsetRequest = REQUEST, track_id: str = "gt2l", size: int = 3, **given_values: Any
) -> pa.RecordBatch:
    """Make a batch of a few rows, with some values as given."""
    values: dict[str, Any] = {
        "latitude": np.linspace(61, 62, size),
        "longitude": np.linspace(-45, -46, size),
        "delta_time": 4e7 + np.arange(size) * 0.0028,
        "h_li": np.arange(size, dtype=np.float32),
        "h_li_sigma": np.full(size, 0.1, dtype=np.float32),
        "atl06_quality_summary": np.zeros(size, dtype=np.int8),
        **given_values,
    }
    coordinates = {name: values.pop(name) for name in ("latitude", "longitude", "delta_time")}
    return canonical_batch(request, NAME, track_id, **coordinates, values=values)


def test_the_columns_are_those_of_a_subset_in_their_order() -> None:
    """Names, types and order are the ones that are promised; further variables come before the geometry."""
    columns = schema(ATL06, (ATL06.variable("fit_statistics/n_fit_photons"),))
    assert [(field.name, str(field.type)) for field in columns] == [
        ("time", "timestamp[ns, tz=UTC]"),
        ("latitude", "double"),
        ("longitude", "double"),
        ("h_li", "float"),
        ("h_li_sigma", "float"),
        ("atl06_quality_summary", "int8"),
        ("track_id", "dictionary<values=string, indices=int8, ordered=0>"),
        ("rgt", "int16"),
        ("cycle", "int16"),
        ("n_fit_photons", "int32"),
        ("geometry", "binary"),
    ]
    assert [field.name for field in columns if field.nullable] == ["h_li", "h_li_sigma", "n_fit_photons"]


def test_rgt_and_cycle_come_from_the_name() -> None:
    """The granule's name gives RGT 94 and cycle 3; the track is the one that was read."""
    rows = batch().to_pylist()
    assert {(row["rgt"], row["cycle"], row["track_id"]) for row in rows} == {(94, 3, "gt2l")}


def test_fill_and_nan_are_null_and_their_rows_stay() -> None:
    """The largest float32 and NaN become null; zero and infinity are values."""
    stored = np.array([FLOAT32_FILL, np.nan, 0.0, np.inf, -FLOAT32_FILL], dtype=np.float32)
    made = batch(size=5, h_li=stored)
    assert made["h_li"].is_null().to_pylist() == [True, True, False, False, False]
    assert made["h_li"].to_pylist()[2:] == [0.0, np.inf, -float(FLOAT32_FILL)]
    assert made.num_rows == 5


def test_further_variables_know_their_fill() -> None:
    """An integer fill value becomes null as well."""
    request = SubsetRequest.build("ATL06", REGION, variables=("segment_id", "fit_statistics/n_fit_photons"))
    made = batch(
        request,
        segment_id=np.array([0, 1, 2], dtype=np.int32),
        n_fit_photons=np.array([0, 2147483647, 5], dtype=np.int32),
    )
    assert made["segment_id"].to_pylist() == [None, 1, 2]
    assert made["n_fit_photons"].to_pylist() == [0, None, 5]


def test_decoded_flags_are_refused() -> None:
    """A reader that turned the flag into a float, and 0 into NaN, is found out."""
    with pytest.raises(InputError, match="atl06_quality_summary came as float32"):
        batch(atl06_quality_summary=np.array([0, np.nan, 1], dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"track_id": "gt4l"}, "'gt4l' is no ground track"),
        ({"h_li": np.zeros(2, dtype=np.float32)}, "differ in length"),
        ({"latitude": np.zeros(4)}, "differ in length"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    """A wrong track and columns of different lengths are errors that say so."""
    with pytest.raises(InputError, match=message):
        batch(**change)


def test_a_missing_column_is_refused() -> None:
    """A batch without a column of the request names it."""
    request = SubsetRequest.build("ATL06", REGION, variables=("segment_id",))
    with pytest.raises(InputError, match="gt2l lack the column segment_id"):
        batch(request)


def test_a_batch_may_be_empty() -> None:
    """No rows make a batch of no rows with every column."""
    assert batch(size=0).num_rows == 0
    assert batch(size=0).schema == schema(ATL06)


def test_points_are_well_known_binary() -> None:
    """A point is byte order, type 1, x and y: 21 bytes, as struct packs them."""
    made = point_wkb(np.array([-45.5, 180.0]), np.array([62.25, -90.0]))
    made.validate(full=True)
    assert made.to_pylist() == [struct.pack("<BIdd", 1, 1, -45.5, 62.25), struct.pack("<BIdd", 1, 1, 180.0, -90.0)]


def exact_nanoseconds(seconds: float) -> int:
    """Convert with exact fractions, halves to the even nanosecond."""
    return EPOCH_NS + round(Fraction(seconds) * 10**9)


@given(st.lists(st.floats(-3e9, 7.5e9), min_size=1))
def test_times_are_the_nearest_nanosecond(seconds: list[float]) -> None:
    """Every time of the years 1922 to 2255 is that of exact arithmetic."""
    assert nanoseconds(seconds).tolist() == [exact_nanoseconds(each) for each in seconds]


@given(st.integers(-1000, 2_000_000_000), st.integers(0, 1023))
def test_halves_of_a_nanosecond_go_to_the_even_one(whole: int, part: int) -> None:
    """Multiples of 2**-10 seconds hold exact halves of a nanosecond, which real times fall on."""
    seconds = whole + part / 1024
    assert nanoseconds([seconds]).tolist() == [exact_nanoseconds(seconds)]


@pytest.mark.parametrize("seconds", [5e-10, np.nextafter(5e-10, 1), 1.5e-9, np.nextafter(2.5e-9, 0), 0.5 - 2**-54])
def test_a_product_that_lands_on_a_half_is_decided_exactly(seconds: float) -> None:
    """Where seconds times a billion rounds to a half, the exact value decides."""
    assert nanoseconds([seconds]).tolist() == [exact_nanoseconds(float(seconds))]


def test_a_time_without_a_number_is_no_time() -> None:
    """NaN, infinity and times beyond 64 bits are numpy's NaT."""
    times = nanoseconds([np.nan, np.inf, -np.inf, 1e10, -1e11]).view("datetime64[ns]")
    assert np.isnat(times).all()


def test_times_are_utc() -> None:
    """A day after the epoch is the second of January 2018, UTC."""
    made = batch(size=1, delta_time=[86_400.5])
    assert made["time"].to_pylist()[0].to_pydatetime() == datetime(2018, 1, 2, tzinfo=UTC) + timedelta(seconds=0.5)


def test_the_predicate_is_closed_in_space_and_time() -> None:
    """Points on the boundary and times at either end are in; a nanosecond beyond is out."""
    start, end = np.datetime64("2018-01-01T00:00:01", "ns"), np.datetime64("2018-01-01T00:00:02", "ns")
    delta_time = np.array([1.0, 2.0, 1 - 1e-9, 2 + 1e-9, np.nan, 1.5, 1.5, 1.5])
    longitude = np.array([-45.0, -40.0, -45.0, -45.0, -45.0, -39.0, np.nan, -50.0])
    latitude = np.array([65.0, 70.0, 65.0, 65.0, 65.0, 65.0, 65.0, 60.0])
    selected = select_rows(REGION, start, end, latitude=latitude, longitude=longitude, delta_time=delta_time)
    assert selected.tolist() == [True, True, False, False, False, False, False, True]


def test_the_predicate_takes_moments_of_any_unit() -> None:
    """A range in whole seconds means the same as one in nanoseconds."""
    start, end = np.datetime64("2018-01-01T00:00:01", "s"), np.datetime64("2018-01-01T00:00:02", "s")
    selected = select_rows(REGION, start, end, latitude=[65.0] * 2, longitude=[-45.0] * 2, delta_time=[1.5, 2.5])
    assert selected.tolist() == [True, False]


def test_rows_are_ordered_by_cycle_rgt_track_and_time() -> None:
    """The order is that of the four columns, tracks in the order of the beams."""
    rng = np.random.default_rng(7)
    batches = []
    for number in rng.permutation(24):
        name = GranuleName.parse(f"ATL06_20190404100413_{number % 3 + 9:04d}{number % 2 + 1:02d}03_006_02.h5")
        times = rng.uniform(1e7, 2e7, 5)
        values = {
            "h_li": np.ones(5, "f4"),
            "h_li_sigma": np.ones(5, "f4"),
            "atl06_quality_summary": np.ones(5, "i1"),
        }
        track = BEAMS[rng.integers(6)]
        place = np.full(5, 65.0)
        batches.append(
            canonical_batch(
                REQUEST, name, track, latitude=place, longitude=-place, delta_time=times, values=values
            )
        )
    table = sort_rows(pa.Table.from_batches(batches))
    keys = [(row["cycle"], row["rgt"], BEAMS.index(row["track_id"]), row["time"]) for row in table.to_pylist()]
    assert keys == sorted(keys)
    assert table.num_rows == 120


def test_ties_do_not_depend_on_the_order_of_the_input() -> None:
    """Rows with one time are ordered by place and values, so any input order gives one table."""
    same = batch(
        size=6,
        delta_time=np.full(6, 4e7),
        latitude=[61.0, 61.0, 62.0, 61.0, 61.0, 61.0],
        longitude=[-45.0, -46.0, -45.0, -45.0, -45.0, -45.0],
        h_li=np.array([3, 1, 2, np.nan, 1, 1], dtype=np.float32),
        atl06_quality_summary=np.array([0, 0, 0, 0, 1, 0], dtype=np.int8),
    )
    table = pa.Table.from_batches([same])
    rng = np.random.default_rng(3)
    shuffled = [sort_rows(table.take(pa.array(rng.permutation(6)))) for _ in range(10)]
    assert all(each.equals(shuffled[0]) for each in shuffled)
    assert shuffled[0]["latitude"].to_pylist() == sorted(shuffled[0]["latitude"].to_pylist())


def test_sorting_takes_an_empty_table() -> None:
    """No rows have an order, too."""
    assert sort_order(schema(ATL06).empty_table()).tolist() == []


def test_track_codes_follow_the_beams_whatever_the_dictionary() -> None:
    """Dictionaries in another order and plain strings give the same codes; what is no track gives -1."""
    plain = pa.array(["gt3r", "gt1l", None, "gt9x"])
    reordered = pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array(["gt1l", "gt3r"]))
    assert track_codes(plain).tolist() == [5, 0, -1, -1]
    assert track_codes(pa.chunked_array([reordered, reordered])).tolist() == [5, 0, 5, 0]
    assert track_column(np.array([5, -1], dtype=np.int8)).to_pylist() == ["gt3r", None]
