"""Comparing the columns of paired rows: bit for bit, and within the tolerances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import shapely

from trackbench.bench.row_matching import TIME_TOLERANCE_NS, numbers, values
from trackbench.table import track_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEGREES_TOLERANCE: Final = 1e-9
"""Two coordinates this near, in degrees, may be one place: 0.1 mm on the ground."""

ULP_TOLERANCE: Final = 1
"""Floats may differ by this many units in the last place."""

_WKB_POINT_SIZE: Final = 21
_XY: Final = np.dtype([("head", "V5"), ("x", "<f8"), ("y", "<f8")])


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """How a column differs over the paired rows.

    Attributes
    ----------
    exact
        Whether each row differs at all, bool of shape (n,). NaN equals NaN, null equals null, and NaN is not null.
    beyond
        Whether each row differs by more than the tolerance, bool of shape (n,).
    gap
        Absolute difference of two numbers in the unit of the column (nanoseconds for ``time``), float64 of shape
        (n,); NaN where there is none.
    """

    exact: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    gap: NDArray[np.float64]

    @property
    def largest(self) -> float:
        """The largest finite gap; 0 where there is none."""
        finite = self.gap[np.isfinite(self.gap)]
        return float(finite.max(initial=0.0))


def compare_columns(name: str, output: pa.ChunkedArray, reference: pa.ChunkedArray) -> ColumnDifference:
    """Compare a column of the output with the reference, row by row.

    Tolerances: `DEGREES_TOLERANCE` for ``latitude``, ``longitude`` (also across the antimeridian) and
    ``geometry``, `TIME_TOLERANCE_NS` for ``time``, `ULP_TOLERANCE` for other floats, none for anything else.
    """
    missing_one, missing_two = (column.is_null().to_numpy() for column in (output, reference))
    nulls_differ = missing_one != missing_two
    both = ~(missing_one | missing_two)
    difference = _compare_values(name, output, reference)
    return ColumnDifference(
        nulls_differ | (both & difference.exact),
        nulls_differ | (both & difference.beyond),
        np.where(both, difference.gap, np.nan),
    )


def _compare_values(name: str, output: pa.ChunkedArray, reference: pa.ChunkedArray) -> ColumnDifference:
    if name == "geometry":
        return _compare_points(output, reference)
    if name == "time":
        gap = np.abs(numbers(output) - numbers(reference))
        return ColumnDifference(gap != 0, gap > TIME_TOLERANCE_NS, gap.astype(np.float64))
    if name == "track_id":
        other = track_codes(output) != track_codes(reference)
        return ColumnDifference(other, other, np.full(len(other), np.nan))
    one, two = values(output), values(reference)
    if one.dtype.kind != "f":
        other = one != two
        gap = np.abs(one.astype(np.float64) - two.astype(np.float64))
        return ColumnDifference(other, other, gap)
    if name in ("latitude", "longitude"):
        return _compare_degrees(one, two, turn=name == "longitude")
    return _compare_floats(one, two)


def _compare_floats(one: NDArray[Any], two: NDArray[Any]) -> ColumnDifference:
    exact = _bits_differ(one, two)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(one.astype(np.float64) - two.astype(np.float64))
        unit = np.spacing(np.maximum(np.abs(one), np.abs(two))).astype(np.float64)
        near = gap <= ULP_TOLERANCE * unit
    return ColumnDifference(exact, exact & ~near, gap)


def _compare_degrees(one: NDArray[Any], two: NDArray[Any], *, turn: bool) -> ColumnDifference:
    exact = _bits_differ(one, two)
    with np.errstate(invalid="ignore"):
        gap = np.abs(one - two)
        if turn:
            gap = np.minimum(gap, np.abs(360.0 - gap))
        near = gap <= DEGREES_TOLERANCE
    return ColumnDifference(exact, exact & ~near, gap)


def _compare_points(output: pa.ChunkedArray, reference: pa.ChunkedArray) -> ColumnDifference:
    (x_one, y_one, head_one), (x_two, y_two, head_two) = (_coordinates(column) for column in (output, reference))
    x = _compare_degrees(x_one, x_two, turn=True)
    y = _compare_degrees(y_one, y_two, turn=False)
    exact = x.exact | y.exact | (head_one != head_two)
    return ColumnDifference(exact, x.beyond | y.beyond, np.maximum(x.gap, y.gap))


def _coordinates(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return x, y and whether each point is written as canonical WKB; NaN for what is no point."""
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) and whole.num_chunks == 1 else whole
    offsets = np.frombuffer(whole.buffers()[1], dtype=np.int32, count=len(whole) + 1 + whole.offset)[
        whole.offset :
    ]
    if len(whole) and whole.null_count == 0 and np.all(np.diff(offsets) == _WKB_POINT_SIZE):
        points = np.frombuffer(whole.buffers()[2], dtype=_XY, count=len(whole), offset=int(offsets[0]))
        head = points["head"] == np.void(b"\x01\x01\x00\x00\x00")
        if head.all():
            return points["x"].copy(), points["y"].copy(), head
    shapes = shapely.from_wkb(np.asarray(whole.to_pylist(), dtype=object), on_invalid="ignore")
    is_point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    x, y = (np.where(is_point, axis(shapes), np.nan) for axis in (shapely.get_x, shapely.get_y))
    return x, y, np.zeros(len(whole), dtype=np.bool_)


def _bits_differ(one: NDArray[Any], two: NDArray[Any]) -> NDArray[np.bool_]:
    unsigned = np.dtype(f"u{one.dtype.itemsize}")
    differ: NDArray[np.bool_] = np.ascontiguousarray(one).view(unsigned) != np.ascontiguousarray(two).view(
        unsigned
    )
    differ &= ~(np.isnan(one) & np.isnan(two))
    return differ
