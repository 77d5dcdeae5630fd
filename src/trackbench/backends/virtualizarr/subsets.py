"""What a variant does: build its references beforehand, where it has such, and read the rows of a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from trackbench.backends.virtualizarr.cases import building, find_case, finish, open_case
from trackbench.backends.virtualizarr.pool import find, log_in, make_references, read_granules
from trackbench.backends.virtualizarr.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from trackbench.access import Access
    from trackbench.backends.protocol import Artifact
    from trackbench.backends.virtualizarr.cases import Case, Entry
    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.request import SubsetRequest
    from trackbench.session import Session

BUILT: Final = frozenset({"icechunk", "kerchunk"})
"""Variants that read from references built beforehand."""


def build(variant: str, request: SubsetRequest, session: Session) -> Artifact | None:
    """Build the references of a request, or find them built.

    Returns
    -------
    Artifact or None
        None where the variant needs none.

    Raises
    ------
    UnavailableError, UnsupportedError, FailedError
        As `trackbench.backends.virtualizarr.pool.make_references` does.
    """
    if variant not in BUILT:
        return None
    begin = time.perf_counter()
    access = log_in(session)
    entries = [entry for entry, _ in find(request, session, access)]
    held = find_case(variant, request, session, [entry.url for entry in entries])
    if held is not None:
        return held.artifact
    with building(variant, request, session) as case:
        tasks = [Task(variant, entry, access, case.references) for entry in entries]
        made = make_references(tasks, request, session)
        if variant == "kerchunk":
            finish(case, [entry for entry, _ in made], begin)
        else:
            _fill_repository(case, tasks, made, begin)
    return open_case(variant, request, session).artifact


def _fill_repository(
    case: Case, tasks: list[Task], made: Iterator[tuple[Entry, Sequence[MadeGroup]]], begin: float
) -> None:
    # Imported here: the process that hands out the tasks of other variants needs neither.
    from trackbench.backends.virtualizarr.icechunk_store import Repository  # noqa: PLC0415

    repository = Repository(case.references, [task.entry.url for task in tasks])
    entries = []
    for entry, groups in made:
        repository.add(entry, groups)
        entries.append(entry)
    repository.commit(f"{len(entries)} granules")
    finish(case, entries, begin)


def subset(variant: str, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a request, granule by granule as they are read.

    Raises
    ------
    UnavailableError, UnsupportedError, FailedError
        As `trackbench.backends.virtualizarr.pool.read_granules` does; `FailedError` also where references that the
        variant needs were not built.
    """
    with session.timer.phase("startup"):
        access = log_in(session)
    with session.timer.phase("discover"):
        tasks = _tasks(variant, request, session, access)
    yield from read_granules(tasks, request, session)


def _tasks(variant: str, request: SubsetRequest, session: Session, access: Access) -> list[Task]:
    if variant in BUILT:
        # The store of references says which granules there are, and which of their ground tracks hold rows.
        case = open_case(variant, request, session)
        return [Task(variant, entry, access, case.references) for entry in case.entries if entry.tracks]
    return [
        Task(variant, entry, access, result=result, endpoints=session.endpoints)
        for entry, result in find(request, session, access)
    ]
