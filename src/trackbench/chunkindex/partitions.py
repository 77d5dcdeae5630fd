"""The files of an index: chunks by the cells in which they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackbench.chunkindex.cells import cap_of, parents_of
from trackbench.chunkindex.manifest import Partition
from trackbench.chunkindex.rows import (
    FIXED,
    PARTITION_RESOLUTION,
    column_names,
    further_paths,
    geo_metadata,
    leading_paths,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from trackbench.products import Product

NOWHERE: Final = "nowhere"
_MOST_ROWS: Final = 40_000
"""Chunks of a file beyond which its cell is divided: a lookup reads whole files."""

_ROW_GROUP: Final = 50_000
_FINEST: Final = 3
_ORDER: Final = ("cycle", "rgt", "granule", "beam", "chunk")


def write_partitions(
    place: Path,
    rows: pa.Table,
    product: Product,
    held: tuple[Partition, ...] = (),
    replaced: Collection[str] = (),
) -> tuple[tuple[Partition, ...], tuple[str, ...]]:
    """Write chunks to files by cell, beside those that are there.

    Parameters
    ----------
    place
        Folder of the index.
    rows
        Each chunk once, as `trackbench.chunkindex.rows.rows_of` makes them.
    product
        What they are of.
    held
        The files that are there.
    replaced
        Granules whose chunks in those files count no more. The files that hold such are written again, under other
        names, without them.

    Returns
    -------
    partitions : tuple of Partition
        All files of the index from now on.
    stale : tuple of str
        Files that nothing names any more, once a manifest is written that names the others.
    """
    kept, stale = _without(place, held, replaced, product)
    parts = {each.cell: each.part for each in sorted(kept, key=lambda each: each.part)}
    for each in held:
        parts[each.cell] = max(parts.get(each.cell, 0), each.part)
    fresh = []
    for cell, table in by_cell(rows):
        number = parts.get(cell, -1) + 1
        fresh.append(write_partition(place, cell, number, table, product))
    return (*kept, *fresh), stale


def by_cell(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield the chunks that touch each cell; one with too many is divided into its children.

    In the first cell of a chunk its ``home`` is true, in all others false.
    """
    order = pc.sort_indices(_sortable(rows), sort_keys=[(name, "ascending") for name in _ORDER])
    rows = rows.take(order)
    lists = rows["h3"].combine_chunks()
    lengths = np.asarray(pc.list_value_length(lists))
    owner = np.repeat(np.arange(len(rows)), lengths)
    cells = np.asarray(lists.flatten(), dtype=np.uint64)
    lost = np.flatnonzero(lengths == 0)
    if lost.size:
        yield NOWHERE, rows.take(pa.array(lost))
    if not cells.size:
        return
    homes = _first_of_each(owner)
    yield from _divided(rows, owner, cells, homes, PARTITION_RESOLUTION)


def _first_of_each(owner: np.ndarray) -> np.ndarray:
    first = np.ones(len(owner), dtype=np.bool_)
    first[1:] = owner[1:] != owner[:-1]
    return first


def _divided(
    rows: pa.Table, owner: np.ndarray, cells: np.ndarray, homes: np.ndarray, resolution: int
) -> Iterator[tuple[str, pa.Table]]:
    parents = parents_of(cells, resolution)
    for cell in np.unique(parents):
        inside = np.flatnonzero(parents == cell)
        members = np.unique(owner[inside])
        if len(members) > _MOST_ROWS and resolution < _FINEST:
            yield from _divided(rows, owner[inside], cells[inside], homes[inside], resolution + 1)
            continue
        at_home = np.isin(members, owner[inside][homes[inside]])
        table = rows.take(pa.array(members))
        place = table.schema.get_field_index("home")
        yield f"{int(cell):x}", table.set_column(place, table.schema.field("home"), pa.array(at_home))


