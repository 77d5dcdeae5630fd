"""What the charts of a panel share: one row for each method, its label on the left, its figure on the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trackbench.report import colours, svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trackbench.report.panels import Entry

STAND_IN: Final = "STAND-IN"
TOP: Final = 28.0
_BOTTOM: Final = 46.0
_GAP: Final = 12.0
# Width of a letter over the size of the font, about; the page's own font decides.
_LETTER: Final = 0.58
_BADGE: Final = 70.0
_LIFT: Final = 0.32


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a chart, in pixels.

    Attributes
    ----------
    name
        CSS class that shows the chart on screens it is drawn for.
    width
        Of the whole chart.
    left, right
        Kept free on either side of the first axes.
    second
        Width of further axes to the right of the first's figures, or 0 for none.
    row
        Height of one row.
    font
        Size of text.
    stacked
        Whether label and figure of a row stand above it instead of beside it.
    """

    name: str
    width: float
    left: float
    right: float
    second: float
    row: float
    font: float
    stacked: bool

    @property
    def drop(self) -> float:
        """How far below the middle of its row a mark stands, in rows."""
        return 0.12 if self.stacked else 0.0

    @property
    def first(self) -> float:
        """Width of the first axes."""
        return self.width - self.left - self.right - (self.second + self.right if self.second else 0)


WIDE: Final = Layout("wide", 1100, 250, 84, 170, 32, 13, stacked=False)
WIDE_ALONE: Final = Layout("wide", 1100, 250, 84, 0, 30, 13, stacked=False)
NARROW: Final = Layout("narrow", 360, 6, 8, 0, 48, 12.5, stacked=True)


def row_axes(entries: Sequence[Entry], layout: Layout) -> tuple[Figure, Axes]:
    """Make a figure with axes that have a labelled row for each entry, the first on top."""
    height = layout.row * max(1, len(entries))
    figure = svg.canvas(layout.width, height + TOP + _BOTTOM)
    axes = svg.axes(figure, layout.left, TOP, layout.first, height)
    _dress(axes, len(entries), layout)
    for row, entry in enumerate(entries):
        _label(axes, row, entry, layout)
        if layout.stacked:
            clear(axes, row - 0.5, row - 0.14)
    return figure, axes


def second_axes(figure: Figure, entries: Sequence[Entry], layout: Layout) -> Axes:
    """Add axes to the right of the first, with the same rows."""
    height = layout.row * max(1, len(entries))
    axes = svg.axes(figure, layout.left + layout.first + layout.right, TOP, layout.second, height)
    _dress(axes, len(entries), layout)
    return axes


def figure_of_row(axes: Axes, row: int, words: str, layout: Layout, **style: Any) -> None:  # noqa: ANN401 - matplotlib's
    """Write a row's figure where its axes end."""
    width = layout.second if axes is not axes.figure.axes[0] else layout.first
    place = (1.0, row - _LIFT) if layout.stacked else (1 + _GAP / width, float(row))
    axes.text(
        *place,
        words,
        transform=axes.get_yaxis_transform(),
        ha="right" if layout.stacked else "left",
        va="center",
        fontsize=layout.font,
        parse_math=False,
        **{"color": colours.INK, "fontweight": "bold", "zorder": 5, **style},
    )


def no_speed(axes: Axes, rows: range, entries: Sequence[Entry], layout: Layout) -> None:
    """Write the status of each entry that has no speed into its row, and clear the row of lines."""
    if not rows:
        return
    clear(axes, rows.start - 0.5, axes.get_ylim()[0])
    for row in rows:
        words = entries[row].record.status
        style: dict[str, Any] = {"color": colours.BAD, "fontweight": "normal", "fontstyle": "italic"}
        if layout.stacked:
            figure_of_row(axes, row, words, layout, **style)
            continue
        axes.text(
            0,
            row,
            f"{words}: no speed",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=layout.font,
            zorder=5,
            **style,
        )


def clear(axes: Axes, top: float, bottom: float) -> None:
    """Cover grid and lines from one row to another; marks and words lie above."""
    axes.fill_between(
        [-0.02, 1.02],
        top,
        bottom,
        transform=axes.get_yaxis_transform(),
        facecolor=colours.PAPER,
        edgecolor="none",
        zorder=1.4,
        clip_on=False,
    )


def axis_title(axes: Axes, words: str, layout: Layout) -> None:
    """Say below an axis what it measures and which way is better."""
    axes.set_xlabel(words, fontsize=layout.font, color=colours.MUTED, loc="left", labelpad=4)


def mark_line(axes: Axes, value: float, words: str, layout: Layout) -> None:
    """Draw a dashed line across all rows, with words above it."""
    axes.axvline(value, color=colours.INK, linewidth=1.3, linestyle=(0, (4, 3)), zorder=1)
    place = axes.transAxes.inverted().transform(axes.transData.transform((value, 0)))[0]
    # To the left of a line that stands far right, so that the words stay inside.
    right = place > 0.6  # noqa: PLR2004
    axes.annotate(
        words,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 5),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
        fontsize=layout.font - 0.5,
        color=colours.INK,
        annotation_clip=False,
    )


def _dress(axes: Axes, rows: int, layout: Layout) -> None:
    axes.set_ylim(rows - 0.5 + (0.15 if layout.stacked else 0), -0.5)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.MUTED)
    axes.tick_params(axis="x", colors=colours.MUTED, labelsize=layout.font - 1, length=4)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(visible=True, axis="x", color=colours.LINE, linewidth=1)
    axes.set_axisbelow(True)


def _label(axes: Axes, row: int, entry: Entry, layout: Layout) -> None:
    words = entry.label
    style: dict[str, Any] = {"color": colours.INK if entry.summary else colours.MUTED}
    if entry.record.backend == colours.NULL:
        words = f"{entry.record.variant}, again"
        style = {"color": colours.MUTED, "fontstyle": "italic"}
    badge = entry.record.stand_in
    shift = 0.0 if layout.stacked else -_GAP - (_BADGE if badge else 0)
    height = row - (_LIFT if layout.stacked else 0)
    transform = axes.get_yaxis_transform()
    axes.text(
        shift / layout.first,
        height,
        words,
        transform=transform,
        ha="left" if layout.stacked else "right",
        va="center",
        fontsize=layout.font,
        parse_math=False,
        zorder=5,
        **style,
    )
    if badge:
        after = len(words) * layout.font * _LETTER + _GAP
        axes.text(
            (after if layout.stacked else -_GAP - 4) / layout.first,
            height,
            STAND_IN,
            transform=transform,
            ha="left" if layout.stacked else "right",
            va="center",
            fontsize=layout.font - 3.5,
            fontweight="bold",
            color=colours.WARN,
            bbox={
                "boxstyle": "round,pad=0.3",
                "facecolor": colours.WARN_PANEL,
                "edgecolor": colours.WARN,
                "linewidth": 1.2,
            },
            zorder=5,
        )
