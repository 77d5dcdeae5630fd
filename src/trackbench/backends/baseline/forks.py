"""The process that workers are forked from."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Final

from trackbench.errors import FailedError

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

_WORKER: Final = "trackbench.backends.baseline.worker"


def start_fork_server(*libraries: str) -> ForkServerContext:
    """Start a process that loads the worker's libraries, and these, and forks each worker with them.

    Once it runs, a further call does nothing.

    It loads while its caller loads the same libraries, which take seconds. Forking the caller itself could
    deadlock: it runs threads, fsspec's event loop among them.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER, *libraries])
    try:
        forkserver.ensure_running()
    except OSError as error:
        raise FailedError(
            f"The process that workers are forked from cannot start: {error}. If the path of the folder for"
            " temporary files is long, set TMPDIR to a shorter one."
        ) from error
    return context