def _sortable(rows: pa.Table) -> pa.Table:
    """Decode the words that are sorted by: a dictionary would sort by its codes."""
    return pa.table({name: _decoded(rows[name]) for name in _ORDER})


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def write_partition(place: Path, cell: str, part: int, table: pa.Table, product: Product) -> Partition:
    """Write the chunks of a cell, and their further variables to the twin file."""
    table = table.unify_dictionaries().combine_chunks()
    leading = [*FIXED.names, *(name for path in leading_paths(product) for name in column_names(path))]
    further = [name for path in further_paths(product) for name in column_names(path)]
    bounds = _bounds(table)
    times = [
        pc.min(table["time_start"]).cast(pa.int64()).as_py(),
        pc.max(table["time_end"]).cast(pa.int64()).as_py(),
    ]
    draft = Partition(
        cell,
        part,
        table.num_rows,
        0,
        0,
        None if cell == NOWHERE else _circle(cell, table),
        bounds,
        None if times[0] is None or times[1] is None else (times[0], times[1]),
    )
    size = _write(place / draft.file, table.select(leading), {"geo": geo_metadata(bounds)})
    further_size = _write(place / draft.further_file, table.select(further), {})
    return Partition(cell, part, table.num_rows, size, further_size, draft.circle, bounds, draft.times)


def _circle(cell: str, table: pa.Table) -> tuple[float, float, float]:
    """Return a circle that holds each point whose sample is in the cell: cells were found for samples alone."""
    longitude, latitude, radius = cap_of(int(cell, 16))
    return longitude, latitude, radius + float(pc.max(table["reach_km"]).as_py())


def _bounds(table: pa.Table) -> tuple[float, float, float, float] | None:
    box = table["bbox"].combine_chunks()
    edges = [
        reduce(pc.struct_field(box, name)).as_py()
        for name, reduce in (("xmin", pc.min), ("ymin", pc.min), ("xmax", pc.max), ("ymax", pc.max))
    ]
    return None if edges[0] is None else (edges[0], edges[1], edges[2], edges[3])


def _write(path: Path, table: pa.Table, metadata: dict[str, str]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.tmp")
    words = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    numbers = [
        field.name
        for field in table.schema
        if field.name.endswith((".offset", ".size"))
        or field.name in ("time_start", "time_end", "first_row", "beam_rows")
    ]
    try:
        table = table.replace_schema_metadata(None)
        with pq.ParquetWriter(
            fresh,
            table.schema,
            compression="zstd",
            use_dictionary=[*words, "layout", "cycle", "rgt", "chunk", "rows", "granule_bytes"],
            column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
            # An Arrow schema in the file would repeat what Parquet's own says, in every small file.
            store_schema=False,
            write_statistics=[
                name for name in ("cycle", "rgt", "bbox", "time_start", "time_end") if name in table.schema.names
            ]
            or False,
        ) as writer:
            writer.write_table(table, row_group_size=_ROW_GROUP)
            writer.add_key_value_metadata(metadata)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path.stat().st_size


def _without(
    place: Path, held: tuple[Partition, ...], replaced: Collection[str], product: Product
) -> tuple[tuple[Partition, ...], tuple[str, ...]]:
    """Return the files that are there, those with replaced granules written again without them; and the stale."""
    if not replaced:
        return held, ()
    gone = pa.array(sorted(replaced), pa.string())
    kept, stale = [], []
    highest: dict[str, int] = {}
    for each in held:
        highest[each.cell] = max(highest.get(each.cell, 0), each.part)
    for each in held:
        names = pq.ParquetFile(place / each.file).read(["granule"])["granule"]
        stays = pc.invert(pc.is_in(_decoded(names), value_set=gone))
        if pc.all(stays).as_py():
            kept.append(each)
            continue
        stale += [each.file, each.further_file]
        left = _joined(place, each).filter(stays)
        if left.num_rows:
            highest[each.cell] += 1
            kept.append(write_partition(place, each.cell, highest[each.cell], left, product))
    return tuple(kept), tuple(stale)


def _joined(place: Path, partition: Partition) -> pa.Table:
    """Return a file with the columns of its twin."""
    words = [field.name for field in FIXED if pa.types.is_dictionary(field.type)]
    table = pq.ParquetFile(place / partition.file, read_dictionary=words).read()
    twin = pq.ParquetFile(place / partition.further_file).read()
    for name in twin.column_names:
        table = table.append_column(twin.schema.field(name), twin[name])
    return table
