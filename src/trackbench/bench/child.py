"""The child process of a run: make the subsets of one job, time them, and say so line by line.

``python -m trackbench.bench.child JOB.json`` writes events to its standard output and waits on its standard input
for a line before each piece of work, so that the parent can set its counters between two pieces.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trackbench.bench.jobs import Advanced, Job, Prepared, Ready, Stopped, Subset, event_to_json
from trackbench.errors import FailedError, TrackbenchError
from trackbench.processes import end_with_parent, leave_at_once
from trackbench.session import PhaseTimer, Session

if TYPE_CHECKING:
    from trackbench.backends.protocol import Backend
    from trackbench.bench.jobs import Event


class _Channel:
    """The way to the parent: events out, leave to begin in."""

    def __init__(self, out: TextIO, leave: TextIO) -> None:
        self._out = out
        self._leave = leave

    def tell(self, event: Event) -> None:
        self._out.write(event_to_json(event) + "\n")
        self._out.flush()

    def wait_for_leave(self) -> None:
        self.tell(Ready())
        if not self._leave.readline():
            raise SystemExit(0)

    def advanced(self, done: int, total: int, text: str) -> None:
        self.tell(Advanced(done, total, text))


def _claim_standard_output() -> TextIO:
    # Libraries print; what they print must not be taken for an event, so it goes to standard error.
    claimed = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return claimed


def _backend(job: Job, timer: PhaseTimer) -> Backend:
    from trackbench.backends.registry import load  # noqa: PLC0415 - importing the backend is part of what is timed

    with timer.phase("startup"):
        return load(job.choice.backend)(job.choice.variant)


def _session(job: Job, timer: PhaseTimer, channel: _Channel) -> Session:
    return Session(
        endpoints=job.endpoints,
        cache=job.cache,
        scratch=job.scratch,
        concurrency=job.concurrency,
        granules=job.granules,
        index=job.index,
        trace=job.trace,
        progress=channel.advanced,
        timer=timer,
    )


def _make_subset(job: Job, output: Path, channel: _Channel, backend: Backend | None) -> Backend:
    from trackbench.backends.writing import write_subset  # noqa: PLC0415 - part of what is timed

    timer = PhaseTimer()
    begin = time.perf_counter()
    if backend is None:
        backend = _backend(job, timer)
    session = _session(job, timer, channel)
    versions = {"trackbench": version("trackbench")}
    summary = write_subset(backend, job.request, session, output, versions=versions)
    seconds = time.perf_counter() - begin
    channel.tell(Subset(seconds, dict(timer.seconds), summary.rows, summary.bytes))
    return backend


def _prepare(job: Job, channel: _Channel) -> None:
    timer = PhaseTimer()
    artifact = _backend(job, timer).prepare(job.request, _session(job, timer, channel))
    if artifact is None:
        channel.tell(Prepared(None))
        return
    channel.tell(Prepared({name: getattr(artifact, name) for name in artifact.__slots__}))


def _work(job: Job, channel: _Channel) -> None:
    if job.prepare:
        channel.wait_for_leave()
        _prepare(job, channel)
        return
    backend: Backend | None = None
    for output in job.outputs:
        channel.wait_for_leave()
        backend = _make_subset(job, output, channel, backend)
        gc.collect()
    # The parent counts connections before they are closed by the end of this process.
    channel.wait_for_leave()


def main() -> None:
    """Do the job named on the command line."""
    end_with_parent()
    signal.signal(signal.SIGTERM, leave_at_once)
    channel = _Channel(_claim_standard_output(), sys.stdin)
    try:
        _work(Job.from_json(Path(sys.argv[1]).read_text(encoding="utf-8")), channel)
    except TrackbenchError as error:
        channel.tell(Stopped(error.status, str(error)))
    except MemoryError:
        channel.tell(Stopped(FailedError.status, "The machine has no memory left. Lower --concurrency."))
    except Exception as error:  # noqa: BLE001 - the process boundary: whatever a backend raises ends its run, named
        traceback.print_exc()
        channel.tell(Stopped(FailedError.status, f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    main()
