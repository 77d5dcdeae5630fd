"""How the command line shows things: messages, tables, progress bars, JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from trackbench.errors import Status
    from trackbench.session import Progress as Advance


_PIPE_WIDTH = 120
"""Columns where nobody tells: in a file and in a log of CI there is room."""


def console(*, errors: bool = False) -> Console:
    """Return a console: results go to standard output, all talk to standard error."""
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(stderr=errors, highlight=False, width=width)


def say(text: str) -> None:
    """Print a line of talk; `text` may hold rich's markup."""
    console(errors=True).print(text)


def complain(text: str, *, status: Status | None = None) -> None:
    """Print what went wrong."""
    word = "Error" if status in (None, "failed") else f"Error ({status})"
    console(errors=True).print(f"[bold red]{word}:[/] {escape(text)}", soft_wrap=True)


def print_json(data: Any) -> None:  # noqa: ANN401 - anything that JSON holds
    """Print data as JSON, for a program to read."""
    json.dump(data, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


class Stages:
    """A progress bar for one stage after another."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def stage(self, text: str) -> Advance:
        """Begin a stage, and return what its progress is told to."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        task = self._bars.add_task(escape(text), total=None)
        self._task = task

        def advance(done: int, total: int, detail: str) -> None:
            self._bars.update(task, completed=done, total=total, detail=escape(detail))

        return advance


@contextmanager
def stages() -> Iterator[Stages]:
    """Show progress on standard error while the block runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )

    class Bars(Progress):
        def add_task(self, description: str, **fields: Any) -> TaskID:  # type: ignore[override] # noqa: ANN401
            return super().add_task(description, **{"detail": "", **fields})

    with Bars(*columns, console=console(errors=True), transient=True) as bars:
        yield Stages(bars)
