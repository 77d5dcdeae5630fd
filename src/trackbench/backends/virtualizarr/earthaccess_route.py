"""References made by `earthaccess.virtualize`, which searches, logs in and calls VirtualiZarr for its user.

It opens one group of one granule at a time: ground tracks are ragged, so that it cannot concatenate them. What it
loads itself (``load=True``) goes through xarray's ``kerchunk`` engine, which takes good segments (quality 0) for
missing values; so its references alone are used here, and the chunks read through them as in the other variants.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import earthaccess

from trackbench.backends.virtualizarr import hdf
from trackbench.backends.virtualizarr.kerchunk_store import parsed
from trackbench.backends.virtualizarr.places import Place
from trackbench.backends.virtualizarr.stores import registry_for
from trackbench.errors import UnsupportedError
from trackbench.products import BEAMS

if TYPE_CHECKING:
    import xarray as xr
    from earthaccess.results import DataGranule

    from trackbench.backends.virtualizarr.places import Places
    from trackbench.backends.virtualizarr.tasks import Task
    from trackbench.request import SubsetRequest

_NO_GROUP = "is not an HDF Group"


def references(task: Task, request: SubsetRequest) -> Places:
    """Have earthaccess make the references of each ground track of a granule that holds rows.

    Raises
    ------
    UnsupportedError
        If the granule was named instead of found, which earthaccess does not take, or an array has no chunk that a
        reference could point to.
    """
    if task.result is None:
        raise UnsupportedError(
            f"earthaccess.virtualize takes granules that it found itself, not {task.entry.url}. Leave out the"
            " granules, or use virtualizarr:hdf."
        )
    places: dict[str, dict[str, Place]] = {}
    for track in BEAMS:
        for group in hdf.groups_of(request):
            dataset = _virtualized(task.result, f"{track}/{group}", direct=task.access.in_region)
            if dataset is None or request.product.latitude.path.rpartition("/")[2] not in dataset.variables:
                break
            needed = {path.rpartition("/")[2]: path for path in hdf.paths_in(group, request)}
            if group == request.product.segments and dataset["latitude"].size == 0:
                break
            _refuse_without_chunks(dataset, needed)
            refs = dataset[list(needed)].vz.to_kerchunk(format="dict")["refs"]
            store = parsed(refs, registry_for(task.entry.url, task.access))
            for name, path in needed.items():
                places.setdefault(track, {})[path] = Place(store, name)
    return places


def _virtualized(result: DataGranule, group: str, *, direct: bool) -> xr.Dataset | None:
    """Return a group as a virtual dataset, or None where the granule has no such group."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Parallel opening of one file would need dask; without loadable_variables it decodes the times.
            return earthaccess.virtualize(
                [result],
                access="direct" if direct else "indirect",
                group=group,
                parser="HDFParser",
                parallel=False,
                loadable_variables=[],
            )
        except ValueError as error:
            if _NO_GROUP in str(error):
                return None
            raise


def _refuse_without_chunks(dataset: xr.Dataset, needed: dict[str, str]) -> None:
    for name in needed:
        array = dataset[name].variable.data
        if math.prod(array.shape) and not array.manifest.dict():
            raise UnsupportedError(
                f"VirtualiZarr found no chunk of {name}: it is stored in the header of the file (compact storage)"
                " or was never written, and would read as its fill value. Use the baseline for this granule."
            )
