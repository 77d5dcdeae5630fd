"""Small granules of one ground track, stored in ways that references get wrong, and reading them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
import pyarrow as pa

from trackbench.access import Access
from trackbench.backends.virtualizarr.cases import Entry
from trackbench.backends.virtualizarr.icechunk_store import Repository
from trackbench.backends.virtualizarr.subsets import BUILT
from trackbench.backends.virtualizarr.tasks import Task
from trackbench.backends.virtualizarr.worker import make, read
from trackbench.granules import Granule
from trackbench.products import ATL06, FLOAT32_FILL
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import schema, sort_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

NAME: Final = "ATL06_20190808120000_06810408_006_01.h5"
BEAM: Final = "gt1l"
GROUP: Final = f"{BEAM}/land_ice_segments"
ROWS: Final = 950
CHUNK: Final = 100

REQUEST: Final = SubsetRequest.build("ATL06", Region.from_bbox(-46, 62.3, -44, 62.6))
"""Rows 300 to 600 of a small granule, both included."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How a dataset is stored: other values, and other arguments of `h5py.Group.create_dataset`."""

    values: NDArray[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def track() -> dict[str, NDArray[Any]]:
    """Return the columns of a ground track that runs north, a thousandth of a degree for each row."""
    rows = np.arange(ROWS)
    heights = (1000 + np.sin(rows / 30) * 50).astype(np.float32)
    heights[::7] = FLOAT32_FILL
    return {
        "latitude": 62 + rows / 1000,
        "longitude": np.full(ROWS, -45.0),
        "delta_time": 5.0e7 + rows * 0.0028,
        "h_li": heights,
        "h_li_sigma": (0.01 + rows % 13 / 100).astype(np.float32),
        "atl06_quality_summary": (rows % 3 == 0).astype(np.int8),
        "segment_id": (500_000 + rows).astype(np.int32),
    }


def write_granule(folder: Path, **changed: Stored) -> Path:
    """Write a granule with the storage of the product, but for what is `changed`."""
    path = folder / NAME
    with h5py.File(path, "w") as file:
        group = file.create_group(f"{BEAM}/land_ice_segments")
        for name, usual in track().items():
            stored = changed.get(name, Stored())
            values = usual if stored.values is None else stored.values
            options: dict[str, Any] = {
                "chunks": (CHUNK,),
                "maxshape": (None,),
                "compression": 6,
                "shuffle": values.dtype.kind == "i",
            }
            group.create_dataset(name, data=values, **{**options, **stored.options})
    return path


def rows_of(variant: str, path: Path, request: SubsetRequest = REQUEST) -> pa.Table:
    """Read a granule of this machine in this process, after building its references where the variant has such."""
    entry = Entry(Granule.locate(str(path)), path.as_uri())
    task = Task(variant, entry, Access())
    if variant in BUILT:
        task = replace(task, folder=path.with_suffix(f".{variant}"))
        entry, made = make(task, request)
        if variant == "icechunk":
            assert task.folder is not None
            repository = Repository(task.folder, [entry.url])
            repository.add(entry, made)
            repository.commit("one granule")
        task = replace(task, entry=entry)
    outcome = read(task, request)
    return sort_rows(pa.Table.from_batches(outcome.batches, schema=schema(ATL06, request.variables)))


def describe(granule: Path, *, flattened: bool = False) -> str:
    """Return a DMR++ of a small granule, in the form that Hyrax writes."""
    with h5py.File(granule) as file:
        variables = [_variable(dataset, flattened) for dataset in file[GROUP].values()]
    dimension = f'<Dimension name="{_flat("delta_time") if flattened else "delta_time"}" size="{ROWS}"/>'
    inside = "\n".join([dimension, *variables])
    if not flattened:
        inside = f'<Group name="{BEAM}"><Group name="land_ice_segments">\n{inside}\n</Group></Group>'
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Dataset xmlns="http://xml.opendap.org/ns/DAP/4.0#"'
        ' xmlns:dmrpp="http://xml.opendap.org/dap/dmrpp/1.0.0#" dapVersion="4.0" dmrVersion="1.0"'
        f' name="{granule.name}" dmrpp:href="OPeNDAP_DMRpp_DATA_ACCESS_URL" dmrpp:version="3.22.0">\n'
        f"{inside}\n</Dataset>\n"
    )


def _flat(name: str) -> str:
    return f"{GROUP}/{name}".replace("/", "_")


def _variable(dataset: h5py.Dataset, flattened: bool) -> str:  # noqa: FBT001 - the dialect
    name = dataset.name.rpartition("/")[2]
    kind = {"f": "Float", "i": "Int"}[dataset.dtype.kind] + str(8 * dataset.dtype.itemsize)
    filters = ["shuffle"] * dataset.shuffle + ["deflate"] + ["fletcher32"] * dataset.fletcher32
    dimension = f"/{_flat('delta_time')}" if flattened else f"/{GROUP}/delta_time"
    lines = [f'<{kind} name="{_flat(name) if flattened else name}">', f'<Dim name="{dimension}"/>']
    if flattened:
        told = {"origname": name, "fullnamepath": dataset.name}
        lines += [f'<Attribute name="{a}" type="String"><Value>{v}</Value></Attribute>' for a, v in told.items()]
    lines += [
        f'<dmrpp:chunks compressionType="{" ".join(filters)}" deflateLevel="6" fillValue="0" byteOrder="LE">',
        f"<dmrpp:chunkDimensionSizes>{CHUNK}</dmrpp:chunkDimensionSizes>",
    ]
    for place in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(place)
        lines.append(
            f'<dmrpp:chunk offset="{chunk.byte_offset}" nBytes="{chunk.size}"'
            f' chunkPositionInArray="[{chunk.chunk_offset[0]}]"/>'
        )
    return "\n".join([*lines, f"</dmrpp:chunks></{kind}>"])
