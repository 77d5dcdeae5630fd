"""What the map of a case shows: the region, the ground tracks, the rows found and those that differ."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from trackbench.errors import InputError
from trackbench.region import Region
from trackbench.table import track_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

type Points = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Longitudes and latitudes, or metres east and north, as two arrays of one length."""

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
    missing, extra, changed
        Rows that a method left out, made up, or gave with other values.
    """

    case: str
    region: Region
    tracks: tuple[Points, ...]
    rows: tuple[Points, ...]
    rows_total: int
    missing: Points = _NOTHING
    extra: Points = _NOTHING
    changed: Points = _NOTHING

    def with_examples(self, examples: Iterable[Mapping[str, Any]]) -> CaseMap:
        """Return the map with the rows that verdicts give as examples of what differs.

        Parameters
        ----------
        examples
            As in `VerdictRecord.examples`: ``what`` is missing, extra or changed; those without a place on the
            map are left out.
        """
        places: dict[str, list[tuple[float, float]]] = {"missing": [], "extra": [], "changed": []}
        for example in examples:
            place = example.get("longitude"), example.get("latitude")
            if example.get("what") in places and all(isinstance(each, int | float) for each in place):
                places[example["what"]].append(cast("tuple[float, float]", place))
        return replace(
            self,
            missing=_joined(self.missing, places["missing"]),
            extra=_joined(self.extra, places["extra"]),
            changed=_joined(self.changed, places["changed"]),
        )

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
                "changed": _plain(self.changed),
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
                _points(data.get("changed", [[], []])),
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
    gap = max(_LEAST_GAP, _LINE_SHARE * float(np.ptp(position, axis=0).max() if len(position) else 0))
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


def _joined(points: Points, places: Sequence[tuple[float, float]]) -> Points:
    more = np.array(places, dtype=np.float64).reshape(-1, 2)
    return np.concatenate([points[0], more[:, 0]]), np.concatenate([points[1], more[:, 1]])


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
