"""Compare an index with the granules that it was made of."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackbench.access import Access
from trackbench.chunkindex.lookup import Index
from trackbench.chunkindex.rows import column_names, leading_paths, rows_of
from trackbench.chunkindex.scan import scan_granule
from trackbench.errors import TrackbenchError
from trackbench.products import get_product
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trackbench.granules import Granule
    from trackbench.session import Progress

_COMPARED: Final = (
    "beam",
    "chunk",
    "beam_rows",
    "first_row",
    "rows",
    "time_start",
    "time_end",
    "line_error",
    "bbox",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a granule of an index, in words."""

    granule: str
    problem: str


def validate_index(
    place: Path,
    granules: Sequence[Granule],
    *,
    sample: int | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[int, tuple[Finding, ...]]:
    """Read granules again and compare each chunk's rows, times, bounds, and the bytes of its leading variables.

    Parameters
    ----------
    place
        Folder of the index.
    granules
        The granules, on this machine.
    sample
        How many of them to read; None reads all.
    seed
        Of the choice.
    progress
        Told ``(done, total, text)``.

    Returns
    -------
    compared : int
        How many granules were read.
    findings : tuple of Finding
        Empty where the index is right.

    Raises
    ------
    InputError, FailedError
        If there is no index, or it cannot be read.
    """
    index = Index.open(place)
    product = get_product(index.manifest.product)
    chosen = list(granules)
    if sample is not None and sample < len(chosen):
        chosen = random.Random(seed).sample(chosen, sample)  # noqa: S311 - a choice, no secret
    columns = [*_COMPARED, *(name for path in leading_paths(product) for name in column_names(path))]
    held = _homes(place, index, columns)
    findings = []
    for done, granule in enumerate(chosen, start=1):
        problem = _problem(granule, held, columns, index.manifest.product)
        if problem:
            findings.append(Finding(str(granule.name), problem))
        progress(done, len(chosen), str(granule.name))
    return len(chosen), tuple(findings)


def _homes(place: Path, index: Index, columns: list[str]) -> pa.Table:
    tables = []
    for partition in index.manifest.partitions:
        table = pq.ParquetFile(place / partition.file).read(["granule", "home", *columns])
        tables.append(table.filter(table["home"]))
    return pa.concat_tables(tables) if tables else pa.table({"granule": pa.array([], pa.string())})


def _problem(granule: Granule, held: pa.Table, columns: list[str], product: str) -> str:
    mine = held.filter(pc.equal(held["granule"], str(granule.name)))
    try:
        found = rows_of(scan_granule(granule, Access(), get_product(product)), 0, get_product(product))
    except TrackbenchError as error:
        return str(error)
    if mine.num_rows != found.num_rows:
        return f"the index holds {mine.num_rows} chunks, and the granule has {found.num_rows}"
    keys = [("beam", "ascending"), ("chunk", "ascending")]
    for name in columns:
        old, new = (_column(table, name, keys) for table in (mine, found))
        different = [place for place, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        if different:
            first = different[0]
            what = f"{old[first]} in the index, {new[first]} in the granule"
            return f"{name} differs in {len(different)} chunks: {what}"
    return ""


def _column(table: pa.Table, name: str, keys: list[tuple[str, str]]) -> list[object]:
    plain = pa.table({"beam": table["beam"].cast(pa.string()), "chunk": table["chunk"]})
    values = table[name].take(pc.sort_indices(plain, sort_keys=keys))
    told: list[object] = values.cast(
        pa.string() if pa.types.is_dictionary(values.type) else values.type
    ).to_pylist()
    return told
