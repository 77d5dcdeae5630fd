"""Draw the map of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path as DrawnPath

from trackbench.report import colours, svg
from trackbench.report.formatting import count
from trackbench.report.projection import LocalProjection, degrees, nice_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from trackbench.region import Region
    from trackbench.report.maps import CaseMap, Points
    from trackbench.report.projection import Frame

_WIDTH: Final = 440.0
_LEFT: Final = 58.0
_BOTTOM: Final = 30.0
_TOP: Final = 8.0
_WIDEST: Final = 2.0
_FINEST: Final = 0.35
# A track without rows is drawn finer by this factor.
_TRACK_SHARE: Final = 0.4
_POLE: Final = 90.0
# Of the map, at most about this much is covered by lines.
_INK_SHARE: Final = 0.2


def draw_map(shown: CaseMap, name: str) -> Markup:
    """Draw a map as SVG: graticule, region, tracks, rows, differing rows and a scale bar."""
    projection = LocalProjection(shown.region)
    frame = projection.frame()
    inner = _WIDTH - _LEFT - _TOP
    figure = svg.canvas(_WIDTH, inner + _TOP + _BOTTOM)
    axes = svg.axes(figure, _LEFT, _TOP, inner, inner)
    axes.set_xlim(frame.west, frame.east)
    axes.set_ylim(frame.south, frame.north)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(colours.MUTED)
    _graticule(axes, projection, frame)
    _region(axes, projection)
    width = _line_width(projection, frame, shown.rows)
    _lines(axes, projection, shown.tracks, colour=colours.MUTED, width=width * _TRACK_SHARE, order=1)
    _lines(axes, projection, shown.rows, colour=colours.ACCENT, width=width, order=2)
    for points, marker in ((shown.missing, "x"), (shown.extra, "+"), (shown.changed, "o")):
        x, y = projection.project(*points)
        axes.plot(x, y, marker, color=colours.BAD, fillstyle="none", markersize=8, markeredgewidth=1.8, zorder=3)
    _scale_bar(axes, frame)
    return svg.inline_svg(
        figure,
        name,
        f"Map of the region of {shown.case}",
        f"{count(shown.rows_total, 'row')} found on {count(len(shown.tracks), 'piece')} of ground tracks, around"
        f" {_place(projection)}. North is up in the middle of the map.",
        "map",
    )


def describe_place(region: Region) -> str:
    """Return where the middle of a region is: ``62.8° N, 45° W``."""
    return _place(LocalProjection(region))


def _place(projection: LocalProjection) -> str:
    latitude = degrees(round(projection.latitude, 1), "N", "S")
    if abs(projection.latitude) == _POLE:
        return f"the pole at {latitude}"
    return f"{latitude}, {degrees(round(projection.longitude, 1), 'E', 'W')}"


def _graticule(axes: Axes, projection: LocalProjection, frame: Frame) -> None:
    for value, x, y in projection.parallels(frame):
        axes.plot(x, y, color=colours.LINE, linewidth=0.8, zorder=0.5)
        _edge_label(axes, frame, y, x, degrees(value, "N", "S"), left=True)
    for value, x, y in projection.meridians(frame):
        axes.plot(x, y, color=colours.LINE, linewidth=0.8, zorder=0.5)
        _edge_label(axes, frame, x, y, degrees(value, "E", "W"), left=False)


def _edge_label(
    axes: Axes, frame: Frame, along: NDArray[np.float64], across: NDArray[np.float64], words: str, *, left: bool
) -> None:
    # Where a line of the graticule meets the left edge (parallels) or the lower one (meridians).
    edge, low, high = (frame.west, frame.south, frame.north) if left else (frame.south, frame.west, frame.east)
    crossing = np.flatnonzero(np.diff(np.sign(across - edge)) != 0)
    margin = 0.03 * (high - low)
    for index in crossing:
        share = (edge - across[index]) / (across[index + 1] - across[index])
        place = float(along[index] + share * (along[index + 1] - along[index]))
        if not low + margin < place < high - margin:
            continue
        axes.annotate(
            words,
            (edge, place) if left else (place, edge),
            xytext=(-6, 0) if left else (0, -6),
            textcoords="offset points",
            ha="right" if left else "center",
            va="center" if left else "top",
            fontsize=11,
            color=colours.MUTED,
            annotation_clip=False,
        )


def _region(axes: Axes, projection: LocalProjection) -> None:
    for part in projection.outline:
        rings = [np.asarray(ring.coords) for ring in (part.exterior, *part.interiors)]
        path = DrawnPath.make_compound_path(*(DrawnPath(ring, closed=True) for ring in rings))
        axes.add_patch(PathPatch(path, facecolor=colours.PANEL, edgecolor="none", zorder=0.2))
        axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colours.INK, linewidth=1.6, zorder=2.5))


def _lines(
    axes: Axes, projection: LocalProjection, lines: Sequence[Points], *, colour: str, width: float, order: float
) -> None:
    # All lines are one path: a tenth of the bytes of as many elements. A round cap makes a lone row a dot.
    vertices: list[NDArray[np.float64]] = []
    codes: list[np.uint8] = []
    for line in lines:
        points = np.column_stack(projection.project(*line))
        vertices.append(np.repeat(points, 2, axis=0) if len(points) == 1 else points)
        codes += [DrawnPath.MOVETO] + [DrawnPath.LINETO] * (len(vertices[-1]) - 1)
    if not vertices:
        return
    path = DrawnPath(np.concatenate(vertices), codes)
    path.should_simplify = False
    axes.add_patch(
        PathPatch(path, facecolor="none", edgecolor=colour, linewidth=width, capstyle="round", zorder=order)
    )


def _line_width(projection: LocalProjection, frame: Frame, lines: Sequence[Points]) -> float:
    """Return a width in pixels with which lines can still be told apart where there are many."""
    metres = sum(float(np.hypot(*np.diff(projection.project(*line))).sum()) for line in lines)
    pixels = metres / frame.width * (_WIDTH - _LEFT - _TOP)
    area = (_WIDTH - _LEFT - _TOP) ** 2
    return min(_WIDEST, max(_FINEST, _INK_SHARE * area / pixels)) if pixels else _WIDEST


def _scale_bar(axes: Axes, frame: Frame) -> None:
    length = nice_length(frame.width / 4)
    right, y = frame.east - 0.04 * frame.width, frame.south + 0.045 * frame.height
    axes.plot([right - length, right], [y, y], color=colours.INK, linewidth=3, solid_capstyle="butt", zorder=4)
    words = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"  # noqa: PLR2004
    axes.annotate(
        words,
        (right - length, y),
        xytext=(-6, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=11,
        color=colours.INK,
        zorder=4,
    )
