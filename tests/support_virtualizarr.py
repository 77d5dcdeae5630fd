"""Small granules of one ground track, stored in ways that references get wrong, and reading them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
import pyarrow as pa

from trackbench.backends.virtualizarr.stores import Access
from trackbench.backends.virtualizarr.tasks import Task
from trackbench.backends.virtualizarr.worker import read
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
    """Read a granule of this machine in this process."""
    outcome = read(Task(variant, Granule.locate(str(path)), Access()), request)
    return sort_rows(pa.Table.from_batches(outcome.batches, schema=schema(ATL06, request.variables)))
