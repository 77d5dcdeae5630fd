"""The process that workers are forked from."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

_WORKER: Final = "trackbench.backends.virtualizarr.worker"


def start_fork_server() -> ForkServerContext:
    """Start a process that imports VirtualiZarr once and forks each worker with it; again does nothing.

    The import takes seconds, in which its caller logs in and searches. Forking the caller itself could deadlock,
    since it runs threads.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER])
    forkserver.ensure_running()
    return context
