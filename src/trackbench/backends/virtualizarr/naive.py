"""What a first tutorial does: open a whole granule as a tree of datasets, and load variable after variable whole.

`virtualizarr.open_virtual_datatree` does the first half and cannot load values; xarray opens the same references.
The tree holds every group of the granule. Opening it takes tens of seconds, since VirtualiZarr prints the whole
store for each node that zarr opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from virtualizarr.parsers import HDFParser

from trackbench.backends.virtualizarr.reading import variables_of
from trackbench.backends.virtualizarr.stores import registry_for
from trackbench.products import BEAMS
from trackbench.table import canonical_batch, select_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from trackbench.backends.virtualizarr.tasks import Task
    from trackbench.request import SubsetRequest
    from trackbench.session import PhaseTimer


def read(task: Task, request: SubsetRequest, timer: PhaseTimer) -> list[pa.RecordBatch]:
    """Read the rows of one granule."""
    url, product = task.entry.url, request.product
    with timer.phase("metadata"):
        store = HDFParser()(url, registry_for(url, task.access))
        # Times stay numbers: decoded ones are rounded in another way.
        tree = xr.open_datatree(
            store,  # type: ignore[arg-type]  # the zarr engine takes any Zarr store, which xarray does not declare
            engine="zarr",
            consolidated=False,
            zarr_format=3,
            decode_times=False,
        )
    batches = []
    # Whether a path is in a tree, `in` tells of its own children alone.
    groups = {group.strip("/") for group in tree.groups}
    for track in BEAMS:
        group = f"{track}/{product.segments}"
        if group not in groups or "latitude" not in tree[group]:
            continue
        with timer.phase("read"):
            whole = {each.path: np.asarray(tree[f"{track}/{each.path}"].values) for each in variables_of(request)}
        with timer.phase("filter"):
            latitude, longitude, time = (whole[each.path] for each in product.coordinates)
            rows = np.flatnonzero(
                select_rows(
                    request.region,
                    request.start,
                    request.end,
                    latitude=latitude,
                    longitude=longitude,
                    delta_time=time,
                )
            )
            if not rows.size:
                continue
            batches.append(
                canonical_batch(
                    request,
                    task.entry.granule.name,
                    track,
                    latitude=latitude[rows],
                    longitude=longitude[rows],
                    delta_time=time[rows],
                    values={each.column: whole[each.path][rows] for each in request.columns},
                )
            )
    return batches
