"""Charts of a panel: the time of each sample, and where the time went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from trackbench.report import colours, svg
from trackbench.report.formatting import duration, number
from trackbench.session import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trackbench.report.colours import Colour
    from trackbench.report.panels import Entry, Panel

STAND_IN: Final = "STAND-IN"
_LOG_FROM: Final = 12.0
_MARKERS: Final = "osD^vPX<>"
_HATCH: Final = "///"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a chart, in pixels.

    Attributes
    ----------
    name
        CSS class that shows the chart on screens it was drawn for.
    width
        Of the whole chart.
    left, right
        Kept free beside the axes.
    row
        Height of one row.
    font
        Size of text.
    stacked
        Whether a row's label stands above it instead of to its left.
    """

    name: str
    width: float
    left: float
    right: float
    row: float
    font: float
    stacked: bool


WIDE: Final = Layout("wide", 960, 232, 96, 32, 13, stacked=False)
NARROW: Final = Layout("narrow", 360, 8, 10, 46, 12.5, stacked=True)
_TOP: Final = 30.0
_BOTTOM: Final = 50.0


def time_chart(panel: Panel, name: str, palette: Mapping[str, Colour]) -> tuple[Markup, ...]:
    """Draw every sample of a panel as a dot on an axis of seconds, for wide and for narrow screens.

    Rows are in the panel's order with the null run after those that have a speed. A bar marks each median, a thin
    line the interval of the median, a dashed line the bound. Rows without a speed give their status in words.
    """
    return tuple(_time_chart(panel, f"{name}-{layout.name}", palette, layout) for layout in (WIDE, NARROW))


def phase_chart(panel: Panel, name: str) -> tuple[Markup, ...]:
    """Draw where the time of each run's median sample went, as stacked bars, for wide and narrow screens."""
    return tuple(_phase_chart(panel, f"{name}-{layout.name}", layout) for layout in (WIDE, NARROW))


def is_logarithmic(panel: Panel) -> bool:
    """Tell whether the times of a panel lie so far apart that a linear axis would hide the fast ones."""
    seconds = [each for entry in panel.ranked for each in entry.record.seconds]
    least = min([*seconds, panel.bound or min(seconds)])
    return least > 0 and max(seconds) / least > _LOG_FROM


def _time_chart(panel: Panel, name: str, palette: Mapping[str, Colour], layout: Layout) -> Markup:
    entries = [*panel.ranked, *([panel.null] if panel.null and panel.null.summary else []), *panel.unranked]
    figure, axes = _rows(entries, layout)
    logarithmic = is_logarithmic(panel)
    variants: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda each: each.label):
        variants.setdefault(entry.record.backend, []).append(entry.record.variant)
    for row, entry in enumerate(entries):
        if entry.summary is None:
            _no_speed(axes, row, entry, layout)
        else:
            marker = _MARKERS[variants[entry.record.backend].index(entry.record.variant) % len(_MARKERS)]
            _samples(axes, row, entry, palette[entry.record.backend].marker, marker)
            _value(axes, row, duration(entry.summary.median), layout)
    _seconds_axis(axes, panel, layout, logarithmic=logarithmic)
    _bound_line(axes, panel.bound, layout)
    spoken = "; ".join(
        f"{entry.label}{' (stand-in)' if entry.record.stand_in else ''}"
        f" {duration(entry.summary.median) if entry.summary else entry.record.status}"
        for entry in entries
    )
    return svg.inline_svg(
        figure,
        name,
        f"Time of every sample on {panel.case}, {panel.profile}, {panel.temperature}",
        f"Lower is better. Medians: {spoken}. The table that follows has the numbers.",
        layout.name,
    )


def _phase_chart(panel: Panel, name: str, layout: Layout) -> Markup:
    entries = panel.ranked
    figure, axes = _rows(entries, layout)
    palette = colours.phase_colours()
    for row, entry in enumerate(entries):
        start = 0.0
        for phase in PHASES:
            seconds = entry.record.phases.get(phase, 0.0)
            axes.barh(
                [row],
                [seconds],
                left=start,
                height=14 / layout.row,
                color=palette[phase].marker,
                edgecolor=colours.PAPER,
                linewidth=0.6,
                hatch=_HATCH if entry.record.stand_in else None,
            )
            start += seconds
        _value(axes, row, duration(start), layout)
    longest = max((sum(entry.record.phases.values()) for entry in entries), default=1.0) or 1.0
    axes.set_xlim(0, longest * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(5 if layout.stacked else 8))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    _axis_title(axes, "seconds of the median sample · shorter is better", layout)
    return svg.inline_svg(
        figure,
        name,
        f"Phases of the median sample on {panel.case}, {panel.profile}, {panel.temperature}",
        f"Stacked bars of {', '.join(PHASES)}. Shorter is better. The table that follows has the numbers.",
        layout.name,
    )


