"""Processes that end together, and what a process and all that it started have used."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_at_once(number: int, frame: FrameType | None) -> None:
    """Handle a signal by leaving through every ``finally``, so that nothing half-written stays behind."""
    del frame
    sys.exit(128 + number)


def kill_group(group: int) -> None:
    """Kill every process of a process group; that they are gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of everything it started, user and system, in seconds.

    Processes that ended are counted if the one that started them, or an ancestor within the tree, has waited for
    them. 0 if there is no such process.
    """
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def memory_bytes(pid: int) -> int:
    """Return the memory that a process and everything it started hold now, in bytes.

    On Linux the proportional set size, which counts a page that several processes share once; elsewhere the
    resident set sizes added up. 0 if there is no such process.
    """
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error, OSError):
            total += _proportional_set_size(process.pid) or process.memory_info().rss
    return total


def _proportional_set_size(pid: int) -> int:
    # psutil reads the whole of smaps for it, which is many times slower than the kernel's own sum.
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    line = next((each for each in text.splitlines() if each.startswith("Pss:")), "Pss: 0")
    return int(line.split()[1]) * 1024


def _tree(pid: int) -> Iterator[psutil.Process]:
    try:
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)
    except psutil.Error:
        return
