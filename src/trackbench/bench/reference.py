"""The reference: rows found by reading every file whole from local disk and testing each point."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trackbench.bench.needed_chunks import NeededChunk, needed_chunks
from trackbench.errors import FailedError, InputError
from trackbench.geoparquet import read_geoparquet, write_geoparquet
from trackbench.granules import GranuleName
from trackbench.processes import end_with_parent
from trackbench.products import BEAMS
from trackbench.session import no_progress
from trackbench.table import canonical_batch, schema, select_rows, sort_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trackbench.request import SubsetRequest
    from trackbench.session import Progress

REFERENCE_VERSION: Final = 1
"""Raised whenever what is found, or how it is kept, changes: it makes cached references stale."""

_CHUNK_COLUMNS: Final = pa.schema(
    [
        ("path", pa.string()),
        ("beam", pa.string()),
        ("variable", pa.string()),
        ("index", pa.int64()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("rows", pa.int64()),
        ("raw_size", pa.int64()),
        ("filters", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Reference:
    """The right answer, and the least that has to be read for it.

    Attributes
    ----------
    table
        Canonical rows in canonical order.
    needed
        The chunks that hold at least one of the rows, of the coordinates and the request's columns.
    """

    table: pa.Table
    needed: tuple[NeededChunk, ...]


def build_reference(
    paths: Sequence[str | Path], request: SubsetRequest, *, workers: int = 1, progress: Progress = no_progress
) -> Reference:
    """Read every file whole with h5py and test each point.

    Parameters
    ----------
    paths
        Granules on local disk, exactly those that make up the answer (one release of each).
    request
        What is asked.
    workers
        Processes to read with; 1 reads in this one.
    progress
        Told about each granule done.

    Returns
    -------
    Reference

    Raises
    ------
    FailedError
        When a file cannot be read, or a beam that has segments lacks a dataset.
    InputError
        When a path is missing or is not a granule of the request's product.
    """
    read = partial(_read_granule, request=request)
    places = [Path(path).resolve() for path in paths]
    found = []
    with ExitStack() as stack:
        answers: Iterator[tuple[list[pa.RecordBatch], list[NeededChunk]]] = map(read, places)
        if workers > 1:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(
                ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)
            )
            answers = pool.map(read, places)
        for place, answer in zip(places, answers, strict=True):
            found.append(answer)
            progress(len(found), len(places), place.name)
    columns = schema(request.product, request.variables)
    batches = [batch for granule in found for batch in granule[0]]
    table = sort_rows(pa.Table.from_batches(batches, schema=columns).combine_chunks())
    return Reference(table, tuple(chunk for granule in found for chunk in granule[1]))


def reference_rows(paths: Sequence[str | Path], request: SubsetRequest, *, workers: int = 1) -> pa.Table:
    """Return the rows alone of `build_reference`."""
    return build_reference(paths, request, workers=workers).table


def load_or_build(
    paths: Sequence[str | Path],
    request: SubsetRequest,
    cache: Path,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> Reference:
    """Return the reference from the cache, or build it and keep it there.

    A reference counts as the same for the same request and files of the same path, size and time of change.

    Parameters
    ----------
    paths, request, workers, progress
        As in `build_reference`.
    cache
        Folder to keep references in; made where it does not exist.
    """
    key = _cache_key(paths, request)
    rows_path = cache / f"reference-{key}.parquet"
    chunks_path = cache / f"chunks-{key}.parquet"
    if rows_path.exists() and chunks_path.exists():
        try:
            return Reference(read_geoparquet(rows_path), _read_chunks(chunks_path))
        except (InputError, OSError, pa.ArrowInvalid):
            # A damaged cache is no reason to fail: what it held can be found again.
            rows_path.unlink(missing_ok=True)
    reference = build_reference(paths, request, workers=workers, progress=progress)
    cache.mkdir(parents=True, exist_ok=True)
    _write_chunks(reference.needed, chunks_path)
    names = [GranuleName.parse(str(path)) for path in paths]
    write_geoparquet(reference.table.to_batches(), rows_path, request=request, granules=names)
    return reference


def _read_granule(path: Path, request: SubsetRequest) -> tuple[list[pa.RecordBatch], list[NeededChunk]]:
    name = GranuleName.parse(str(path))
    if name.product != request.product.name:
        raise InputError(
            f"{path.name} is a granule of {name.product}, but the request is for {request.product.name}."
        )
    if not path.exists():
        raise InputError(f"There is no granule {path}; check the list of files.")
    batches: list[pa.RecordBatch] = []
    chunks: list[NeededChunk] = []
    try:
        with h5py.File(path, "r") as file:
            for beam in _beams(file, request):
                values = {
                    variable.column: file[beam][variable.path][:]
                    for variable in (*request.product.coordinates, *request.columns)
                }
                latitude, longitude, delta_time = (values.pop(v.column) for v in request.product.coordinates)
                rows = np.flatnonzero(
                    select_rows(
                        request.region,
                        request.start,
                        request.end,
                        latitude=latitude,
                        longitude=longitude,
                        delta_time=delta_time,
                    )
                )
                if rows.size == 0:
                    continue
                batches.append(
                    canonical_batch(
                        request,
                        name,
                        beam,
                        latitude=latitude[rows],
                        longitude=longitude[rows],
                        delta_time=delta_time[rows],
                        values={column: stored[rows] for column, stored in values.items()},
                    )
                )
                for variable in (*request.product.coordinates, *request.columns):
                    dataset = file[beam][variable.path]
                    chunks += needed_chunks(dataset, rows, path=str(path), beam=beam, variable=variable.path)
    except (OSError, KeyError, RuntimeError) as error:
        raise FailedError(
            f"{path.name} cannot be read whole: {error}. If it was cut short or damaged, fetch it again; "
            "if a variable is not in this release, leave it out of the request."
        ) from error
    return batches, chunks


def _beams(file: h5py.File, request: SubsetRequest) -> Iterator[str]:
    """Yield the beams that hold segments: subsetters drop beams, or leave them hollow."""
    for beam in BEAMS:
        path = f"{beam}/{request.product.latitude.path}"
        if path in file and file[path].shape[0] > 0:
            yield beam


def _cache_key(paths: Sequence[str | Path], request: SubsetRequest) -> str:
    files: list[tuple[str, int, int]] = []
    for path in sorted(str(Path(path).resolve()) for path in paths):
        if not Path(path).exists():
            raise InputError(f"There is no granule {path}; check the list of files.")
        status = Path(path).stat()
        files.append((path, status.st_size, status.st_mtime_ns))
    text = json.dumps([REFERENCE_VERSION, request.digest, files])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _write_chunks(chunks: Sequence[NeededChunk], path: Path) -> None:
    table = pa.Table.from_pylist([dataclasses.asdict(chunk) for chunk in chunks], schema=_CHUNK_COLUMNS)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")
    try:
        pq.write_table(table, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_chunks(path: Path) -> tuple[NeededChunk, ...]:
    rows = pq.ParquetFile(path).read().to_pylist()
    return tuple(NeededChunk(**{**row, "filters": tuple(row["filters"])}) for row in rows)
