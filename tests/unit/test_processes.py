"""Processes that end together, and what is counted of them: with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from trackbench.processes import cpu_seconds, kill_group, memory_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE: Final = 20.0
MEBIBYTE: Final = 2**20

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
SLEEP = "import time\ntime.sleep(60)\n"


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start Python code in a process group of its own; what is left of it is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        kill_group(process.pid)
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_process_ends_with_its_parent(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """A worker whose parent is killed, which leaves no time to clean up, does not live on."""
    child = (
        f"from trackbench.processes import end_with_parent\nend_with_parent()\nprint('ready', flush=True)\n{SLEEP}"
    )
    parent = start(
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n" + SLEEP
    )
    pid = int(_line(parent))
    assert not _is_gone(pid)

    os.kill(parent.pid, signal.SIGKILL)

    assert _wait_until(lambda: _is_gone(pid))


def test_killing_a_group_ends_all_of_it(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """What a process started goes with it, and killing what is gone already is no error."""
    leader = start(
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n"
        "print(child.pid, flush=True)\n" + SLEEP
    )
    pid = int(_line(leader))

    kill_group(leader.pid)

    assert leader.wait(PATIENCE) == -signal.SIGKILL
    assert _wait_until(lambda: _is_gone(pid))
    kill_group(leader.pid)


def test_processor_time_counts_children_living_and_ended(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """A worker's time counts while it lives, and after it ended too."""
    process = start(
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {BURN!r}])\n"
        f"living = subprocess.Popen([sys.executable, '-c', {BURN + 'print(1, flush=True)' + chr(10) + SLEEP!r}],\n"
        "    stdout=subprocess.PIPE)\n"
        "living.stdout.readline()\n"
        "print('done', flush=True)\n" + SLEEP
    )
    _line(process)

    spent = cpu_seconds(process.pid)

    # Each of the two burns 0.3 s; the kernel counts in ticks of a hundredth.
    assert spent >= 0.58
    assert spent < 30


def test_memory_counts_children(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """The memory of a process is that of its workers too."""
    hold = f"held = b'x' * {64 * MEBIBYTE}\nprint(1, flush=True)\n{SLEEP}"
    process = start(
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {hold!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print('done', flush=True)\n" + SLEEP
    )
    _line(process)

    assert 64 * MEBIBYTE <= memory_bytes(process.pid) < 64 * MEBIBYTE + 200 * MEBIBYTE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which pages are shared")
def test_shared_memory_is_counted_once(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """Workers that fork from one process share its pages; their sum is what the machine really gives."""
    process = start(
        "import os, time\n"
        f"held = b'x' * {64 * MEBIBYTE}\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(60)\n"
        "print('done', flush=True)\n" + SLEEP
    )
    _line(process)

    assert memory_bytes(process.pid) < 2 * 64 * MEBIBYTE


def test_a_process_that_is_gone_has_used_nothing(start: Callable[[str], subprocess.Popen[str]]) -> None:
    """Asking about a process that just ended is no error."""
    process = start("")
    process.wait(PATIENCE)

    assert cpu_seconds(process.pid) == 0
    assert memory_bytes(process.pid) == 0
