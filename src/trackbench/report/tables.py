"""The tables of the page, as cells that are ready to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.bench.metrics import METRICS
from trackbench.report.formatting import DASH, TIMES, byte_unit, number, size, span
from trackbench.report.panels import rows_of
from trackbench.session import PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackbench.bench.metrics import Metric
    from trackbench.bench.records import Record
    from trackbench.report.panels import Entry, Panel

_GROUPS: Final = {"wire": "Network", "client": "Client", "model": "Cost"}
_IN_TIME: Final = ("seconds", "ratio_to_bound")
_RATIOS: Final = ("ratio_to_bound", "amplification")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure: its text, a second line, the value that it is sorted by, or a word because there is none."""

    text: str
    sub: str = ""
    value: float | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: words, unit, the group that it stands in, and a longer explanation."""

    title: str
    unit: str
    group: str
    help: str


@dataclass(frozen=True, slots=True)
class Row:
    """A method's row; `cells` is empty where it has earned no figures."""

    entry: Entry
    cells: tuple[Cell, ...]
    also: tuple[str, ...] = ()

    @property
    def statuses(self) -> str:
        """The status of its run, or those of all runs that it tells of."""
        return " ".join(dict.fromkeys(self.also or (self.record.status,)))

    @property
    def record(self) -> Record:
        """The run."""
        return self.entry.record

    @property
    def agreement(self) -> str:
        """How the output compares with the reference, in a few words."""
        verdict = self.record.verdict
        return "" if verdict is None else verdict.kind

    @property
    def reason(self) -> str:
        """Why it has no figures, in words."""
        verdict = self.record.verdict
        said = [self.record.reason, "" if verdict is None else verdict.summary]
        return " ".join(dict.fromkeys(words for words in said if words)) or "No reason was given."


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Groups of neighbouring columns and how many each spans."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return tuple(found)


def results(panel: Panel) -> Table:
    """Make the main table of a panel: every metric of every run."""
    makers = [*_time_columns(), *_metric_columns(panel)]
    return Table(
        tuple(column for column, _ in makers),
        tuple(
            Row(entry, tuple(make(entry) for _, make in makers) if entry.summary is not None else ())
            for entry in rows_of(panel)
        ),
    )


type _Maker = tuple[Column, Callable[[Entry], Cell]]


def _time_columns() -> list[_Maker]:
    bound = METRICS["ratio_to_bound"]
    return [
        (Column("median", "s", "Time", "Median of the samples; below it the interval of the median"), _median),
        (Column("IQR", "s", "Time", "Interquartile range of the samples"), _spread),
        (Column("n", "", "Time", "How many samples"), _count),
        (Column(f"{TIMES} baseline", "", "Time", "Median over the baseline's median, with its interval"), _ratio),
        (
            Column(f"{TIMES} bound", "", "Time", f"{bound.title}: median over the least possible"),
            _plain(bound, 1.0),
        ),
    ]


def _metric_columns(panel: Panel) -> list[_Maker]:
    entries = panel.ranked
    makers = []
    for metric in METRICS.values():
        values = [metric.of(entry.record) for entry in entries]
        known = [value for value in values if value is not None]
        if metric.name in _IN_TIME or metric.source not in _GROUPS or not known:
            continue
        scale, unit = _scale(metric, known)
        better = f"{metric.direction} is better"
        column = Column(
            metric.title, "" if unit == "1" else unit, _GROUPS[metric.source], f"{metric.title}; {better}"
        )
        makers.append((column, _plain(metric, scale)))
    return makers


