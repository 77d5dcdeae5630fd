"""``trackbench report``: make the page anew from the records."""

from __future__ import annotations

from pathlib import Path

from trackbench.cli.options import Out  # noqa: TC001 - typer reads it
from trackbench.cli.show import say, stages


def report(*, out: Out = Path()) -> None:
    """Write `OUT/reports/index.html` from the records under `OUT/results`."""
    from trackbench.report.kept import build_from  # noqa: PLC0415 - slow to import

    with stages() as bars:
        bars.stage("page")
        page = build_from(out)
    say(f"Page: {page}")
