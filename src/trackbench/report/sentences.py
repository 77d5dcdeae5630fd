"""What the numbers say, in sentences made of them and of nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final

from trackbench.report.colours import NULL
from trackbench.report.formatting import count, duration, listing, number, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record
    from trackbench.report.panels import Entry, Panel


_MOST_NAMES: Final = 3


def main_panel(panels: Sequence[Panel]) -> Panel:
    """Return the panel that the headline speaks of.

    Of those that the newest command measured, the one with most methods that have a speed, then most bytes of
    granules, then the first.
    """
    newest = panels[0].entries[0].record
    return max(
        (panel for panel in panels if panel.entries[0].record.command == newest.command),
        key=lambda panel: (len(panel.ranked), max(entry.record.granule_bytes for entry in panel.entries)),
    )


def headline(panel: Panel, *, several: bool = False) -> str:
    """Say which method was fastest, how much faster than the baseline, and how far from the least possible.

    With `several` panels on the page, the profile and temperature are named as well.
    """
    place = f"{panel.case} ({panel.profile}, {panel.temperature})" if several else panel.case
    if not panel.ranked:
        return f"No method earned a speed on {place}: {_statuses(panel.entries)}."
    best = panel.ranked[0]
    assert best.summary is not None
    took = duration(best.summary.median)
    tied = _tied(panel)
    if tied:
        return _undecided(panel, [best, *tied], place)
    alone = len(panel.ranked) == 1
    said = f"takes {took} on {place}" if alone else f"is fastest on {place}: {took}"
    parts = [f"{_named(best)} {said}", *_comparison(best, panel.baseline)]
    if panel.bound:
        parts.append(f"{number(best.summary.median / panel.bound, 2)} times the least possible")
    return ", ".join(parts) + "."


def _undecided(panel: Panel, tied: Sequence[Entry], place: str) -> str:
    best = tied[0]
    medians = [entry.summary.median for entry in tied if entry.summary is not None]
    names = [_named(entry) for entry in tied]
    who = listing(names if len(names) <= _MOST_NAMES else [names[0], f"{len(names) - 1} others"])
    times = duration(medians[0]), duration(medians[-1])
    parts = [f"{who} cannot be told apart on {place}: {times[0] if times[0] == times[1] else ' to '.join(times)}"]
    if all(entry.label != panel.baseline.label for entry in tied if panel.baseline is not None):
        parts += _comparison(best, panel.baseline)
    if panel.bound:
        parts.append(f"at best {number(medians[0] / panel.bound, 2)} times the least possible")
    return ", ".join(parts) + "."


def _comparison(best: Entry, baseline: Entry | None) -> list[str]:
    if baseline is None or best.ratio is None or best.label == baseline.label:
        return []
    return [f"{number(1 / best.ratio, 2)} times as fast as {baseline.label}"]


def _tied(panel: Panel) -> list[Entry]:
    """Return those whose interval meets that of the fastest: their samples do not say which is faster."""
    best, *others = panel.ranked
    assert best.summary is not None
    return [
        entry
        for entry in others
        if entry.summary is not None and entry.summary.interval.low <= best.summary.interval.high
    ]


def _named(entry: Entry) -> str:
    return f"{entry.label} (stand-in)" if entry.record.stand_in else entry.label


def explanation(panel: Panel) -> str:
    """Say what the fastest method and the baseline moved over the network, and how long the slowest took."""
    if not panel.ranked:
        return "No method earned a speed here; the table says why."
    best, slowest = panel.ranked[0], panel.ranked[-1]
    said = [_moved(best)]
    if panel.baseline is not None and panel.baseline.label != best.label:
        said.append(_moved(panel.baseline))
    if slowest.summary is not None and slowest.label not in {best.label, panel.baseline and panel.baseline.label}:
        said.append(f"{_named(slowest)} is the slowest with {duration(slowest.summary.median)}")
    known = [each for each in said if each]
    return "; ".join(known) + "." if known else ""


def _moved(entry: Entry) -> str:
    wire = entry.record.wire
    if wire is None:
        return ""
    return f"{_named(entry)} downloads {size(wire.bytes_out)} in {count(wire.requests, 'request')}"


def opening(records: Sequence[Record], panels: Sequence[Panel]) -> str:
    """Say what was measured, on what and when."""
    measured = [record for record in records if record.backend != NULL]
    methods = sorted({record.label for record in measured})
    cases = {record.case: record for record in measured}
    on = listing(
        [
            f"{name} ({count(record.granules, 'granule')}, {size(record.granule_bytes)})"
            if record.granules
            else name
            for name, record in cases.items()
        ]
    )
    profiles = listing(list(dict.fromkeys(record.profile for record in measured)))
    temperatures = listing(list(dict.fromkeys(record.temperature for record in measured)))
    samples = sorted({entry.summary.count for panel in panels for entry in panel.ranked if entry.summary})
    many = f"{samples[0]}" if len(samples) == 1 else f"{samples[0]} to {samples[-1]}" if samples else "no"
    return (
        f"On {day(records[0].started_at)}, {count(len(methods), 'way')} of getting every row of a region out of"
        f" ICESat-2 granules into one GeoParquet file {'was' if len(methods) == 1 else 'were'} timed on {on}, over"
        f" the network profile{'' if profiles == measured[0].profile else 's'} {profiles}, {temperatures}, with"
        f" {many} {'sample' if many == '1' else 'samples'} each. Each output was compared row by row with a"
        f" reference that reads the whole files: {_statuses_of(measured)}."
    )


def day(moment: str) -> str:
    """Return a date as people write it: ``22 November 2026``."""
    when = datetime.fromisoformat(moment)
    return f"{when.day} {when:%B %Y}"


def noise(panel: Panel) -> str:
    """Say how far a method is from itself, measured twice; empty where none was."""
    null = panel.null
    if null is None or null.ratio is None or null.summary is None:
        return ""
    low_high = f" ({number(null.ratio_range.low)} to {number(null.ratio_range.high)})" if null.ratio_range else ""
    return (
        f"The machine's noise: {null.record.variant} measured once more against itself took"
        f" {duration(null.summary.median)}, {number(null.ratio)} times its own time{low_high}."
        " A difference no larger than that says nothing."
    )


def _statuses(entries: Sequence[Entry]) -> str:
    return _statuses_of([entry.record for entry in entries])


def _statuses_of(records: Sequence[Record]) -> str:
    found = Counter(record.status for record in records)
    if len(found) == 1 and len(records) > 1:
        return f"all {records[0].status}"
    return listing([f"{many} {status}" for status, many in found.items()])