def _scale(metric: Metric, values: Sequence[float]) -> tuple[float, str]:
    if metric.unit == "B":
        return byte_unit(sorted(values)[len(values) // 2])
    # One subset costs so little that nobody reads it; a thousand do not.
    return (1e-3, "USD per 1,000") if metric.unit == "USD" else (1.0, metric.unit)


def _plain(metric: Metric, scale: float) -> Callable[[Entry], Cell]:
    def make(entry: Entry) -> Cell:
        value = metric.of(entry.record)
        if value is None:
            return Cell(DASH)
        whole = metric.unit == "1" and metric.name not in _RATIOS
        return Cell(f"{value:,.0f}" if whole else number(value / scale), value=value)

    return make


def _median(entry: Entry) -> Cell:
    assert entry.summary is not None
    summary = entry.summary
    interval = summary.interval
    sub = span(interval.low, interval.high) if summary.count > 1 else ""
    return Cell(number(summary.median), sub, summary.median)


def _spread(entry: Entry) -> Cell:
    assert entry.summary is not None
    if entry.summary.count == 1:
        return Cell(DASH)
    return Cell(number(entry.summary.spread, 2), value=entry.summary.spread)


def _count(entry: Entry) -> Cell:
    assert entry.summary is not None
    return Cell(f"{entry.summary.count}", value=entry.summary.count)


def _ratio(entry: Entry) -> Cell:
    if entry.ratio is None:
        return Cell(DASH)
    if entry.ratio_range is None:
        return Cell("1", "baseline", 1.0)
    return Cell(number(entry.ratio, 2), span(entry.ratio_range.low, entry.ratio_range.high, 2), entry.ratio)


def overview(panels: Sequence[Panel]) -> Table:
    """Make the table of every method's median in each panel."""
    found: dict[str, dict[int, Entry]] = {}
    for place, panel in enumerate(panels):
        for entry in panel.entries:
            found.setdefault(entry.label, {})[place] = entry
    columns = tuple(
        Column(f"{panel.profile}, {panel.temperature}", "", panel.case, f"{panel.profile}, {panel.temperature}")
        for panel in panels
    )
    rows = [
        Row(
            next(iter(entries.values())),
            tuple(_short(entries.get(place)) for place in range(len(panels))),
            tuple(entry.record.status for entry in entries.values()),
        )
        for entries in found.values()
    ]
    return Table(columns, tuple(rows))


def _short(entry: Entry | None) -> Cell:
    if entry is None:
        return Cell(DASH)
    if entry.summary is None:
        return Cell(entry.record.status, missing=True)
    ratio = "" if entry.ratio is None else f"{TIMES} {number(entry.ratio, 2)}"
    return Cell(number(entry.summary.median), ratio, entry.summary.median)


def phases(panel: Panel) -> Table:
    """Make the table of seconds by phase of each median sample."""

    def cells(entry: Entry) -> tuple[Cell, ...]:
        seconds = [entry.record.phases.get(phase, 0.0) for phase in PHASES]
        return tuple(Cell(number(each), value=each) for each in (*seconds, sum(seconds)))

    columns = tuple(Column(phase, "s", "Seconds of the median sample", phase) for phase in (*PHASES, "sum"))
    return Table(columns, tuple(Row(entry, cells(entry)) for entry in panel.ranked))


def samples(panel: Panel) -> Table:
    """Make the table of every sample's time."""
    entries = [entry for entry in rows_of(panel) if entry.summary is not None]
    most = max((len(entry.record.seconds) for entry in entries), default=0)
    columns = tuple(Column(f"{place}", "s", "Sample", f"Sample {place}") for place in range(1, most + 1))
    return Table(
        columns,
        tuple(
            Row(
                entry,
                tuple(
                    Cell(number(entry.record.seconds[place], 4), value=entry.record.seconds[place])
                    if place < len(entry.record.seconds)
                    else Cell(DASH)
                    for place in range(most)
                ),
            )
            for entry in entries
        ),
    )


def artifacts(panels: Sequence[Panel]) -> Table:
    """Make the table of what was built beforehand, once for each method and case."""
    rows: dict[tuple[str, str], Row] = {}
    for panel in panels:
        for entry in panel.ranked:
            built = entry.record.artifact
            if built is not None:
                cells = (
                    Cell(number(built.build_seconds), value=built.build_seconds),
                    Cell(size(built.bytes_read), value=built.bytes_read),
                    Cell(size(built.bytes_stored), value=built.bytes_stored),
                    Cell(f"{built.requests:,}", value=built.requests),
                )
                rows.setdefault((panel.case, entry.label), Row(entry, cells))
    heads = (("build time", "s"), ("bytes read", ""), ("bytes stored", ""), ("requests", ""))
    columns = tuple(Column(title, unit, "Built beforehand", title) for title, unit in heads)
    return Table(columns, tuple(rows.values()))
