"""``trackbench compare-runs``: say what got better or worse from one run to another."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from xml.etree import ElementTree as ET

import typer
from rich.table import Table

from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json, say
from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.report.changes import Change

_STYLES = {
    "better": "green",
    "mended": "green",
    "worse": "bold red",
    "broken": "bold red",
    "gone": "bold red",
    "new": "cyan",
}


def compare_runs(
    before: Annotated[Path, typer.Argument(help="Records of the first run: a .jsonl file, or a folder of them.")],
    after: Annotated[Path, typer.Argument(help="Records of the second run.")],
    *,
    least: Annotated[float, typer.Option(min=0.0, help="Relative change of a time that is worth telling.")] = 0.05,
    junit: Annotated[Path | None, typer.Option(help="Write the outcome as JUnit XML, for a CI.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Append the outcome to GITHUB_STEP_SUMMARY, as Markdown.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare two runs, backend by backend, beyond what is noise.

    A time has changed when its samples lie apart (Mann-Whitney), and the medians differ by more than the null run
    of either and by more than `--least`. Exits 0 without a regression, 1 with one, 2 if nothing can be compared.
    """
    from trackbench.bench.records import read_records  # noqa: PLC0415 - slow to import
    from trackbench.report.changes import find_changes  # noqa: PLC0415

    records = read_records(before), read_records(after)
    changes = find_changes(*records, least=least)
    if not any(change.before is not None or change.metric == "status" for change in changes):
        raise InputError(f"{before} and {after} hold no record to compare.")
    if as_json:
        print_json([{**dataclasses.asdict(change), "ratio": change.ratio} for change in changes])
    else:
        console().print(_table(changes))
    if junit is not None:
        _write(junit, _junit(changes))
    if github:
        _append_summary(changes)
    regressions = [change for change in changes if change.regression]
    say(f"{len(regressions)} got worse, {sum(each.kind in ('better', 'mended') for each in changes)} better.")
    if regressions:
        raise typer.Exit(1)


def _noteworthy(changes: Sequence[Change]) -> list[Change]:
    """Each change, and the times that stayed as they were."""
    return [each for each in changes if each.kind != "same" or each.metric in ("seconds", "status")]


def _cells(change: Change) -> tuple[str, ...]:
    ratio = "-" if change.ratio is None else f"{change.ratio:.3f}"
    if change.interval is not None:
        ratio += f" ({change.interval.low:.2f}-{change.interval.high:.2f})"
    values = ("-" if each is None else f"{each:,.4g}" for each in (change.before, change.after))
    where = f"{change.case}, {change.profile}, {change.temperature}"
    return (change.label, where, change.metric, change.kind, *values, ratio, change.why)


_HEADS = ("backend", "where", "metric", "", "before", "after", "ratio", "why")


def _table(changes: Sequence[Change]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in _HEADS:
        table.add_column(head, justify="right" if head in ("before", "after") else "left")
    for change in _noteworthy(changes):
        table.add_row(*_cells(change), style=_STYLES.get(change.kind, ""))
    return table


def _junit(changes: Sequence[Change]) -> str:
    """One test case for each metric of each backend; a regression is a failure."""
    failures = sum(change.regression for change in changes)
    suite = ET.Element(
        "testsuite", name="trackbench compare-runs", tests=str(len(changes)), failures=str(failures)
    )
    for change in changes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"{change.case}.{change.profile}.{change.temperature}",
            name=f"{change.label} {change.metric}",
        )
        if change.regression:
            failure = ET.SubElement(case, "failure", message=f"{change.kind}: {change.why}")
            failure.text = "; ".join(
                f"{head}: {cell}" for head, cell in zip(_HEADS, _cells(change), strict=True) if head
            )
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _markdown(changes: Sequence[Change]) -> str:
    rows = [_HEADS, tuple("---" for _ in _HEADS), *(_cells(change) for change in _noteworthy(changes))]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def _append_summary(changes: Sequence[Change]) -> None:
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        raise InputError("GITHUB_STEP_SUMMARY is not set: --github is for a step of a GitHub workflow.")
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write("## What changed\n\n" + _markdown(changes))
    except OSError as error:
        raise InputError(f"{place} cannot be written: {error.strerror}.") from None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        fresh.unlink(missing_ok=True)
