"""Find the granules, and read them, or make their references, many at a time in processes of their own."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

import earthaccess

from trackbench.access import Access, address, with_key
from trackbench.backends import earthdata
from trackbench.backends.virtualizarr.cases import Entry
from trackbench.backends.virtualizarr.forks import start_fork_server
from trackbench.backends.virtualizarr.tasks import load_libraries, read_granule, start, write_references
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from earthaccess.results import DataGranule

    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.backends.virtualizarr.tasks import Task
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


def log_in(session: Session) -> Access:
    """Log in, unless every granule is on this machine.

    Raises
    ------
    UnavailableError
        If the login or S3 credentials cannot be had.
    """
    if session.granules is not None and all(granule.path is not None for granule in session.granules):
        return Access()
    earthdata.login(session.endpoints)
    access = Access(
        token=earthaccess.__auth__.token["access_token"],
        s3_credentials=session.endpoints.s3_credentials,
        s3_endpoint=session.endpoints.s3_endpoint,
        in_region=earthdata.in_region(),
    )
    return with_key(access) if access.in_region else access


def find(request: SubsetRequest, session: Session, access: Access) -> list[tuple[Entry, DataGranule | None]]:
    """Find the granules of a request, or take those that the user named; with what the search said of each.

    Raises
    ------
    UnavailableError
        If the search does not answer.
    """
    if session.granules is not None:
        return [(Entry(granule, address(granule, access)), None) for granule in session.granules]
    found = earthdata.search(request)
    return [(Entry(each.granule, address(each.granule, access)), each.result) for each in found]


def read_granules(tasks: Sequence[Task], request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
    """Yield the rows of granules, in the order in which they are done.

    Raises
    ------
    UnavailableError
        If the store cannot be had.
    UnsupportedError
        If the variant cannot read a granule by its nature.
    FailedError
        If a granule cannot be read; the message names it.
    """
    if not tasks:
        return
    begin = time.perf_counter()
    spent: Counter[str] = Counter()
    try:
        with _workers(len(tasks), session) as pool:
            with session.timer.phase("startup"):
                # What is left of importing the libraries; it would be taken for reading otherwise.
                pool.submit(load_libraries).result()
            begin = time.perf_counter()
            pending = [pool.submit(read_granule, task, request) for task in tasks]
            for done, future in enumerate(as_completed(pending), start=1):
                outcome = future.result()
                spent.update(outcome.seconds)
                session.progress(done, len(tasks), str(outcome.name))
                if outcome.batches:
                    session.sources.add(outcome.name)
                yield from outcome.batches
    finally:
        session.timer.share(time.perf_counter() - begin, spent)


def make_references(
    tasks: Sequence[Task], request: SubsetRequest, session: Session
) -> Iterator[tuple[Entry, Sequence[MadeGroup]]]:
    """Yield each granule with its ground tracks and what its worker made, in the order of the tasks.

    Raises
    ------
    UnavailableError, UnsupportedError, FailedError
        As `read_granules` does.
    """
    if not tasks:
        return
    with _workers(len(tasks), session) as pool:
        for done, made in enumerate(pool.map(write_references, tasks, [request] * len(tasks)), start=1):
            session.progress(done, len(tasks), str(made[0].granule.name))
            yield made


@contextmanager
def _workers(tasks: int, session: Session) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(min(session.concurrency, tasks), start_fork_server(), initializer=start)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise FailedError(
            "A process that read granules ended at once: it was killed. Try again with a lower concurrency if"
            " memory is short."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
