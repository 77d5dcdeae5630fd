"""Maps of a case: the region, the ground tracks, the rows found and those that differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path as DrawnPath

from trackbench.errors import InputError
from trackbench.region import Region
from trackbench.report import colours, svg
from trackbench.report.formatting import count
from trackbench.report.projection import LocalProjection, degrees, nice_length
from trackbench.table import track_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from trackbench.report.projection import Frame

    type Points = tuple[NDArray[np.float64], NDArray[np.float64]]

_WIDTH: Final = 440.0
_LEFT: Final = 58.0
_BOTTOM: Final = 30.0
_TOP: Final = 8.0
_MOST_POINTS: Final = 500
# Degrees to this many decimals are a metre, which is less than a map shows.
_DECIMALS: Final = 5
_NOTHING: Final[Points] = (np.empty(0), np.empty(0))
_EARTH_RADIUS: Final = 6_371_000.0
# Rows of a track lie 20 m apart. In metres: gaps up to here are not drawn however small the map, and a track is
# drawn through gaps up to there.
_LEAST_GAP: Final = 100.0
_TRACK_GAP: Final = 200_000.0
_LINE_SHARE: Final = 1 / 250
# A ground track bends too little to see over this many metres.
_BEND: Final = 20_000.0


@dataclass(frozen=True, slots=True)
class CaseMap:
    """What the map of one case shows. Longitudes and latitudes in degrees.

    Attributes
    ----------
    case
        Name of the case.
    region
        What was asked for.
    tracks
        Ground tracks as lines of a few points each.
    rows
        Unbroken pieces of ground track on which rows were found, as lines of a few points each.
    rows_total
        How many rows were found.
    missing, extra
        Rows that a method left out or made up.
    """

    case: str
    region: Region
    tracks: tuple[Points, ...]
    rows: tuple[Points, ...]
    rows_total: int
    missing: Points = _NOTHING
    extra: Points = _NOTHING

    def to_json(self) -> str:
        """Return the map as strict JSON, coordinates to a metre; `from_json` reads it back."""
        return json.dumps(
            {
                "case": self.case,
                "region": self.region.to_geojson(),
                "tracks": [_plain(points) for points in self.tracks],
                "rows": [_plain(points) for points in self.rows],
                "rows_total": self.rows_total,
                "missing": _plain(self.missing),
                "extra": _plain(self.extra),
            },
            allow_nan=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> CaseMap:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If the text is not that of a map.
        """
        try:
            data = json.loads(text)
            return cls(
                data["case"],
                Region.parse(data["region"]),
                tuple(_points(each) for each in data["tracks"]),
                tuple(_points(each) for each in data["rows"]),
                data["rows_total"],
                _points(data["missing"]),
                _points(data["extra"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The map of a case cannot be read ({type(error).__name__}: {error});"
                " `trackbench run` writes it anew."
            ) from error


def case_map(
    case: str,
    region: Region,
    table: pa.Table,
    *,
    tracks: Sequence[Points] | None = None,
    missing: Points = _NOTHING,
    extra: Points = _NOTHING,
) -> CaseMap:
    """Make the map of a case from a result table.

    Parameters
    ----------
    case, region
        Name of the case and what was asked for.
    table
        Canonical rows, sorted as a subset is: ``longitude``, ``latitude``, ``rgt``, ``cycle``, ``track_id``.
    tracks
        Longitudes and latitudes of the ground tracks, at least near the region; without them each track is drawn
        from its first to its last row.
    missing, extra
        Longitudes and latitudes of rows that differ; of many, an even sample is kept.
    """
    longitude = np.asarray(table["longitude"].to_numpy(), dtype=np.float64)
    latitude = np.asarray(table["latitude"].to_numpy(), dtype=np.float64)
    position = _on_sphere(longitude, latitude)
    changes = np.zeros(max(0, len(longitude) - 1), dtype=bool)
    for codes in (table["rgt"].to_numpy(), table["cycle"].to_numpy(), track_codes(table["track_id"])):
        changes |= np.diff(np.asarray(codes, dtype=np.int64)) != 0
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    # A gap is shown where it would be as wide as a line: narrower ones would only make the page larger.
    gap = max(_LEAST_GAP, _LINE_SHARE * float(np.ptp(position, axis=0).max(initial=0)))
    pieces = _pieces(position, changes | (steps > gap))
    return CaseMap(
        case,
        region,
        _lines_of(longitude, latitude, _pieces(position, changes | (steps > _TRACK_GAP)))
        if tracks is None
        else tuple(_thin(each, _MOST_POINTS) for each in tracks),
        _lines_of(longitude, latitude, pieces),
        len(longitude),
        _thin(missing, _MOST_POINTS),
        _thin(extra, _MOST_POINTS),
    )


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
    _lines(axes, projection, shown.tracks, colour=colours.MUTED, width=0.8, order=1)
    _lines(axes, projection, shown.rows, colour=colours.ACCENT, width=2, order=2)
    for points, marker in ((shown.missing, "x"), (shown.extra, "+")):
        x, y = projection.project(*points)
        axes.plot(x, y, marker, color=colours.BAD, markersize=7, markeredgewidth=1.6, linestyle="none")
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
    return (
        f"{degrees(round(projection.latitude, 1), 'N', 'S')}, {degrees(round(projection.longitude, 1), 'E', 'W')}"
    )


def _plain(points: Points) -> list[list[float]]:
    return [np.round(each, _DECIMALS).tolist() for each in points]


def _points(data: list[list[float]]) -> Points:
    longitude, latitude = (np.asarray(each, dtype=np.float64) for each in data)
    return longitude, latitude


def _sample(total: int, most: int) -> NDArray[np.intp]:
    if total <= most:
        return np.arange(total)
    return np.linspace(0, total - 1, most).round().astype(np.intp)


def _thin(points: Points, most: int) -> Points:
    kept = _sample(len(points[0]), most)
    return np.asarray(points[0], dtype=np.float64)[kept], np.asarray(points[1], dtype=np.float64)[kept]


def _pieces(position: NDArray[np.float64], breaks: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the rows that each piece is drawn through: its ends, and more where it is long enough to bend."""
    if not len(position):
        return []
    pieces = []
    for first, following in pairwise([0, *(np.flatnonzero(breaks) + 1).tolist(), len(position)]):
        length = float(np.linalg.norm(position[following - 1] - position[first]))
        pieces.append(first + _sample(following - first, 2 + int(length / _BEND)))
    return pieces


def _lines_of(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], pieces: Sequence[NDArray[np.intp]]
) -> tuple[Points, ...]:
    return tuple((longitude[kept], latitude[kept]) for kept in pieces)


def _on_sphere(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    east, north = np.radians(longitude), np.radians(latitude)
    across = np.cos(north)
    return _EARTH_RADIUS * np.column_stack([across * np.cos(east), across * np.sin(east), np.sin(north)])


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
