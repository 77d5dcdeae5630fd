"""The verdict: whether the rows of an output are those of the reference."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pyarrow as pa

from trackbench.bench.column_differences import DEGREES_TOLERANCE, ColumnDifference, compare_columns
from trackbench.bench.row_matching import Keys, match_rows, numbers, values
from trackbench.table import track_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from trackbench.bench.row_matching import Matching
    from trackbench.region import Region

type Kind = Literal["identical", "equivalent", "different"]

_KEY_COLUMNS: Final = ("time", "latitude", "longitude", "track_id", "rgt", "cycle")
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an output compares with the reference; counts are rows.

    ``identical``: the same columns, the same rows in canonical order, each value equal bit for bit (null equals
    null, NaN equals NaN). ``equivalent``: the same but for values within the tolerances of
    `trackbench.bench.column_differences`, and for rows within 1e-9 degrees of the region's boundary, which may be
    there or not. Anything else is ``different``.

    Attributes
    ----------
    rows, reference_rows
        Of the output and of the reference.
    missing, extra
        Rows of the reference that the output lacks, and rows of the output that the reference lacks.
    near_boundary
        How many of those lie within `DEGREES_TOLERANCE` of the region's boundary.
    changed
        Rows of both with a value that differs beyond its tolerance.
    within_tolerance
        Rows of both with a value that differs, but none beyond its tolerance.
    columns
        For each column that differs: rows that differ at all (``rows``), beyond the tolerance (``beyond``), and
        the largest difference of two numbers (``largest``).
    problems
        What is wrong with the columns or the order of the rows, in words; any of these makes it ``different``.
    examples
        Some rows that differ, in values that JSON can hold.
    """

    kind: Kind
    rows: int
    reference_rows: int
    missing: int = 0
    extra: int = 0
    changed: int = 0
    near_boundary: int = 0
    within_tolerance: int = 0
    columns: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ()


def compare_tables(output: pa.Table, reference: pa.Table, region: Region | None = None) -> Verdict:
    """Compare the rows of an output with the reference.

    Parameters
    ----------
    output, reference
        Canonical tables; the reference in canonical order.
    region
        Given, rows at its boundary may be in one table and not in the other.

    Returns
    -------
    Verdict
    """
    problems = _schema_problems(output.schema, reference.schema)
    if any(not _comparable(output.schema, reference.schema, name) for name in _KEY_COLUMNS):
        count, needed = output.num_rows, reference.num_rows
        return Verdict("different", count, needed, missing=needed, extra=count, problems=tuple(problems))
    keys, reference_keys = Keys.of(output), Keys.of(reference)
    if not keys.ordered():
        problems.append("the rows are not in the order cycle, rgt, track_id, time")
    matching = match_rows(keys, reference_keys)
    pair = _Pair(output, reference, matching)
    common = [name for name in reference.column_names if _comparable(output.schema, reference.schema, name)]
    differences = {name: pair.compare(name) for name in common}
    exact = _any([each.exact for each in differences.values()], len(matching.output))
    beyond = _any([each.beyond for each in differences.values()], len(matching.output))
    near = _near_boundary(output, matching.extra, region) + _near_boundary(reference, matching.missing, region)
    astray = len(matching.extra) + len(matching.missing)
    if problems or beyond.any() or astray > near:
        kind: Kind = "different"
    else:
        kind = "equivalent" if exact.any() or astray else "identical"
    return Verdict(
        kind,
        output.num_rows,
        reference.num_rows,
        missing=len(matching.missing),
        extra=len(matching.extra),
        changed=int(beyond.sum()),
        near_boundary=near,
        within_tolerance=int((exact & ~beyond).sum()),
        columns={name: _detail(each) for name, each in differences.items() if each.exact.any()},
        problems=tuple(problems),
        examples=tuple(pair.examples(differences, beyond if beyond.any() else exact)),
    )


def describe(verdict: Verdict) -> str:
    """Say a verdict in words, one line."""
    if verdict.kind == "identical":
        return f"identical: {verdict.rows:,} rows, every value equal bit for bit"
    facts = list(verdict.problems)
    for count, what in (
        (verdict.missing, "missing"),
        (verdict.extra, "too many"),
        (verdict.changed, "changed"),
        (verdict.within_tolerance, "differing within the tolerances"),
    ):
        if count:
            facts.append(f"{count:,} row{'s' * (count != 1)} {what}")
    if verdict.near_boundary:
        facts.append(f"{verdict.near_boundary:,} of those missing or too many at the region's boundary")
    if verdict.columns:
        names = (f"{name} in {int(each['rows']):,}" for name, each in verdict.columns.items())
        facts.append(f"columns that differ: {', '.join(names)}")
    if verdict.examples:
        facts.append(f"for instance {_sentence(verdict.examples[0])}")
    return f"{verdict.kind} ({verdict.rows:,} rows, reference {verdict.reference_rows:,}): {'; '.join(facts)}"


