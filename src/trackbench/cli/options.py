"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Out = Annotated[Path, typer.Option("--out", help="Folder that holds `results/` and `reports/`.", file_okay=False)]
Concurrency = Annotated[
    int, typer.Option(min=1, max=1024, help="Most requests, files or workers at a time, for every backend.")
]
Deadline = Annotated[float, typer.Option(min=1, help="Seconds for one job; after them it is stopped.")]
