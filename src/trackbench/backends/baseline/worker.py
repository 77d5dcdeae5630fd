"""What one process of the baseline does: open one granule and read its rows."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import earthaccess
import h5py

from trackbench.backends import earthdata
from trackbench.backends.hdf5 import beams_with_segments, naming, read_beam
from trackbench.errors import FailedError
from trackbench.processes import end_with_parent
from trackbench.products import BEAMS
from trackbench.session import PhaseTimer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pyarrow as pa
    import xarray as xr
    from earthaccess.results import DataGranule
    from fsspec.spec import AbstractBufferedFile

    from trackbench.backends.baseline.opening import Opening
    from trackbench.backends.hdf5 import Read
    from trackbench.granules import Granule, GranuleName
    from trackbench.products import Variable
    from trackbench.request import SubsetRequest
    from trackbench.session import Endpoints


type OpenFile = AbstractBufferedFile


@dataclass(frozen=True, slots=True)
class Task:
    """One granule to read, and how.

    Attributes
    ----------
    opening
        How to open and read it.
    granule
        Where it can be had.
    scratch
        Folder for a downloaded copy.
    result
        What the search said of it; None when the user named the granule.
    endpoints
        Where the cloud is.
    """

    opening: Opening
    granule: Granule
    scratch: str
    result: DataGranule | None
    endpoints: Endpoints


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of one granule, and how long each phase took."""

    name: GranuleName
    batches: list[pa.RecordBatch]
    seconds: Mapping[str, float]


def start() -> None:
    """Make a new process ready."""
    end_with_parent()


def read_granule(task: Task, request: SubsetRequest) -> Outcome:
    """Open a granule as the variant says and return its rows of the request."""
    timer = PhaseTimer()
    if task.granule.path is None:
        with timer.phase("startup"):
            earthdata.ensure_login(task.endpoints)
    read = _read_with_xarray if task.opening.library == "xarray" else _read_with_h5py
    with naming(task.granule.name, aiohttp.ClientError), _opened(task, timer) as file:
        batches = list(read(file, task, request, timer))
    return Outcome(task.granule.name, batches, timer.seconds)


@contextmanager
def _opened(task: Task, timer: PhaseTimer) -> Iterator[OpenFile | str]:
    """Yield something that h5py and h5netcdf can open: a file-like object or a path."""
    granule, opening = task.granule, task.opening
    if granule.path is not None:
        yield granule.path
        return
    if opening.how == "download":
        with timer.phase("read"):
            copies = earthaccess.download(
                _link(task) if task.result is None else task.result,
                task.scratch,
                show_progress=False,
                credentials_endpoint=_credentials(task),
            )
        copy = Path(copies[0])
        try:
            yield str(copy)
        finally:
            copy.unlink(missing_ok=True)
        return
    with timer.phase("metadata"):
        file = _open_with_fsspec(task) if opening.how == "fsspec" else _open_with_earthaccess(task)
    # What earthaccess.open returns passes attributes on, but not the methods that `with` looks up on a class.
    with contextlib.closing(file):
        yield file


def _open_with_earthaccess(task: Task) -> OpenFile:
    opening = task.opening
    # A list of one type: earthaccess dispatches on it.
    target: list[DataGranule] | list[str] = [_link(task)]
    if task.result is not None and opening.access == "auto":
        target = [task.result]
    options = dict(opening.options) or None
    opened = earthaccess.open(
        target, show_progress=False, open_kwargs=options, credentials_endpoint=_credentials(task)
    )
    file: OpenFile = opened[0]
    return file


def _open_with_fsspec(task: Task) -> OpenFile:
    link = _link(task)
    if link.startswith("s3://"):
        files = earthaccess.get_s3_filesystem(endpoint=task.endpoints.s3_credentials)
    else:
        files = earthaccess.get_fsspec_https_session()
    file: OpenFile = files.open(link)
    return file


def _link(task: Task) -> str:
    granule, access = task.granule, task.opening.access
    use_s3 = access == "s3" or (access == "auto" and earthdata.in_region())
    link = granule.s3 if use_s3 and granule.s3 is not None else granule.https
    if link is None:
        raise FailedError(f"{granule.name} has no address for {'S3' if use_s3 else 'HTTPS'} access.")
    return link


def _credentials(task: Task) -> str | None:
    # A bare address says nothing of who gives out credentials for it; a search result does.
    if task.result is not None and task.opening.access == "auto":
        return None
    return task.endpoints.s3_credentials


def _read_with_h5py(
    file: OpenFile | str, task: Task, request: SubsetRequest, timer: PhaseTimer
) -> Iterator[pa.RecordBatch]:
    with timer.phase("metadata"):
        opened = h5py.File(file, "r")
    with opened:
        with timer.phase("metadata"):
            beams = list(beams_with_segments(opened, request))
        for beam in beams:

            def read(variable: Variable, rows: slice, beam: str = beam) -> npt.NDArray[Any]:
                values: npt.NDArray[Any] = opened[f"{beam}/{variable.path}"][rows]
                return values

            yield from _rows(read, beam, task, request, timer)


def _read_with_xarray(
    file: OpenFile | str, task: Task, request: SubsetRequest, timer: PhaseTimer
) -> Iterator[pa.RecordBatch]:
    import xarray as xr  # noqa: PLC0415 - the other variants do not need it

    group = request.product.segments
    for beam in BEAMS:
        try:
            # Decoding would turn times into floats of another rounding, and fill values into NaN.
            with timer.phase("metadata"):
                dataset = xr.open_dataset(
                    file, engine="h5netcdf", group=f"{beam}/{group}", decode_cf=False, phony_dims="access"
                )
        except (KeyError, OSError) as error:
            if "group" in str(error) or isinstance(error, KeyError):
                continue
            raise
        with dataset:
            if "latitude" not in dataset.variables:
                continue

            def read(variable: Variable, rows: slice, dataset: xr.Dataset = dataset) -> npt.NDArray[Any]:
                values: npt.NDArray[Any] = dataset[variable.path.removeprefix(f"{group}/")][rows].to_numpy()
                return values

            yield from _rows(read, beam, task, request, timer)


def _rows(
    read: Read, beam: str, task: Task, request: SubsetRequest, timer: PhaseTimer
) -> Iterator[pa.RecordBatch]:
    batch = read_beam(
        read,
        beam,
        request=request,
        name=task.granule.name,
        timer=timer,
        coordinates_first=task.opening.coordinates_first,
    )
    if batch is not None:
        yield batch