def _rows(entries: Sequence[Entry], layout: Layout) -> tuple[Figure, Axes]:
    height = layout.row * max(1, len(entries))
    figure = svg.canvas(layout.width, height + _TOP + _BOTTOM)
    axes = svg.axes(figure, layout.left, _TOP, layout.width - layout.left - layout.right, height)
    axes.set_ylim(len(entries) - 0.5 + (0.2 if layout.stacked else 0), -0.5)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.MUTED)
    axes.tick_params(axis="x", colors=colours.MUTED, labelsize=layout.font - 1, length=4, which="major")
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(visible=True, axis="x", color=colours.LINE, linewidth=1, zorder=0)
    axes.set_axisbelow(True)
    for row, entry in enumerate(entries):
        _label(axes, row, entry, layout)
    return figure, axes


def _label(axes: Axes, row: int, entry: Entry, layout: Layout) -> None:
    ok = entry.summary is not None
    words = entry.label
    if entry.record.backend == colours.NULL:
        words = f"{entry.record.variant}, again"
    if entry.record.stand_in:
        words += f"  {STAND_IN}"
    place = (0.0, row - 0.33) if layout.stacked else (-14 / _axes_width(layout), float(row))
    axes.text(
        *place,
        words,
        transform=axes.get_yaxis_transform(),
        ha="left" if layout.stacked else "right",
        va="center",
        fontsize=layout.font,
        color=colours.INK if ok else colours.MUTED,
        parse_math=False,
    )


def _axes_width(layout: Layout) -> float:
    return layout.width - layout.left - layout.right


def _value(axes: Axes, row: int, words: str, layout: Layout) -> None:
    place = (1.0, row - 0.33) if layout.stacked else (1 + 12 / _axes_width(layout), float(row))
    axes.text(
        *place,
        words,
        transform=axes.get_yaxis_transform(),
        ha="right" if layout.stacked else "left",
        va="center",
        fontsize=layout.font,
        fontweight="bold",
        color=colours.INK,
    )


def _no_speed(axes: Axes, row: int, entry: Entry, layout: Layout) -> None:
    words = entry.record.status if layout.stacked else f"{entry.record.status}: no speed"
    axes.text(
        0.0 if not layout.stacked else 1.0,
        row - (0.33 if layout.stacked else 0),
        words,
        transform=axes.get_yaxis_transform(),
        ha="right" if layout.stacked else "left",
        va="center",
        fontsize=layout.font,
        fontstyle="italic",
        color=colours.BAD,
    )


def _samples(axes: Axes, row: int, entry: Entry, colour: str, marker: str) -> None:
    summary = entry.summary
    assert summary is not None
    axes.plot(
        [summary.interval.low, summary.interval.high], [row, row], color=colour, linewidth=2, alpha=0.45, zorder=2
    )
    axes.plot(
        entry.record.seconds,
        [row] * summary.count,
        marker,
        markersize=8,
        markerfacecolor=colours.PAPER if entry.record.stand_in else colour,
        markeredgecolor=colour if entry.record.stand_in else colours.PAPER,
        markeredgewidth=1.8 if entry.record.stand_in else 0.6,
        alpha=0.85,
        clip_on=False,
        zorder=3,
    )
    axes.plot(
        [summary.median] * 2, [row - 0.32, row + 0.32], color=colours.INK, linewidth=2, zorder=4, clip_on=False
    )


def _seconds_axis(axes: Axes, panel: Panel, layout: Layout, *, logarithmic: bool) -> None:
    seconds = [each for entry in panel.ranked for each in entry.record.seconds]
    if panel.null is not None:
        seconds += panel.null.record.seconds
    least = min([*seconds, panel.bound or min(seconds)])
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(least / 1.25, max(seconds) * 1.15)
        axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5) if not layout.stacked else (1, 3)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, max(seconds) * 1.05)
        axes.xaxis.set_major_locator(MaxNLocator(5 if layout.stacked else 8))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    scale = "seconds, log scale" if logarithmic else "seconds"
    _axis_title(axes, f"← lower is better · {scale}", layout)


def _axis_title(axes: Axes, words: str, layout: Layout) -> None:
    axes.set_xlabel(words, fontsize=layout.font, color=colours.MUTED, loc="left", labelpad=6)


def _tick(value: float, _place: int | None) -> str:
    return number(value, 2) if value < 1 else f"{value:,.4g}"


def _bound_line(axes: Axes, bound: float | None, layout: Layout) -> None:
    if bound is None:
        return
    axes.axvline(bound, color=colours.INK, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
    low, high = axes.get_xlim()
    place = axes.transAxes.inverted().transform(axes.transData.transform((bound, 0)))[0]
    axes.annotate(
        f"bound {duration(bound)}",
        (bound, 1),
        xycoords=("data", "axes fraction"),
        xytext=(5 if place < 0.7 else -5, 4),  # noqa: PLR2004 - right of the line where there is room
        textcoords="offset points",
        ha="left" if place < 0.7 else "right",  # noqa: PLR2004
        va="bottom",
        fontsize=layout.font - 0.5,
        color=colours.INK,
    )
    axes.set_xlim(low, high)
