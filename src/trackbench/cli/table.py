"""The table of a run, for a terminal."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from trackbench.bench.metrics import METRICS
from trackbench.report.formatting import duration, number, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record

_STYLES = {"ok": "green", "unsupported": "yellow", "unavailable": "yellow"}
_NONE = "-"
_FIGURES = ("time", "range", "x first", "x bound", "requests", "bytes", "memory")


def results_table(records: Sequence[Record]) -> Table:
    """Lay out the records of one case, profile and temperature; a run that is not ok shows its reason instead."""
    first = records[0]
    table = Table(
        title=f"{first.case} · {first.profile} · {first.temperature} · {first.granules} granules,"
        f" {size(first.granule_bytes)} · {first.rows or 0:,} rows",
        caption=_caption(records),
        title_justify="left",
        caption_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("backend", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for head in _FIGURES:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("rows", no_wrap=True)
    first_seconds = METRICS["seconds"].of(first)
    for record in records:
        table.add_row(*_row(record, first_seconds))
    return table


def _row(record: Record, first_seconds: float | None) -> tuple[str, ...]:
    label = record.label + (" [magenta]STAND-IN[/]" if record.stand_in else "")
    status = f"[{_STYLES.get(record.status, 'bold red')}]{record.status}[/]"
    value = {name: metric.of(record) for name, metric in METRICS.items()}
    seconds = value["seconds"]
    if seconds is None:
        return (label, status, *[_NONE] * len(_FIGURES), _NONE)
    return (
        label,
        status + (" [yellow]![/]" if record.server_bound else ""),
        duration(seconds),
        _range(record.seconds),
        _number(seconds / first_seconds if first_seconds else None),
        _number(value["ratio_to_bound"]),
        _whole(value["requests"]),
        _size(value["bytes"]),
        _size(value["peak_memory"]),
        record.verdict.kind if record.verdict else _NONE,
    )


def _range(seconds: Sequence[float]) -> str:
    if len(seconds) == 1:
        return "1 sample"
    return f"{number(min(seconds))}-{number(max(seconds))}"


def _number(value: float | None) -> str:
    return _NONE if value is None else number(value)


def _whole(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _size(value: float | None) -> str:
    return _NONE if value is None else size(value)


def _caption(records: Sequence[Record]) -> str:
    lines = [
        f"{record.label} is {record.status}: {escape(record.reason)}"
        for record in records
        if record.status != "ok"
    ]
    lines.append(
        f"time: median of {max((len(record.seconds) for record in records), default=0)};"
        " bytes and requests counted at the wire."
    )
    bound = records[0].bound
    if bound is not None:
        least = bound.network_seconds + bound.decode_seconds
        lines.append(
            f"bound: {duration(least)} ({duration(bound.network_seconds)} network,"
            f" {duration(bound.decode_seconds)} decoding) for {size(bound.bytes)} in {bound.requests:,} ranges."
        )
    null = next((record for record in records if record.backend == "null"), None)
    if null is not None and null.seconds and records[0].seconds:
        ratio = statistics.median(null.seconds) / statistics.median(records[0].seconds)
        lines.append(f"null: the first line measured once more; {number(ratio)} times is noise alone.")
    if any(record.server_bound for record in records):
        lines.append("! the local cloud itself was busy: the figure is an upper limit.")
    if any(record.stand_in for record in records):
        lines.append("STAND-IN: a local endpoint speaks the service's protocol; its time is not the service's.")
    return "\n".join(lines)
