"""A process that answers question after question, so that a client is imported once and not for each of them.

``python -m trackbench.testing.answering`` reads jobs from its standard input, one a line, and writes how each went
to its standard output.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Self

from trackbench.backends.registry import load
from trackbench.bench.jobs import Job, Stopped, Subset, event_from_json, event_to_json
from trackbench.errors import DeadlineError, FailedError, TrackbenchError
from trackbench.geoparquet import write_geoparquet
from trackbench.processes import end_with_parent, kill_group
from trackbench.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK: Final = 65536


@dataclass(slots=True)
class Answering:
    """Such a process, as its parent sees it.

    Attributes
    ----------
    process
        It leads a process group of its own.
    log
        What it and its libraries have to say.
    """

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, environment: Mapping[str, str], here: Path, log: Path) -> Self:
        """Start one.

        Parameters
        ----------
        environment
            Variables beyond those of this process.
        here
            Its current folder.
        log
            File for what it has to say.
        """
        with log.open("ab") as said:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter and module
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=here,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def running(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def ask(self, job: Job, deadline: float) -> Subset | Stopped:
        """Have it do a job; when that takes more than `deadline` seconds the process is ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(job.to_json().encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self._ended()
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(deadline):
                    self.stop()
                    return Stopped(DeadlineError.status, f"There was no answer within {deadline:g} s.")
                received = os.read(self.process.stdout.fileno(), _BLOCK)
                if not received:
                    return self._ended()
                line += received
        event = event_from_json(line.decode())
        assert isinstance(event, Subset | Stopped)
        return event

    def _ended(self) -> Stopped:
        status = self.process.wait()
        said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        words = f" Its last words: {said[-1]}" if said else ""
        return Stopped(FailedError.status, f"Its process ended with status {status}.{words}")

    def stop(self) -> None:
        """End it and all that it started; doing so twice does no harm."""
        kill_group(self.process.pid)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _answer(job: Job) -> Subset | Stopped:
    session = Session(
        endpoints=job.endpoints,
        cache=job.cache,
        scratch=job.scratch,
        concurrency=job.concurrency,
        granules=job.granules,
    )
    try:
        backend = load(job.choice.backend)(job.choice.variant)
        if job.prepare:
            backend.prepare(job.request, session)
        written = write_geoparquet(
            backend.subset(job.request, session),
            job.outputs[0],
            request=job.request,
            granules=session.sources,
            versions={"trackbench": version("trackbench")},
        )
    except TrackbenchError as error:
        return Stopped(error.status, str(error))
    except Exception as error:  # noqa: BLE001 - the process boundary: whatever a backend raises ends its run, named
        traceback.print_exc()
        return Stopped(FailedError.status, f"{type(error).__name__}: {error}")
    return Subset(0.0, {}, written.rows, written.bytes)


def main() -> None:
    """Answer until standard input ends."""
    end_with_parent()
    # Libraries print; what they print must not be taken for an answer, so it goes to standard error.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        out.write(event_to_json(_answer(Job.from_json(line))) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
