"""A granule to read in a process of its own, and what comes back; nothing here imports Zarr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackbench.processes import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from earthaccess.results import DataGranule

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.cases import Entry
    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.granules import GranuleName
    from trackbench.request import SubsetRequest
    from trackbench.session import Endpoints


@dataclass(frozen=True, slots=True)
class Task:
    """One granule to read, and how.

    Attributes
    ----------
    variant
        Which references to use.
    entry
        The granule and its address.
    access
        How to reach it.
    folder
        Where the references of the whole request lie, for variants that build them beforehand.
    result, endpoints
        What the search said of the granule, and where the cloud is, for the variant of earthaccess.
    """

    variant: str
    entry: Entry
    access: Access
    folder: Path | None = None
    result: DataGranule | None = None
    endpoints: Endpoints | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of one granule, and how long each phase took."""

    name: GranuleName
    batches: list[pa.RecordBatch]
    seconds: Mapping[str, float]


def start() -> None:
    """Make a new process ready."""
    end_with_parent()


def load_libraries() -> None:
    """Wait until a worker has what it needs."""
    import trackbench.backends.virtualizarr.worker  # noqa: F401, PLC0415 - as in `read_granule`


def read_granule(task: Task, request: SubsetRequest) -> Outcome:
    """Open a granule as the variant says and return its rows of the request."""
    # The process that hands out the tasks never needs what takes seconds to import; workers have it by their fork.
    from trackbench.backends.virtualizarr.worker import read  # noqa: PLC0415

    return read(task, request)


def write_references(task: Task, request: SubsetRequest) -> tuple[Entry, Sequence[MadeGroup]]:
    """Make the references of a granule.

    Returns
    -------
    entry, made
        The granule with its ground tracks, and what is left to be written by the process that asked.
    """
    from trackbench.backends.virtualizarr.worker import make  # noqa: PLC0415

    return make(task, request)
