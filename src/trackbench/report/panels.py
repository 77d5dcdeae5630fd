"""Sort records into what a reader compares: one panel for each case, network profile and temperature."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.errors import InputError
from trackbench.report.colours import NULL
from trackbench.report.statistics import Interval, Summary, ratio_interval, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record

_BASELINE: Final = "baseline"
_BASELINE_VARIANT: Final = "background"

type Key = tuple[str, str, str]
"""Case, profile and temperature."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run in its panel.

    Attributes
    ----------
    record
        The record, without any speed where it has earned none.
    summary
        Of its times in seconds, or None where it has earned none.
    ratio
        Its median over the baseline's; None without either.
    ratio_range
        Bootstrap interval of that ratio; None for the baseline itself.
    """

    record: Record
    summary: Summary | None
    ratio: float | None = None
    ratio_range: Interval | None = None

    @property
    def label(self) -> str:
        """``backend:variant``."""
        return self.record.label


@dataclass(frozen=True, slots=True)
class Panel:
    """All runs of one case under one profile at one temperature.

    Attributes
    ----------
    case, profile, temperature
        What they share.
    entries
        The fastest first, those without a speed last, by name; the null run is not among them.
    baseline
        What the others are compared with, if it has a speed.
    null
        One of them measured once more, if it was; its ratio is to the first measurement.
    """

    case: str
    profile: str
    temperature: str
    entries: tuple[Entry, ...]
    baseline: Entry | None
    null: Entry | None

    @property
    def ranked(self) -> tuple[Entry, ...]:
        """Those that have a speed, the fastest first."""
        return tuple(entry for entry in self.entries if entry.summary is not None)

    @property
    def unranked(self) -> tuple[Entry, ...]:
        """Those without one."""
        return tuple(entry for entry in self.entries if entry.summary is None)

    @property
    def bound(self) -> float | None:
        """Seconds of the least possible: the median over the runs, each of which measured decoding beside it."""
        bounds = [
            entry.record.bound.network_seconds + entry.record.bound.decode_seconds
            for entry in self.ranked
            if entry.record.bound is not None
        ]
        return summarise(bounds).median if bounds else None


def earned(record: Record) -> Record:
    """Return the record without anything that says how fast it was, unless its status is ``ok``."""
    if record.status == "ok":
        return record
    return dataclasses.replace(
        record, seconds=(), phases={}, samples=(), cpu_seconds=None, wire=None, peak_rss_bytes=None, artifact=None
    )


def newest(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return, for each panel, the records of the run that measured it last.

    Records of different runs are not mixed within a panel: they did not take turns on one machine at one time.
    What the newest command measured comes first, in the order in which it was measured; then what older ones did.

    Raises
    ------
    InputError
        If there is no record.
    """
    if not records:
        raise InputError("There is no record to report on: `trackbench run` writes some.")
    ordered = sorted(records, key=lambda record: record.started_at)
    last = {key_of(record): record.run for record in ordered}
    shown = [record for record in ordered if last[key_of(record)] == record.run]
    commands = {(record.command, record.commit): place for place, record in enumerate(shown)}
    return tuple(sorted(shown, key=lambda record: -commands[record.command, record.commit]))


def older(records: Sequence[Record]) -> tuple[tuple[Record, ...], ...]:
    """Return the records that `newest` leaves out, by run and panel, the newest first."""
    shown = {(record.run, key_of(record)) for record in newest(records)}
    groups: dict[tuple[str, Key], list[Record]] = {}
    for record in sorted(records, key=lambda each: each.started_at):
        place = (record.run, key_of(record))
        if place not in shown:
            groups.setdefault(place, []).append(record)
    return tuple(tuple(groups[place]) for place in reversed(groups))


def key_of(record: Record) -> Key:
    """Return the panel that a record belongs to."""
    return (record.case, record.profile, record.temperature)


def make_panels(records: Sequence[Record]) -> tuple[Panel, ...]:
    """Sort records into panels, in the order in which each is first met."""
    groups: dict[Key, dict[str, Record]] = {}
    for record in records:
        # A run that was taken up again may measure one thing twice; the later one counts.
        groups.setdefault(key_of(record), {})[record.label] = earned(record)
    return tuple(_panel(key, tuple(group.values())) for key, group in groups.items())


def rows_of(panel: Panel) -> tuple[Entry, ...]:
    """Return the entries in the order of a panel's rows: the null run follows what it repeats."""
    rows = list(panel.entries)
    if panel.null is not None:
        partner = next((n for n, entry in enumerate(rows) if entry.label == panel.null.record.variant), len(rows))
        rows.insert(partner + 1 if panel.null.summary else len(rows), panel.null)
    return tuple(rows)


def _panel(key: Key, records: Sequence[Record]) -> Panel:
    plain = [Entry(record, summarise(record.seconds) if record.seconds else None) for record in records]
    competing = [entry for entry in plain if entry.record.backend != NULL]
    baseline = _find_baseline(competing)
    entries = sorted(
        (_compare(entry, baseline) for entry in competing),
        key=lambda entry: (entry.summary is None, entry.summary.median if entry.summary else 0.0, entry.label),
    )
    return Panel(*key, tuple(entries), _compare(baseline, baseline) if baseline else None, _find_null(plain))


def _find_null(entries: Sequence[Entry]) -> Entry | None:
    null = next((entry for entry in entries if entry.record.backend == NULL), None)
    if null is None:
        return None
    # The variant of a null run is the label of what was measured a second time.
    return _compare(null, next((entry for entry in entries if entry.label == null.record.variant), None))


def _find_baseline(entries: Sequence[Entry]) -> Entry | None:
    candidates = [entry for entry in entries if entry.record.backend == _BASELINE]
    first = next((entry for entry in candidates if entry.record.variant == _BASELINE_VARIANT), None)
    if first is not None:
        # A baseline without a speed is not replaced by another: the page would compare with something else unsaid.
        return first if first.summary is not None else None
    return next((entry for entry in candidates if entry.summary is not None), None)


def _compare(entry: Entry, baseline: Entry | None) -> Entry:
    if entry.summary is None or baseline is None or baseline.summary is None or baseline.summary.median <= 0:
        return entry
    ratio = entry.summary.median / baseline.summary.median
    if entry.label == baseline.label:
        return dataclasses.replace(entry, ratio=ratio)
    interval = ratio_interval(entry.record.seconds, baseline.record.seconds)
    return dataclasses.replace(entry, ratio=ratio, ratio_range=interval)
