"""The verdict: what counts as the same rows, and how a difference is told."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from trackbench.bench.verdict import Verdict, compare_tables, describe, table_digest
from trackbench.granules import GranuleName
from trackbench.products import BEAMS
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import canonical_batch, point_wkb, sort_rows

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = Region.from_bbox(-50, 60, -40, 70)
REQUEST = SubsetRequest.build("ATL06", REGION)
SIZE = 50


def rows() -> pa.Table:
    """Make 600 rows of two granules."""
    rng = np.random.default_rng(11)
    batches = []
    for name in ("ATL06_20190404100413_00940303_006_02.h5", "ATL06_20190413220646_02390305_006_02.h5"):
        for track_id in BEAMS:
            heights = rng.normal(1500, 100, SIZE).astype(np.float32)
            heights[3] = np.nan
            values = {
                "h_li": heights,
                "h_li_sigma": np.full(SIZE, 0.05, dtype=np.float32),
                "atl06_quality_summary": rng.integers(0, 2, SIZE).astype(np.int8),
            }
            batches.append(
                canonical_batch(
                    REQUEST,
                    GranuleName.parse(name),
                    track_id,
                    latitude=np.linspace(60.5, 69.5, SIZE),
                    longitude=np.linspace(-45, -46, SIZE),
                    delta_time=4e7 + np.arange(SIZE) * 0.0028188,
                    values=values,
                )
            )
    return sort_rows(pa.Table.from_batches(batches).combine_chunks())


REFERENCE = rows()


def changed(name: str, change: Callable[[np.ndarray[Any, Any]], None], table: pa.Table = REFERENCE) -> pa.Table:
    """Return the table with the values of a column changed; nulls stay."""
    column = table[name].combine_chunks()
    if pa.types.is_timestamp(column.type):
        held = column.cast(pa.int64()).to_numpy().copy()
    else:
        held = column.fill_null(pa.scalar(0).cast(column.type)).to_numpy(zero_copy_only=False).copy()
    change(held)
    new = pa.array(held, mask=column.is_null().to_numpy(zero_copy_only=False))
    return table.set_column(table.column_names.index(name), table.schema.field(name), new.cast(column.type))


def setting(place: int, value: object) -> Callable[[np.ndarray[Any, Any]], None]:
    """Set one value."""

    def change(held: np.ndarray[Any, Any]) -> None:
        held[place] = value

    return change


def adding(place: int, value: float) -> Callable[[np.ndarray[Any, Any]], None]:
    """Add to one value."""

    def change(held: np.ndarray[Any, Any]) -> None:
        held[place] += value

    return change


def without(*places: int) -> pa.Table:
    """Return the reference without some rows."""
    return REFERENCE.take(pa.array(np.delete(np.arange(REFERENCE.num_rows), places)))


def with_points(table: pa.Table) -> pa.Table:
    """Make the geometry anew of the longitudes and latitudes."""
    points = point_wkb(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    return table.set_column(table.column_names.index("geometry"), table.schema.field("geometry"), points)


def test_the_same_rows_are_identical() -> None:
    """Equal tables are identical, however they are held in memory."""
    pieces = pa.concat_tables([REFERENCE.slice(0, 7), REFERENCE.slice(7)])
    plain = REFERENCE.set_column(6, "track_id", REFERENCE["track_id"].cast(pa.string()))
    for table in (REFERENCE, pieces, plain):
        verdict = compare_tables(table, REFERENCE, REGION)
        assert verdict == Verdict("identical", 600, 600)
    assert describe(verdict) == "identical: 600 rows, every value equal bit for bit"


def test_no_rows_are_identical_to_no_rows() -> None:
    """Two empty answers agree."""
    assert compare_tables(REFERENCE.slice(0, 0), REFERENCE.slice(0, 0), REGION) == Verdict("identical", 0, 0)


def test_nan_equals_nan_whatever_its_bits() -> None:
    """NaN equals NaN, and no NaN equals null."""
    quiet = changed("h_li", setting(0, np.nan))
    other = changed("h_li", setting(0, np.array([0x7FC12345], dtype=np.uint32).view(np.float32)[0]))
    assert compare_tables(other, quiet).kind == "identical"
    null_at = REFERENCE["h_li"].is_null().to_numpy().argmax()
    filled = REFERENCE["h_li"].to_numpy(zero_copy_only=False)
    nan = REFERENCE.set_column(
        3, REFERENCE.schema.field("h_li"), pa.array(filled, pa.float32(), from_pandas=False)
    )
    verdict = compare_tables(nan, REFERENCE)
    assert (verdict.kind, verdict.changed) == ("different", REFERENCE["h_li"].null_count)
    assert verdict.examples[0]["reference"] is None
    assert verdict.examples[0]["output"] == "nan"
    assert null_at == 3


@pytest.mark.parametrize(
    ("name", "amount", "kind"),
    [
        ("latitude", 5e-10, "equivalent"),
        ("latitude", 2e-9, "different"),
        ("longitude", -5e-10, "equivalent"),
        ("longitude", 2e-9, "different"),
        ("time", 1_000, "equivalent"),
        ("time", -1_000, "equivalent"),
        ("time", 1_001, "different"),
        ("atl06_quality_summary", 2, "different"),
        ("h_li", 1.0, "different"),
    ],
)
def test_tolerances_are_where_they_are_said_to_be(name: str, amount: float, kind: str) -> None:
    """A billionth of a degree and a microsecond are forgiven, more is not, and flags have no tolerance."""
    verdict = compare_tables(changed(name, adding(20, amount)), REFERENCE, REGION)
    assert verdict.kind == kind
    if kind == "equivalent":
        assert (verdict.changed, verdict.within_tolerance, verdict.missing, verdict.extra) == (0, 1, 0, 0)
        assert verdict.columns[name]["rows"] == 1
        assert verdict.columns[name]["largest"] == pytest.approx(abs(amount), rel=1e-4)


def test_one_unit_in_the_last_place_is_forgiven_and_two_are_not() -> None:
    """Heights may be rounded otherwise, by one step of float32."""
    height = REFERENCE["h_li"].to_numpy(zero_copy_only=False)[20]
    one = np.nextafter(height, np.float32(np.inf))
    two = np.nextafter(one, np.float32(np.inf))
    assert compare_tables(changed("h_li", setting(20, one)), REFERENCE).kind == "equivalent"
    assert compare_tables(changed("h_li", setting(20, two)), REFERENCE).kind == "different"


def test_a_sign_of_zero_is_within_tolerance_and_infinity_is_not() -> None:
    """Minus zero differs in its bits alone; infinity is no neighbour of a number, and equals itself."""
    zero = changed("h_li", setting(20, 0.0))
    assert compare_tables(changed("h_li", setting(20, -0.0)), zero).kind == "equivalent"
    infinite = changed("h_li", setting(20, np.inf))
    assert compare_tables(infinite, REFERENCE).kind == "different"
    assert compare_tables(infinite, infinite).kind == "identical"


def test_180_and_minus_180_are_one_place() -> None:
    """A longitude may be named from either side of the antimeridian."""
    east = with_points(changed("longitude", setting(20, 180.0)))
    west = with_points(changed("longitude", setting(20, -180.0)))
    assert compare_tables(west, east).kind == "equivalent"


def test_geometry_counts_as_a_column() -> None:
    """A point elsewhere is a change; the same point written big-endian is not identical but equivalent."""
    points = REFERENCE["geometry"].to_pylist()
    lon, lat = (REFERENCE[name][9].as_py() for name in ("longitude", "latitude"))

    def replaced(point: bytes) -> pa.Table:
        column = pa.array([*points[:9], point, *points[10:]], pa.binary())
        return REFERENCE.set_column(REFERENCE.num_columns - 1, REFERENCE.schema.field("geometry"), column)

    assert compare_tables(replaced(struct.pack("<BIdd", 1, 1, lon, lat + 1)), REFERENCE).changed == 1
    assert compare_tables(replaced(struct.pack(">BIdd", 0, 1, lon, lat)), REFERENCE).kind == "equivalent"
    line = struct.pack("<BII4d", 1, 2, 2, lon, lat, lon, lat)
    assert compare_tables(replaced(line), REFERENCE).columns["geometry"]["beyond"] == 1
    assert compare_tables(replaced(b"no geometry"), REFERENCE).kind == "different"


def test_missing_and_extra_rows_are_counted() -> None:
    """Rows that lack and rows that are too many are different, and told apart."""
    verdict = compare_tables(without(3, 4), REFERENCE, REGION)
    assert (verdict.kind, verdict.missing, verdict.extra, verdict.changed) == ("different", 2, 0, 0)
    verdict = compare_tables(REFERENCE, without(3), REGION)
    assert (verdict.kind, verdict.missing, verdict.extra) == ("different", 0, 1)
    assert "1 row too many" in describe(verdict)


def test_doubled_rows_are_extra() -> None:
    """Rows count as often as they occur: each read twice is too many by all of them."""
    doubled = sort_rows(pa.concat_tables([REFERENCE, REFERENCE]))
    verdict = compare_tables(doubled, REFERENCE, REGION)
    assert (verdict.kind, verdict.missing, verdict.extra, verdict.changed) == ("different", 0, 600, 0)
    assert compare_tables(doubled, doubled).kind == "identical"


def test_of_rows_with_one_time_the_one_at_the_place_is_paired() -> None:
    """Where two rows share cycle, RGT, track and time, the row that is gone is the one reported."""
    twin = changed("latitude", adding(20, 0.001)).slice(20, 1)
    reference = sort_rows(pa.concat_tables([REFERENCE, twin]))
    output = reference.take(pa.array(np.delete(np.arange(601), 20)))
    verdict = compare_tables(output, reference, REGION)
    assert (verdict.missing, verdict.extra, verdict.changed) == (1, 0, 0)
    assert verdict.examples[0]["latitude"] == REFERENCE["latitude"][20].as_py()


def test_rows_at_the_boundary_may_be_there_or_not() -> None:
    """A row within 1e-9 degrees of the boundary is no difference in kind; a row inside is."""
    on_edge = with_points(changed("latitude", setting(49, 70.0 - 1e-10)))
    output = on_edge.take(pa.array(np.delete(np.arange(600), 49)))
    verdict = compare_tables(output, on_edge, REGION)
    assert (verdict.kind, verdict.missing, verdict.near_boundary) == ("equivalent", 1, 1)
    assert "1 of those missing or too many at the region's boundary" in describe(verdict)
    assert compare_tables(output, on_edge, None).kind == "different"
    verdict = compare_tables(on_edge, output, REGION)
    assert (verdict.kind, verdict.extra, verdict.near_boundary) == ("equivalent", 1, 1)
    both = output.take(pa.array(np.delete(np.arange(599), 5)))
    verdict = compare_tables(both, on_edge, REGION)
    assert (verdict.kind, verdict.missing, verdict.near_boundary) == ("different", 2, 1)


def test_a_row_on_another_track_is_missing_and_extra() -> None:
    """A row is looked for on its own track alone."""
    codes = pa.array(
        ["gt3r" if place == 20 else track for place, track in enumerate(REFERENCE["track_id"].to_pylist())]
    )
    other = sort_rows(REFERENCE.set_column(6, "track_id", codes.dictionary_encode()))
    verdict = compare_tables(other, REFERENCE, REGION)
    assert (verdict.missing, verdict.extra) == (1, 1)


def test_the_order_of_the_rows_counts() -> None:
    """The right rows in another order are different, and the verdict says why."""
    turned = REFERENCE.take(pa.array(np.arange(600)[::-1]))
    verdict = compare_tables(turned, REFERENCE)
    assert (verdict.kind, verdict.missing, verdict.extra, verdict.changed) == ("different", 0, 0, 0)
    assert verdict.problems == ("the rows are not in the order cycle, rgt, track_id, time",)
    assert "not in the order" in describe(verdict)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda table: table.drop_columns(["h_li_sigma"]), "the column h_li_sigma is missing"),
        (lambda table: table.drop_columns(["time"]), "the column time is missing"),
        (lambda table: table.append_column("more", pa.nulls(600)), "the column more was not asked for"),
        (
            lambda table: table.set_column(3, "h_li", table["h_li"].cast(pa.float64())),
            "the column h_li is double instead of float",
        ),
        (
            lambda table: table.set_column(0, "time", table["time"].cast(pa.timestamp("us", "UTC"), safe=False)),
            "the column time is timestamp[us, tz=UTC] instead of timestamp[ns, tz=UTC]",
        ),
        (lambda table: table.select(table.column_names[::-1]), "the columns are in the order geometry, cycle"),
    ],
)
def test_columns_that_are_not_as_promised_are_problems(make: Callable[[pa.Table], pa.Table], problem: str) -> None:
    """A column that lacks, is too many, has another type or another place is said, and makes it different."""
    verdict = compare_tables(make(REFERENCE), REFERENCE)
    assert verdict.kind == "different"
    assert verdict.problems[0].startswith(problem)
    assert problem in describe(verdict)


def test_examples_say_where_and_what() -> None:
    """An example names the row, the column and both values, holds in JSON, and there are few."""
    verdict = compare_tables(changed("h_li", setting(20, 1.5)), REFERENCE)
    (example,) = verdict.examples
    assert (example["what"], example["column"], example["output"]) == ("changed", "h_li", 1.5)
    assert (example["track_id"], example["rgt"], example["cycle"]) == ("gt1l", 94, 3)
    assert example["time"].startswith("2019-04-08T23:06:40.056376")
    assert "h_li is 1.5 instead of" in describe(verdict)
    many = compare_tables(without(*range(100)), changed("h_li", adding(slice(0, 600), 1)), REGION)  # type: ignore[arg-type]
    assert len(many.examples) == 10
    json.dumps(many.examples, allow_nan=False)


@pytest.mark.parametrize("seed", range(5))
def test_any_damage_is_counted(seed: int) -> None:
    """Rows that were removed, doubled and changed at random are counted exactly."""
    rng = np.random.default_rng(seed)
    removed, doubled, touched = np.split(rng.permutation(600)[:60], [20, 35])
    damaged = REFERENCE
    for place in touched:
        damaged = changed("h_li_sigma", adding(int(place), 0.5), damaged)
    order = np.sort(np.concatenate([np.delete(np.arange(600), removed), doubled]))
    verdict = compare_tables(damaged.take(pa.array(order)), REFERENCE, REGION)
    assert (verdict.missing, verdict.extra, verdict.changed) == (20, 15, 25)
    assert (verdict.rows, verdict.reference_rows) == (595, 600)
    assert verdict.columns["h_li_sigma"] == {"rows": 25, "beyond": 25, "largest": pytest.approx(0.5)}


def test_the_digest_is_of_the_contents() -> None:
    """It does not depend on how a table is held, and tells any other contents apart."""
    digest = table_digest(REFERENCE)
    same = [
        pa.concat_tables([REFERENCE.slice(0, 7), REFERENCE.slice(7)]),
        REFERENCE.set_column(6, "track_id", REFERENCE["track_id"].cast(pa.string())),
        REFERENCE.replace_schema_metadata({"key": "value"}),
    ]
    assert {table_digest(table) for table in same} == {digest}
    others = [
        REFERENCE.slice(1),
        REFERENCE.slice(0, 0),
        REFERENCE.drop_columns(["geometry"]),
        changed("h_li", setting(0, 1.0)),
        changed("time", adding(0, 1)),
        with_points(changed("latitude", adding(0, 1e-12))),
        REFERENCE.take(pa.array(np.arange(600)[::-1])),
    ]
    assert len({digest, *map(table_digest, others)}) == 8
