"""The command line."""

from __future__ import annotations

import signal
import sys

import typer

from trackbench.cli import cloud, compare, compare_runs, doctor, index, lists, manifest, report, run, subset
from trackbench.cli.show import complain
from trackbench.errors import InputError, TrackbenchError
from trackbench.processes import leave_at_once

app = typer.Typer(
    name="trackbench",
    help="Find out which way of getting a region of interest out of ICESat-2 trajectory data is best."
    "\n\nStart with `trackbench run`: it needs no account and no network, makes its own granules, serves them from"
    " a local cloud, and checks every row.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(run.run)
app.command()(subset.subset)
app.command()(compare.compare)
app.command()(compare_runs.compare_runs)
app.command()(report.report)
app.command()(lists.backends)
app.command()(lists.cases)
app.command()(lists.profiles)
app.command()(doctor.doctor)
app.add_typer(cloud.app, name="cloud")
app.add_typer(index.app, name="index")
app.add_typer(manifest.app, name="manifest")

_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Run the command line; an error of trackbench becomes one clear message and an exit status.

    2 stands for input that cannot be used, 1 for anything else that went wrong, 130 for an interrupt.
    """
    signal.signal(signal.SIGTERM, leave_at_once)
    try:
        app()
    except InputError as error:
        complain(str(error))
        sys.exit(2)
    except TrackbenchError as error:
        complain(str(error), status=error.status)
        sys.exit(1)
    except SystemExit as leaving:
        # An interrupt arrives here as the exit status that typer makes of it.
        if leaving.code in (_INTERRUPTED, _TERMINATED):
            complain("Interrupted. Nothing half-written was left.")
        raise