def table_digest(table: pa.Table) -> str:
    """Return a digest of the contents of a canonical table, in hexadecimal.

    It depends on the columns' names and types and on the values in their order, and not on how they are held:
    chunks, dictionaries, the bits of NaN and of what is null do not count.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in table.column_names:
        column = table[name]
        digest.update(f"{name}:{_type_name(column.type)}:{len(column)};".encode())
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        digest.update(np.ascontiguousarray(_contents(name, column)).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two tables and which rows of theirs are one."""

    output: pa.Table
    reference: pa.Table
    matching: Matching

    def compare(self, name: str) -> ColumnDifference:
        one = _rows_of(self.output[name], self.matching.output)
        return compare_columns(name, one, _rows_of(self.reference[name], self.matching.reference))

    def examples(
        self, differences: Mapping[str, ColumnDifference], rows: NDArray[np.bool_]
    ) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = [
            _example("missing", self.reference, int(row)) for row in self.matching.missing[:_EXAMPLES]
        ]
        found += [_example("extra", self.output, int(row)) for row in self.matching.extra[:_EXAMPLES]]
        for place in np.flatnonzero(rows)[:_EXAMPLES]:
            row, partner = int(self.matching.output[place]), int(self.matching.reference[place])
            for name, difference in differences.items():
                if difference.exact[place]:
                    values_of = {
                        "column": name,
                        "output": _plain(self.output[name][row]),
                        "reference": _plain(self.reference[name][partner]),
                    }
                    found.append({**_example("changed", self.reference, partner), **values_of})
        return found


def _rows_of(column: pa.ChunkedArray, rows: NDArray[np.int64]) -> pa.ChunkedArray:
    if len(rows) == len(column) and np.array_equal(rows, np.arange(len(rows))):
        return column
    return column.take(pa.array(rows))


def _any(differences: list[NDArray[np.bool_]], size: int) -> NDArray[np.bool_]:
    combined = np.zeros(size, dtype=np.bool_)
    for each in differences:
        combined |= each
    return combined


def _detail(difference: ColumnDifference) -> Mapping[str, float]:
    return {
        "rows": int(difference.exact.sum()),
        "beyond": int(difference.beyond.sum()),
        "largest": difference.largest,
    }


def _near_boundary(table: pa.Table, rows: NDArray[np.int64], region: Region | None) -> int:
    if region is None or rows.size == 0:
        return 0
    longitude, latitude = (values(table[name].take(pa.array(rows))) for name in ("longitude", "latitude"))
    return int((region.distance_to_boundary(longitude, latitude) <= DEGREES_TOLERANCE).sum())


def _schema_problems(output: pa.Schema, reference: pa.Schema) -> list[str]:
    problems = [f"the column {name} is missing" for name in reference.names if name not in output.names]
    problems += [f"the column {name} was not asked for" for name in output.names if name not in reference.names]
    for name in reference.names:
        if name in output.names and not _comparable(output, reference, name):
            found, expected = (_type_name(columns.field(name).type) for columns in (output, reference))
            problems.append(f"the column {name} is {found} instead of {expected}")
    if not problems and output.names != reference.names:
        problems.append(f"the columns are in the order {', '.join(output.names)}")
    return problems


def _comparable(output: pa.Schema, reference: pa.Schema, name: str) -> bool:
    if name not in output.names or name not in reference.names:
        return False
    return _type_name(output.field(name).type) == _type_name(reference.field(name).type)


def _type_name(kind: pa.DataType) -> str:
    # Whether strings are held through a dictionary is a matter of memory, not of content.
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _contents(name: str, column: pa.ChunkedArray) -> NDArray[Any]:
    if name == "track_id":
        return track_codes(column)
    if pa.types.is_timestamp(column.type) or pa.types.is_integer(column.type):
        return numbers(column)
    if pa.types.is_floating(column.type):
        found = values(column)
        return np.where(np.isnan(found), found.dtype.type(np.nan), found)
    filled = column.fill_null(b"").cast(pa.large_binary()).combine_chunks()
    offsets = np.frombuffer(filled.buffers()[1], dtype=np.int64)[filled.offset : filled.offset + len(filled) + 1]
    joined = np.frombuffer(filled.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    return np.concatenate([np.diff(offsets).view(np.uint8), joined])


def _example(what: str, table: pa.Table, row: int) -> dict[str, Any]:
    return {"what": what, **{name: _plain(table[name][row]) for name in _KEY_COLUMNS}}


def _plain(scalar: pa.Scalar) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if not scalar.is_valid:
        return None
    if pa.types.is_timestamp(scalar.type):
        return f"{np.datetime64(scalar.value, scalar.type.unit)}Z"
    value = scalar.as_py()
    if isinstance(value, bytes):
        return value.hex()
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def _sentence(example: Mapping[str, Any]) -> str:
    place = (
        f"{example['track_id']} of RGT {example['rgt']}, cycle {example['cycle']}, at {example['time']} "
        f"({example['longitude']}, {example['latitude']})"
    )
    if example["what"] != "changed":
        return f"{place} is {example['what']}"
    return f"{example['column']} is {example['output']} instead of {example['reference']} on {place}"
