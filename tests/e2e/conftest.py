"""The command line as a user has it: a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from trackbench.bench.cases import load_case, materialise
from trackbench.bench.paths import cache_folder
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = "TRACKBENCH_TEST_MARK"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Starts ``trackbench`` and finds again whatever it started.

    Attributes
    ----------
    mark
        Stands in the environment of every process that it starts.
    folder
        Where it stands.
    temporary
        Where temporary files go. Its path is short: the name of a socket must fit into 107 bytes.
    """

    mark: str
    folder: Path
    temporary: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command."""
        return {**os.environ, _MARK: self.mark, "TMPDIR": str(self.temporary), "COLUMNS": "140", **more}

    def __call__(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "trackbench.cli", *words],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment(**more),
            check=False,
            timeout=240,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command and go on."""
        return subprocess.Popen(
            [sys.executable, "-m", "trackbench.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment(),
            # A test process that ignores interrupts, as those of a parallel run do, would hand that down.
            preexec_fn=_take_interrupts,  # noqa: PLW1509 - it sets a signal and nothing else
        )

    def processes(self, module: str = "") -> list[psutil.Process]:
        """Return the processes that a command started and that still run, those of a module alone if named."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get(_MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
                if ours and module in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def left_behind(self) -> list[str]:
        """Return the temporary files that are left, by name."""
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*"))


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def trackbench(tmp_path: Path) -> Iterator[CommandLine]:
    """Return the command line."""
    with tempfile.TemporaryDirectory(prefix="tb-") as temporary:
        yield CommandLine(uuid.uuid4().hex, tmp_path, Path(temporary))


@pytest.fixture(scope="session")
def tiny_granules() -> tuple[Path, ...]:
    """Return the granules of the case ``tiny``."""
    cache = cache_folder()
    return materialise(load_case("tiny", cache_dir=cache), cache, no_progress)
