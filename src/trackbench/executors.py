"""Where independent pieces of work are done: threads, processes, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Literal

from trackbench.errors import FailedError, UnavailableError, UnsupportedError
from trackbench.processes import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

type Executor = Literal["threads", "processes", "dask"]


def run_all[Work, Done](
    function: Callable[[Work], Done],
    pieces: Sequence[Work],
    *,
    executor: Executor = "processes",
    workers: int | None = None,
    address: str | None = None,
) -> Iterator[tuple[int, Done]]:
    """Yield the number and the outcome of each piece as it is done.

    Parameters
    ----------
    function
        Found by its name in other processes, so it stands at the top of a module.
    pieces
        What it is called with; they can be pickled.
    executor
        ``threads`` for work that waits, ``processes`` for work that holds HDF5's lock, ``dask`` for a cluster.
    workers
        How many; by default one for each core, and four threads for each.
    address
        Of a Dask scheduler; without one a local cluster is started, and ended afterwards.

    Raises
    ------
    FailedError
        If a process ends too early.
    UnsupportedError
        If Dask is not installed.
    UnavailableError
        If the scheduler does not answer.
    """
    if not pieces:
        return
    if executor == "dask":
        yield from _on_dask(function, pieces, workers, address)
        return
    cores = len(os.sched_getaffinity(0))
    if executor == "threads":
        pool: Any = ThreadPoolExecutor(min(len(pieces), workers or 4 * cores))
    else:
        pool = ProcessPoolExecutor(
            min(len(pieces), workers or cores),
            # Spawned, not forked: the caller may have threads, and HDF5 holds a lock.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
        )
    try:
        pending = {pool.submit(function, piece): number for number, piece in enumerate(pieces)}
        for future in as_completed(pending):
            yield pending[future], future.result()
    except BrokenProcessPool:
        raise FailedError(
            "A process ended too early: it was killed, or there was too little memory. What is done is kept: try"
            " again, with fewer workers if memory is short."
        ) from None
    finally:
        pool.shutdown(wait=executor == "threads", cancel_futures=True)


def _begin() -> None:
    """Leave interrupts to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _on_dask[Work, Done](
    function: Callable[[Work], Done], pieces: Sequence[Work], workers: int | None, address: str | None
) -> Iterator[tuple[int, Done]]:
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra, and slow to import
        from distributed import as_completed as as_done  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UnsupportedError(
            "The executor dask needs Dask, which is not installed. Install it: uv pip install 'trackbench[dask]'"
        ) from None
    cluster: Any = (
        None if address else LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    )
    try:
        with Client(address or cluster, timeout=20) as client:
            futures = client.map(function, pieces, pure=False)
            numbers = {future.key: number for number, future in enumerate(futures)}
            for future, outcome in as_done(futures, with_results=True):
                yield numbers[future.key], outcome
    except (OSError, TimeoutError) as error:
        raise UnavailableError(
            f"The Dask scheduler at {address or 'this machine'} does not answer: {error}."
        ) from error
    finally:
        if cluster is not None:
            cluster.close()
