"""Pairing the rows of two tables that should hold the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from trackbench.table import track_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

TIME_TOLERANCE_NS: Final = 1_000
"""Two times this near, in nanoseconds, may be one: a microsecond is 7 mm along the track."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies the rows of a table, each of shape (n,).

    Attributes
    ----------
    track
        Cycle, RGT and ground track in one int64.
    time
        Nanoseconds since 1970, int64.
    place
        The bits of latitude and longitude, two int64 arrays.
    """

    track: Rows
    time: Rows
    place: tuple[Rows, Rows]

    @classmethod
    def of(cls, table: pa.Table) -> Keys:
        """Take the keys out of a canonical table; nulls count as zero."""
        cycle, rgt = (numbers(table[name]) for name in ("cycle", "rgt"))
        track = (cycle << 32) | ((rgt & 0xFFFFFF) << 8) | (track_codes(table["track_id"]).astype(np.int64) & 0xFF)
        latitude, longitude = (
            values(table[name]).astype(np.float64).view(np.int64) for name in ("latitude", "longitude")
        )
        return cls(track, numbers(table["time"]), (latitude, longitude))

    def take(self, rows: Rows) -> Keys:
        """Return the keys of some rows."""
        return Keys(self.track[rows], self.time[rows], (self.place[0][rows], self.place[1][rows]))

    def ordered(self) -> bool:
        """Tell whether the rows are in canonical order: cycle, RGT, ground track, time."""
        same = np.diff(self.track) == 0
        return bool(np.all((np.diff(self.track) > 0) | (same & (np.diff(self.time) >= 0))))


@dataclass(frozen=True, slots=True)
class Matching:
    """Row numbers: `output[i]` and `reference[i]` are one row; `extra` and `missing` have no partner."""

    output: Rows
    reference: Rows
    extra: Rows
    missing: Rows


def match_rows(output: Keys, reference: Keys) -> Matching:
    """Pair the rows of two tables as multisets.

    First rows with one key and one place are paired, then what is left with one key, then what is left of one
    track whose times are each other's nearest within `TIME_TOLERANCE_NS`. Rows that occur several times are paired
    as often as both tables hold them.
    """
    left, right = np.arange(len(output.time)), np.arange(len(reference.time))
    if len(left) == len(right) and _same(output, reference):
        nothing = np.empty(0, dtype=np.int64)
        return Matching(left, right, nothing, nothing)
    pairs: list[tuple[Rows, Rows]] = []
    for join in (_join_by_place, _join_by_key, _join_by_nearest_time):
        first, second = join(output.take(left), reference.take(right))
        pairs.append((left[first], right[second]))
        left, right = np.delete(left, first), np.delete(right, second)
    paired_left, paired_right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    by_reference = np.argsort(paired_right, kind="stable")
    return Matching(paired_left[by_reference], paired_right[by_reference], left, right)


def values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the values of a column of numbers with nulls as zero, shape (n,)."""
    zero = pa.scalar(0, pa.int64()).cast(column.type)
    found: NDArray[Any] = column.fill_null(zero).to_numpy()
    return found


def numbers(column: pa.ChunkedArray) -> Rows:
    """Return a column of integers or times (in its own unit) as int64 of shape (n,), nulls as zero."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
    return values(column.cast(pa.int64())).astype(np.int64)


def _same(output: Keys, reference: Keys) -> bool:
    return all(
        np.array_equal(one, other)
        for one, other in zip(
            (output.track, output.time, *output.place),
            (reference.track, reference.time, *reference.place),
            strict=True,
        )
    )


def _join_by_place(output: Keys, reference: Keys) -> tuple[Rows, Rows]:
    return _join((output.track, output.time, *output.place), (reference.track, reference.time, *reference.place))


def _join_by_key(output: Keys, reference: Keys) -> tuple[Rows, Rows]:
    return _join((output.track, output.time), (reference.track, reference.time))


def _join(output: tuple[Rows, ...], reference: tuple[Rows, ...]) -> tuple[Rows, Rows]:
    """Pair rows with equal keys: the first of one table with the first of the other, and so on."""
    size = len(output[0])
    keys = [np.concatenate(pair) for pair in zip(output, reference, strict=True)]
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), dtype=np.bool_)
    for key in keys:
        changes[1:] |= np.diff(key[order]) != 0
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(changes)
    # A group and the number of an occurrence in it make one number, which no other row of the same table has.
    first, second = (part * (len(order) + 1) + _occurrence(part) for part in (group[:size], group[size:]))
    _, left, right = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return left, right


def _occurrence(group: Rows) -> Rows:
    """Count for each element how many equal ones stand before it."""
    order = np.argsort(group, kind="stable")
    arranged = group[order]
    starts = np.searchsorted(arranged, arranged, side="left")
    count = np.empty(len(group), dtype=np.int64)
    count[order] = np.arange(len(group)) - starts
    return count


def _join_by_nearest_time(output: Keys, reference: Keys) -> tuple[Rows, Rows]:
    to_reference = _nearest(output, reference)
    to_output = _nearest(reference, output)
    found = np.flatnonzero(to_reference >= 0)
    mutual = found[to_output[to_reference[found]] == found]
    return mutual, to_reference[mutual]


def _nearest(queries: Keys, among: Keys) -> Rows:
    """Return for each query the row of its track nearest in time within the tolerance, -1 where there is none."""
    best = np.full(len(queries.time), -1, dtype=np.int64)
    if len(among.time) == 0:
        return best
    distance = np.full(len(queries.time), TIME_TOLERANCE_NS + 1, dtype=np.int64)
    order = np.lexsort((among.time, among.track))
    place = _insertion(queries, among.take(order))
    for neighbour in (place - 1, place):
        candidate = order[np.clip(neighbour, 0, len(order) - 1)]
        gap = np.abs(queries.time - among.time[candidate])
        better = (queries.track == among.track[candidate]) & (gap < distance)
        best[better], distance[better] = candidate[better], gap[better]
    return best


def _insertion(queries: Keys, among: Keys) -> Rows:
    """Return how many of the sorted rows stand before each query."""
    size = len(among.time)
    is_query = np.concatenate([np.zeros(size, dtype=np.int8), np.ones(len(queries.time), dtype=np.int8)])
    track = np.concatenate([among.track, queries.track])
    time = np.concatenate([among.time, queries.time])
    order = np.lexsort((is_query, time, track))
    before = np.empty(len(order), dtype=np.int64)
    before[order] = np.cumsum(is_query[order] == 0)
    return before[size:]
