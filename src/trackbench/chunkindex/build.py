"""Build an index, granule by granule, and add granules to one that is there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from obstore.exceptions import BaseError

from trackbench.access import Access, address, store_for
from trackbench.chunkindex.manifest import FILE_NAME, Manifest
from trackbench.chunkindex.model import Layout, Storage
from trackbench.chunkindex.partitions import write_partitions
from trackbench.chunkindex.rows import H3_RESOLUTION, PARTITION_RESOLUTION, rows_of
from trackbench.chunkindex.scan import scan_granule
from trackbench.errors import FailedError, InputError, TrackbenchError
from trackbench.executors import run_all
from trackbench.products import ATL06, get_product
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackbench.chunkindex.manifest import Partition
    from trackbench.executors import Executor
    from trackbench.granules import Granule
    from trackbench.products import Product
    from trackbench.session import Progress

GRANULES: Final = "granules.parquet"
"""Lists the granules of an index; building reads it, lookups do not."""

_BUILDING: Final = ".building"
_HEADS: Final = 64
"""Granules whose state is asked for at a time."""

_LAYOUT: Final = b"layout"
_IDENTITY: Final = b"identity"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What building an index came to.

    Attributes
    ----------
    indexed
        How many granules were added.
    kept
        How many were there already, unchanged, or had been read before an interrupt.
    skipped
        Granules that cannot be indexed, each with the reason.
    seconds
        Wall time.
    bytes_stored
        Size of the whole index.
    """

    indexed: int
    kept: int
    skipped: tuple[tuple[str, str], ...]
    seconds: float
    bytes_stored: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A granule to read, and how."""

    granule: Granule
    access: Access
    product: str
    state: str


def build_index(
    granules: Sequence[Granule],
    place: Path,
    *,
    access: Access | None = None,
    product: Product = ATL06,
    append: bool = False,
    executor: Executor = "processes",
    workers: int | None = None,
    address: str | None = None,
    progress: Progress = no_progress,
) -> BuildReport:
    """Index granules; what was read before an interrupt is not read again.

    Parameters
    ----------
    granules
        On this machine or at addresses.
    place
        Folder of the index.
    access
        How to reach the addresses.
    product
        What the granules are of.
    append
        Add to the index that is there. One that holds a granule of the same name in another state has it replaced.
        Without `append`, an index that is there is replaced as a whole.
    executor, workers, address
        As `trackbench.executors.run_all` takes them. The files are the same whatever they are.
    progress
        Told ``(done, total, text)``.

    Raises
    ------
    InputError
        If no granule is given, or two of one name.
    FailedError
        If none can be indexed, or a file cannot be written.
    """
    begin = time.perf_counter()
    names = [str(granule.name) for granule in granules]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if not granules or twice:
        raise InputError(f"Two granules are named {twice[0]}." if twice else "There is no granule to index.")
    reach = access or Access()
    states = {str(granule.name): state for granule, state in zip(granules, _states(granules, reach), strict=True)}
    held = _read_manifest(place, product) if append else None
    known = _known(place) if held else {}
    building = place / _BUILDING
    try:
        building.mkdir(parents=True, exist_ok=True)
        tables, skipped, kept = _read_all(
            [_Piece(granule, reach, product.name, states[str(granule.name)]) for granule in granules],
            building,
            known,
            progress,
            executor=executor,
            workers=workers,
            address=address,
        )
        if not tables and held is None:
            raise FailedError(f"No granule could be indexed. {skipped[0][0]}: {skipped[0][1]}")
        if tables:
            _merge(place, tables, held, known, product)
        shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise FailedError(f"The index at {place} cannot be written: {error}.") from error
    stored = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    return BuildReport(len(tables), kept, tuple(skipped), time.perf_counter() - begin, stored)


def write_empty(place: Path, product: Product) -> None:
    """Write an index of no granule, as the answer to a search that found none.

    Raises
    ------
    FailedError
        If it cannot be written.
    """
    manifest = Manifest(product.name, 0, 0, H3_RESOLUTION, PARTITION_RESOLUTION, (), ())
    try:
        place.mkdir(parents=True, exist_ok=True)
        _replace(place / FILE_NAME, manifest.to_json().encode())
    except OSError as error:
        raise FailedError(f"The index at {place} cannot be written: {error}.") from error


def known_granules(place: Path) -> set[str]:
    """Return the names of the granules of an index; none where there is no index."""
    return set(_known(place))


def scan_piece(piece: _Piece) -> bytes | str:
    """Return the rows of a granule as Arrow IPC, or why it has none. Runs wherever the executor says."""
    product = get_product(piece.product)
    try:
        scan = scan_granule(piece.granule, piece.access, product)
    except TrackbenchError as error:
        return str(error)
    table = rows_of(scan, 0, product)
    layout = {path: asdict(storage) for path, storage in scan.layout.storages.items()}
    table = table.replace_schema_metadata({_LAYOUT: json.dumps(layout), _IDENTITY: piece.state})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _states(granules: Sequence[Granule], access: Access) -> list[str]:
    """Tell the state of each granule without reading it: one that is replaced has another."""
    remote = [granule for granule in granules if granule.path is None]
    heads = dict(zip((granule.name for granule in remote), asyncio.run(_heads(remote, access)), strict=True))
    return [
        heads[granule.name] if granule.path is None else _state_of_file(Path(granule.path)) for granule in granules
    ]


def _state_of_file(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return f"{path} is missing"  # reading it says so
    return f"{path} {status.st_size} {status.st_mtime_ns}"


async def _heads(granules: Sequence[Granule], access: Access) -> list[str]:
    if not granules:
        return []
    import obstore  # noqa: PLC0415 - local files need none

    gate = asyncio.Semaphore(_HEADS)

    async def head(granule: Granule) -> str:
        url = address(granule, access)
        async with gate:
            try:
                about = await obstore.head_async(store_for(url, access), url.split("://", 1)[1].split("/", 1)[1])
            except (OSError, BaseError):
                return f"{url} is missing"  # as above
        return f"{url} {about['size']} {about['e_tag']}"

    return await asyncio.gather(*(head(granule) for granule in granules))


def _read_all(
    pieces: Sequence[_Piece],
    building: Path,
    known: dict[str, str],
    progress: Progress,
    **where: Any,  # noqa: ANN401 - passed on as it is
) -> tuple[list[pa.Table], list[tuple[str, str]], int]:
    """Return the rows of each granule that is new, which could not be indexed, and how many need no reading."""
    tables: dict[int, pa.Table] = {}
    skipped: list[tuple[str, str]] = []
    missing: list[int] = []
    kept = 0
    for number, piece in enumerate(pieces):
        name = str(piece.granule.name)
        if known.get(name) == _digest(piece.state):
            kept += 1
            continue
        table = _read_piece(building / f"{name}.arrow")
        if table is not None and table.schema.metadata[_IDENTITY].decode() == piece.state:
            tables[number] = table
            kept += 1
        else:
            missing.append(number)
    done = len(pieces) - len(missing)
    progress(done, len(pieces), "already read" if done else "")
    for number, outcome in run_all(scan_piece, [pieces[each] for each in missing], **where):
        name = str(pieces[missing[number]].granule.name)
        done += 1
        if isinstance(outcome, str):
            skipped.append((name, outcome))
            progress(done, len(pieces), f"{name} cannot be indexed: {outcome}")
            continue
        _replace(building / f"{name}.arrow", outcome)
        tables[missing[number]] = _from_ipc(outcome)
        progress(done, len(pieces), name)
    return [tables[number] for number in sorted(tables)], sorted(skipped), kept


def _from_ipc(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def _read_piece(path: Path) -> pa.Table | None:
    try:
        return _from_ipc(path.read_bytes())
    except (FileNotFoundError, pa.ArrowInvalid):
        return None


def _digest(state: str) -> str:
    return hashlib.blake2b(state.encode(), digest_size=12).hexdigest()


def _known(place: Path) -> dict[str, str]:
    """Return the granules of an index, each with the digest of the state in which it was read."""
    try:
        table = pq.ParquetFile(place / GRANULES).read(["granule", "identity"])
    except FileNotFoundError:
        return {}
    return dict(zip(table["granule"].to_pylist(), table["identity"].to_pylist(), strict=True))


def _read_manifest(place: Path, product: Product) -> Manifest | None:
    try:
        manifest = Manifest.parse((place / FILE_NAME).read_bytes(), str(place))
    except FileNotFoundError:
        return None
    if manifest.product != product.name:
        raise InputError(
            f"{place} indexes {manifest.product}; build the index of {product.name} in another folder."
        )
    return manifest


def _merge(
    place: Path, tables: Sequence[pa.Table], held: Manifest | None, known: dict[str, str], product: Product
) -> None:
    """Write the files of the partitions, then the manifest that names them: until then the index is as it was."""
    layouts = list(held.layouts) if held else []
    numbered = [_numbered(table, layouts) for table in tables]
    rows = pa.concat_tables([table.replace_schema_metadata(None) for table in numbered])
    added = {
        table["granule"][0].as_py(): _digest(table.schema.metadata[_IDENTITY].decode())
        for table in numbered
        if table.num_rows
    }
    replaced = added.keys() & known.keys()
    old: tuple[Partition, ...] = held.partitions if held else ()
    partitions, stale = write_partitions(place, rows, product, old, replaced)
    chunks = (held.chunks if held else 0) + rows.num_rows - _chunks_of(place, replaced)
    listed = {name: mark for name, mark in known.items() if name not in replaced} | added
    counts = {table["granule"][0].as_py(): table.num_rows for table in numbered if table.num_rows}
    _write_granules(place, listed, counts)
    manifest = Manifest(
        product.name, len(listed), chunks, H3_RESOLUTION, PARTITION_RESOLUTION, tuple(layouts), partitions
    )
    _replace(place / FILE_NAME, manifest.to_json().encode())
    named = {name for each in partitions for name in (each.file, each.further_file)} | {FILE_NAME, GRANULES}
    for file in (*stale, *(() if held else _others(place, named))):
        (place / file).unlink(missing_ok=True)


def _others(place: Path, named: set[str]) -> list[str]:
    """Return files of an index that was here before, which nothing names any more."""
    found = [*place.glob("chunks/*.parquet"), *place.glob("variables/*.parquet")]
    return [name for name in (str(path.relative_to(place)) for path in found) if name not in named]


def _numbered(table: pa.Table, layouts: list[Layout]) -> pa.Table:
    told = json.loads(table.schema.metadata[_LAYOUT])
    layout = Layout({path: Storage(**{**each, "filters": tuple(each["filters"])}) for path, each in told.items()})
    if layout not in layouts:
        layouts.append(layout)
    number = pa.array([layouts.index(layout)] * table.num_rows, pa.int16())
    return table.set_column(table.schema.get_field_index("layout"), table.schema.field("layout"), number)


def _chunks_of(place: Path, names: Iterable[str]) -> int:
    """How many chunks of these granules the index holds."""
    wanted = set(names)
    if not wanted:
        return 0
    table = pq.ParquetFile(place / GRANULES).read(["granule", "chunks"]).to_pylist()
    return sum(each["chunks"] for each in table if each["granule"] in wanted)


def _write_granules(place: Path, listed: dict[str, str], counts: dict[str, int]) -> None:
    old: dict[str, int] = {}
    if (place / GRANULES).exists():
        told = pq.ParquetFile(place / GRANULES).read(["granule", "chunks"]).to_pylist()
        old = {each["granule"]: each["chunks"] for each in told}
    names = sorted(listed)
    table = pa.table(
        {
            "granule": names,
            "identity": [listed[name] for name in names],
            "chunks": pa.array([counts.get(name, old.get(name, 0)) for name in names], pa.int32()),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    _replace(place / GRANULES, sink.getvalue().to_pybytes())


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.tmp")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
