"""Charts of a panel: the time of each sample beside the bytes it took, and where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from trackbench.bench.metrics import METRICS
from trackbench.report import colours, svg
from trackbench.report.chart_rows import (
    NARROW,
    WIDE,
    WIDE_ALONE,
    axis_title,
    clear,
    figure_of_row,
    mark_line,
    no_speed,
    row_axes,
    second_axes,
)
from trackbench.report.formatting import byte_unit, duration, size
from trackbench.report.panels import rows_of
from trackbench.session import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

    from trackbench.report.chart_rows import Layout
    from trackbench.report.colours import Colour
    from trackbench.report.panels import Entry, Panel

_LOG_FROM: Final = 12.0
_MARKERS: Final = "osD^vPX<>"
_HATCH: Final = "///"
_BAR: Final = 14.0


def time_chart(panel: Panel, name: str, palette: Mapping[str, Colour]) -> tuple[Markup, ...]:
    """Draw every sample of a panel as a dot on an axis of seconds, for wide and for narrow screens.

    A bar marks each median, a thin line the interval of the median, a dashed line the bound. On wide screens the
    bytes downloaded stand beside. Rows without a speed give their status in words instead.
    """
    return tuple(_time_chart(panel, f"{name}-{layout.name}", palette, layout) for layout in (WIDE, NARROW))


def phase_chart(panel: Panel, name: str) -> tuple[Markup, ...]:
    """Draw where the time of each run's median sample went, as stacked bars, for wide and narrow screens.

    In seconds; where the times lie so far apart that the bars of the fast ones would be too short to see, as
    shares of each method's own time.
    """
    return tuple(_phase_chart(panel, f"{name}-{layout.name}", layout) for layout in (WIDE_ALONE, NARROW))


def is_far_apart(panel: Panel) -> bool:
    """Tell whether the times of a panel lie so far apart that a linear axis would hide the fast ones."""
    seconds = [each for entry in panel.ranked for each in entry.record.seconds]
    return min(seconds) > 0 and max(seconds) / min(seconds) > _LOG_FROM


def _time_chart(panel: Panel, name: str, palette: Mapping[str, Colour], layout: Layout) -> Markup:
    entries = rows_of(panel)
    timed = [entry for entry in entries if entry.summary is not None]
    figure, axes = row_axes(entries, layout)
    for row, entry in enumerate(timed):
        place = row + layout.drop
        _samples(axes, place, entry, palette[entry.record.backend].marker, _marker(entry, panel.entries))
    _seconds_axis(axes, panel, layout)
    for row, entry in enumerate(timed):
        assert entry.summary is not None
        figure_of_row(axes, row, duration(entry.summary.median), layout)
    if panel.bound is not None:
        mark_line(axes, panel.bound, f"bound {duration(panel.bound)}", layout)
    no_speed(axes, range(len(timed), len(entries)), entries, layout)
    if layout.second and any(METRICS["bytes"].of(entry.record) for entry in timed):
        beside = second_axes(figure, entries, layout)
        _bytes(beside, timed, palette, layout)
        if len(timed) < len(entries):
            clear(beside, len(timed) - 0.5, len(entries) - 0.5)
    return svg.inline_svg(
        figure,
        name,
        f"Time of every sample on {panel.case}, {panel.profile}, {panel.temperature}",
        f"Lower is better. Medians: {_spoken(entries)}. The table that follows has the numbers.",
        layout.name,
    )


def _spoken(entries: Sequence[Entry]) -> str:
    return "; ".join(
        f"{entry.label}{' (stand-in)' if entry.record.stand_in else ''}"
        f" {duration(entry.summary.median) if entry.summary else entry.record.status}"
        for entry in entries
    )


def _marker(entry: Entry, entries: Sequence[Entry]) -> str:
    variants = sorted(each.record.variant for each in entries if each.record.backend == entry.record.backend)
    place = variants.index(entry.record.variant) if entry.record.variant in variants else 0
    return _MARKERS[place % len(_MARKERS)]


def _samples(axes: Axes, row: float, entry: Entry, colour: str, marker: str) -> None:
    summary = entry.summary
    assert summary is not None
    ends = [summary.interval.low, summary.interval.high]
    axes.plot(ends, [row, row], color=colour, linewidth=2, alpha=0.5, zorder=2)
    hollow = entry.record.stand_in
    axes.plot(
        entry.record.seconds,
        [row] * summary.count,
        marker,
        markersize=8,
        markerfacecolor=colours.PAPER if hollow else colour,
        markeredgecolor=colour if hollow else colours.PAPER,
        markeredgewidth=1.8 if hollow else 0.7,
        alpha=0.9,
        clip_on=False,
        zorder=3,
    )
    middle = [summary.median] * 2
    axes.plot(middle, [row - 0.25, row + 0.25], color=colours.INK, linewidth=2, zorder=4, clip_on=False)


def _seconds(panel: Panel) -> list[float]:
    entries = [*panel.ranked, *([panel.null] if panel.null is not None else [])]
    seconds = [each for entry in entries for each in entry.record.seconds]
    return seconds if panel.bound is None else [*seconds, panel.bound]


def _seconds_axis(axes: Axes, panel: Panel, layout: Layout) -> None:
    seconds = _seconds(panel)
    if is_far_apart(panel):
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.25, max(seconds) * 1.15)
        axes.xaxis.set_major_locator(LogLocator(10, (1, 3) if layout.stacked else (1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        scale = "seconds, log scale"
    else:
        axes.set_xlim(0, max(seconds) * 1.05)
        axes.xaxis.set_major_locator(MaxNLocator(5 if layout.stacked else 8))
        scale = "seconds"
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axis_title(axes, f"\N{LEFTWARDS ARROW} lower is better \N{MIDDLE DOT} {scale}", layout)


def _bytes(axes: Axes, entries: Sequence[Entry], palette: Mapping[str, Colour], layout: Layout) -> None:
    values = [METRICS["bytes"].of(entry.record) or 0.0 for entry in entries]
    scale, unit = byte_unit(max(values))
    for row, (entry, value) in enumerate(zip(entries, values, strict=True)):
        _bar(axes, row, value / scale, palette[entry.record.backend].marker, layout, hatched=entry.record.stand_in)
        figure_of_row(axes, row, size(value), layout, fontweight="normal")
    axes.set_xlim(0, max(values) / scale * 1.02 or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    needed = [entry.record.bound.bytes for entry in entries if entry.record.bound is not None]
    if needed:
        mark_line(axes, needed[0] / scale, f"needed {size(needed[0])}", layout)
    axis_title(axes, f"\N{LEFTWARDS ARROW} lower is better \N{MIDDLE DOT} {unit} downloaded", layout)


def _bar(
    axes: Axes, row: int, width: float, colour: str, layout: Layout, *, hatched: bool, left: float = 0
) -> None:
    axes.barh(
        [row + layout.drop],
        [width],
        left=left,
        height=_BAR / layout.row,
        # A hatched bar is drawn in its colour on the page's own.
        facecolor=colours.PAPER if hatched else colour,
        edgecolor=colour if hatched else colours.PAPER,
        linewidth=1.2 if hatched else 0.6,
        hatch=_HATCH if hatched else None,
        zorder=2,
    )


def _phase_chart(panel: Panel, name: str, layout: Layout) -> Markup:
    entries = panel.ranked
    figure, axes = row_axes(entries, layout)
    palette = colours.phase_colours()
    shares = is_far_apart(panel)
    sums = [sum(entry.record.phases.values()) for entry in entries]
    for row, (entry, total) in enumerate(zip(entries, sums, strict=True)):
        start = 0.0
        for phase in PHASES:
            length = entry.record.phases.get(phase, 0.0) * (100 / total if shares and total else 1)
            colour = palette[phase].marker
            _bar(axes, row, length, colour, layout, hatched=entry.record.stand_in, left=start)
            start += length
        figure_of_row(axes, row, duration(total), layout)
    axes.set_xlim(0, 100 if shares else max(sums) * 1.02 or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(5 if layout.stacked else 10, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    title = "share of the method's own time, %" if shares else "seconds \N{MIDDLE DOT} shorter is better"
    axis_title(axes, title, layout)
    return svg.inline_svg(
        figure,
        name,
        f"Phases of the median sample on {panel.case}, {panel.profile}, {panel.temperature}",
        f"Stacked bars of {', '.join(PHASES)}; {title}. The table that follows has the numbers.",
        layout.name,
    )


def _tick(value: float, _place: int | None) -> str:
    return f"{value:,.4g}"
