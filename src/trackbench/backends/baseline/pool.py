"""Read many granules at a time in processes of their own."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from trackbench.backends import earthdata
from trackbench.backends.baseline.forks import start_fork_server
from trackbench.backends.baseline.worker import Task, read_granule, start
from trackbench.errors import FailedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from trackbench.backends.baseline.opening import Opening
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


def read_granules(opening: Opening, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
    """Find the granules of a request and yield their rows, in the order in which granules are done.

    Raises
    ------
    UnavailableError
        If the search, the login or the store cannot be had.
    UnsupportedError
        If the variant insists on S3 outside the region.
    FailedError
        If a granule cannot be read; the message names it.
    """
    local = session.granules is not None and all(granule.path is not None for granule in session.granules)
    if not local:
        with session.timer.phase("startup"):
            earthdata.login(session.endpoints)
    if not local and opening.access == "s3" and not earthdata.in_region():
        raise UnsupportedError("Direct S3 access works only in us-west-2; run there, or use baseline:https.")
    with session.timer.phase("discover"):
        tasks = _tasks(opening, request, session)
    if not tasks:
        return
    begin = time.perf_counter()
    spent: Counter[str] = Counter()
    pool = ProcessPoolExecutor(
        min(session.concurrency, len(tasks)),
        start_fork_server(),
        initializer=start,
    )
    try:
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


def _tasks(opening: Opening, request: SubsetRequest, session: Session) -> list[Task]:
    scratch, endpoints = str(session.scratch), session.endpoints
    if session.granules is None:
        return [Task(opening, each.granule, scratch, each.result, endpoints) for each in earthdata.search(request)]
    return [Task(opening, granule, scratch, None, endpoints) for granule in session.granules]
