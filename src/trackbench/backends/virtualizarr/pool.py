"""Read many granules at a time in processes of their own."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import earthaccess

from trackbench.backends import earthdata
from trackbench.backends.virtualizarr.forks import start_fork_server
from trackbench.backends.virtualizarr.stores import Access
from trackbench.backends.virtualizarr.tasks import Task, load_libraries, read_granule, start
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


def read_granules(variant: str, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
    """Find the granules of a request and yield their rows, in the order in which granules are done.

    Raises
    ------
    UnavailableError
        If the search, the login or the store cannot be had.
    UnsupportedError
        If the variant cannot read a granule by its nature.
    FailedError
        If a granule cannot be read; the message names it.
    """
    with session.timer.phase("startup"):
        access = _log_in(session)
    with session.timer.phase("discover"):
        granules = _granules(request, session)
    if not granules:
        return
    tasks = [Task(variant, granule, access) for granule in granules]
    spent: Counter[str] = Counter()
    pool = ProcessPoolExecutor(min(session.concurrency, len(tasks)), start_fork_server(), initializer=start)
    begin = time.perf_counter()
    try:
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
    except BrokenProcessPool as error:
        raise FailedError(
            "A process that read granules ended at once: it was killed. Try again with a lower concurrency if"
            " memory is short."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        session.timer.share(time.perf_counter() - begin, spent)


def _log_in(session: Session) -> Access:
    """Log in, unless every granule is on this machine."""
    if session.granules is not None and all(granule.path is not None for granule in session.granules):
        return Access()
    earthdata.login(session.endpoints)
    access = Access(
        token=earthaccess.__auth__.token["access_token"],
        s3_credentials=session.endpoints.s3_credentials,
        s3_endpoint=session.endpoints.s3_endpoint,
        in_region=earthdata.in_region(),
    )
    return access.with_key() if access.in_region else access


def _granules(request: SubsetRequest, session: Session) -> tuple[Granule, ...]:
    if session.granules is not None:
        return session.granules
    return tuple(each.granule for each in earthdata.search(request))
