"""The server process: reads its configuration from a pipe, and lives as long as the pipe does."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from trackbench.errors import InputError
from trackbench.localcloud.cloud import run
from trackbench.localcloud.config import CloudConfig
from trackbench.localcloud.learning import learn

_PR_SET_PDEATHSIG: Final = 1


async def _serve(config: CloudConfig) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    _watch_parent(loop, ended)
    try:
        # The folder is made after what takes long: whoever is killed before leaves nothing behind.
        learned = learn(config.files, config.cache_dir)
        with tempfile.TemporaryDirectory(prefix="trackbench-cloud-") as folder:
            running = await run(config, learned, Path(folder))
            _tell(running.to_dict() | {"folder": folder})
            await ended.wait()
    except InputError as error:
        _tell({"error": str(error)})
        return 2
    return 0


def _watch_parent(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """End when the parent does.

    Its end of the pipe closes then; where a fork of it holds the pipe open, Linux sends a signal. The signal comes
    also when only the thread that started this process ends, hence the look at the parent.
    """
    parent = os.getppid()

    def look() -> None:
        if os.getppid() == parent:
            _ask_for_signal()
        else:
            ended.set()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            ended.set()
            loop.remove_reader(sys.stdin.fileno())

    loop.add_reader(sys.stdin.fileno(), read)
    if sys.platform == "linux":
        loop.add_signal_handler(signal.SIGUSR1, look)
        _ask_for_signal()
        look()


def _ask_for_signal() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as a process may: each connection takes two."""
    try:
        import resource  # noqa: PLC0415 - not to be had on every system
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tell(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Serve until the parent, a signal or the pipe says stop; return the exit status."""
    config = CloudConfig.from_json(os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8").readline())
    _allow_many_connections()
    coroutine = _serve(config)
    try:
        import uvloop  # noqa: PLC0415 - not to be had on every system
    except ImportError:
        return asyncio.run(coroutine)
    return int(uvloop.run(coroutine))


if __name__ == "__main__":
    sys.exit(main())
