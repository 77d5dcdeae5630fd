"""The command line as a user has it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from trackbench.bench.cases import load_case, materialise
from trackbench.bench.paths import cache_folder
from trackbench.session import no_progress

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "TRACKBENCH_TEST_MARK"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Starts ``trackbench`` and finds again whatever it started.

    Attributes
    ----------
    mark
        Stands in the environment of every process that it starts.
    folder
        Where it stands, and where temporary files go.
    """

    mark: str
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command."""
        temporary = self.folder / "temporary"
        temporary.mkdir(exist_ok=True)
        return {**os.environ, _MARK: self.mark, "TMPDIR": str(temporary), "COLUMNS": "140", **more}

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
        return sorted(str(path.relative_to(self.folder)) for path in (self.folder / "temporary").rglob("*"))


@pytest.fixture
def trackbench(tmp_path: Path) -> CommandLine:
    """Return the command line."""
    return CommandLine(uuid.uuid4().hex, tmp_path)


@pytest.fixture(scope="session")
def tiny_granules() -> tuple[Path, ...]:
    """Return the granules of the case ``tiny``."""
    cache = cache_folder()
    return materialise(load_case("tiny", cache_dir=cache), cache, no_progress)
