"""Start the child process of a job, give it leave piece by piece, watch it, and end it at its deadline."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from trackbench.bench.jobs import Advanced, Prepared, Ready, Stopped, Subset, event_from_json
from trackbench.processes import cpu_seconds, kill_group, memory_bytes
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.bench.jobs import Event, Job
    from trackbench.session import Progress

_POLL_SECONDS: Final = 0.2
_GRACE_SECONDS: Final = 2.0
_LOG_TAIL: Final = 4000


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a job that is done.

    Attributes
    ----------
    event
        What the child says of it.
    cpu_seconds
        Processor time of the child and all that it started.
    peak_bytes
        The most memory that they held together while it was seen.
    """

    event: Subset | Prepared
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job went.

    Attributes
    ----------
    pieces
        Those that were done.
    stopped
        Why it ended early, or None.
    """

    pieces: tuple[Piece, ...]
    stopped: Stopped | None


class Watch(Protocol):
    """Told when a piece begins and when it is done; the counts of the wire are taken there."""

    def begins(self) -> None:
        """Tell that the child is about to start a piece."""

    def ends(self) -> None:
        """Tell that a piece is done; nothing else has been started since."""

    def check(self) -> None:
        """Look, several times a second, whether the job can still succeed; raise where it cannot."""


def supervise(
    job: Job, *, deadline: float, watch: Watch | None = None, progress: Progress = no_progress
) -> Outcome:
    """Run a job in a process of its own.

    Parameters
    ----------
    job
        What to do.
    deadline
        Seconds of wall time for the whole job; after them every process of it is killed.
    watch
        Told when pieces begin and end.
    progress
        Told what the backend says of its progress.

    Returns
    -------
    Outcome
        Also when the child fails or is killed; nothing is raised for that.
    """
    job.scratch.mkdir(parents=True, exist_ok=True)
    job_file = job.scratch / "job.json"
    job_file.write_text(job.to_json(), encoding="utf-8")
    with tempfile.TemporaryFile(dir=job.scratch) as log:
        child = subprocess.Popen(  # noqa: S603 - this very interpreter and module
            [sys.executable, "-m", "trackbench.bench.child", str(job_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **job.endpoints.environment},
            start_new_session=True,
        )
        try:
            pieces = 1 if job.prepare else len(job.outputs)
            return _Supervisor(child, pieces, deadline, watch, progress).outcome(log.fileno())
        finally:
            _end(child)
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()


class _Supervisor:
    def __init__(
        self,
        child: subprocess.Popen[bytes],
        expected: int,
        deadline: float,
        watch: Watch | None,
        progress: Progress,
    ) -> None:
        self._child = child
        self._expected = expected
        self._deadline = deadline
        self._ends_at = time.monotonic() + deadline
        self._watch = watch
        self._progress = progress
        self._peak = 0
        self._cpu_at_begin = 0.0
        self._pieces: list[Piece] = []

    def outcome(self, log: int) -> Outcome:
        stopped: Stopped | None = None
        for event in self._events():
            match event:
                case Ready():
                    self._begin()
                case Advanced(done, total, text):
                    self._progress(done, total, text)
                case Subset() | Prepared():
                    self._end(event)
                case Stopped():
                    stopped = event
        if time.monotonic() >= self._ends_at and self._child.poll() is None:
            stopped = Stopped("timeout", f"It was stopped at its deadline of {self._deadline:g} s.")
        elif stopped is None and self._child.wait() != 0:
            stopped = Stopped("failed", f"Its process ended with {_exit(self._child.returncode)}. {_tail(log)}")
        return Outcome(tuple(self._pieces), stopped)

    def _begin(self) -> None:
        self._cpu_at_begin = cpu_seconds(self._child.pid) if self._pieces else 0.0
        self._peak = memory_bytes(self._child.pid)
        # Once all is done the child only waits for leave to end.
        if self._watch is not None and len(self._pieces) < self._expected:
            self._watch.begins()
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(b"go\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            return  # it has ended; its events, or its exit status, say why

    def _end(self, event: Subset | Prepared) -> None:
        self._peak = max(self._peak, memory_bytes(self._child.pid))
        spent = cpu_seconds(self._child.pid) - self._cpu_at_begin
        self._pieces.append(Piece(event, spent, self._peak))
        if self._watch is not None:
            self._watch.ends()

    def _events(self) -> Iterator[Event]:
        """Yield events until the child closes its output or its deadline comes; look at its memory meanwhile."""
        out = self._child.stdout
        assert out is not None
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            pending = b""
            while time.monotonic() < self._ends_at:
                if not selector.select(_POLL_SECONDS):
                    self._peak = max(self._peak, memory_bytes(self._child.pid))
                    if self._watch is not None:
                        self._watch.check()
                    continue
                received = os.read(out.fileno(), 65536)
                if not received:
                    return
                *lines, pending = (pending + received).split(b"\n")
                for line in lines:
                    yield event_from_json(line.decode())


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and everything it started; first let it remove what it has half written."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_SECONDS)
    kill_group(child.pid)
    child.wait()


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _tail(log: int) -> str:
    size = os.fstat(log).st_size
    text = os.pread(log, _LOG_TAIL, max(0, size - _LOG_TAIL)).decode(errors="replace").strip()
    return f"Its last words: {text.splitlines()[-1]}" if text else "It left no message."


def scratch_folder() -> Path:
    """Make a folder for the files of one run; whoever asks removes it."""
    return Path(tempfile.mkdtemp(prefix="trackbench-"))
