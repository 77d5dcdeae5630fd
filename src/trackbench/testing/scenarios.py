"""The questions that the conformance kit asks, each made so that one way of getting it wrong would show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

from trackbench.granules import Granule, GranuleName, newest
from trackbench.products import ATL06
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

VARIABLES: Final = ("segment_id", "fit_statistics/h_mean", "ground_track/x_atc", "geophysical/msw_flag")
"""Further variables: an integer with a fill, a float32, a float64 and an int8."""

WEST: Final = -46.0
EAST: Final = -44.0
_POLE: Final = 90.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question.

    Attributes
    ----------
    name
        A word for it.
    request
        What is asked.
    files
        The granules that make up the answer.
    given
        The granules that the user names, or None to have the backend find them.
    online
        Whether there is a cloud at all.
    """

    name: str
    request: SubsetRequest
    files: tuple[Path, ...]
    given: tuple[Granule, ...] | None = None
    online: bool = True


@dataclass(frozen=True, slots=True)
class Track:
    """Coordinates of one beam: degrees, float64, and ``datetime64[ns]``, all of shape (n,)."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    time: NDArray[np.datetime64]

    @classmethod
    def read(cls, path: Path, beam: str) -> Track:
        """Read a beam of a granule."""
        with h5py.File(path, "r") as file:
            latitude, longitude, seconds = (file[f"{beam}/{each.path}"][:] for each in ATL06.coordinates)
        return cls(latitude, longitude, nanoseconds(seconds).view("datetime64[ns]"))

    def latitudes(self, *shares: float) -> list[float]:
        """Return latitudes of rows at these shares of the track, from south to north."""
        return sorted(float(self.latitude[int(share * (len(self.latitude) - 1))]) for share in shares)


def build_scenarios(
    paths: Mapping[str, Path], addresses: Mapping[str, Granule], *, cut_short: Path
) -> dict[str, Scenario]:
    """Make every scenario.

    Parameters
    ----------
    paths
        The granules of the kit by their words.
    addresses
        The same as a cloud serves them.
    cut_short
        The first half of the file of a granule.
    """
    track = Track.read(paths["ascending"], "gt2l")
    first, last = _times(paths["ascending"], "gt2l")
    south, low, lower, upper, high, north = track.latitudes(0.1, 0.25, 0.4, 0.6, 0.75, 0.9)
    catalogued = {word: path for word, path in paths.items() if word != "damaged"}

    def ask(name: str, region: Region, start: str = first, end: str = last, **more: Any) -> Scenario:  # noqa: ANN401 - of the request
        request = SubsetRequest.build("ATL06", region, start, end, **more)
        return Scenario(name, request, _answering(catalogued, request))

    box = Region.from_bbox(WEST, south, EAST, north)
    whole = Region.from_bbox(WEST, 62.0, EAST, 63.5)
    west, east = _span(track, lower, upper)
    quarter = len(track.time) // 4
    older = SubsetRequest.build("ATL06", box, first, last)
    scenarios = [
        ask("box", box),
        ask("hole", _polygon(_ring(WEST, south, EAST, north), _ring(west, lower, east, upper))),
        ask(
            "several-polygons",
            _several(_ring(WEST, south, EAST, low), _ring(WEST, high, EAST, north), _ring(10, 10, 11, 11)),
        ),
        ask("crossed-twice", _polygon(_notched(south, lower, upper, north))),
        ask("time-range", whole, f"{track.time[quarter]}Z", f"{track.time[-quarter]}Z"),
        ask("every-oddity", whole, "2018-10-13", "2030-01-01"),
        ask("some-beams", whole, *_times(paths["missing-and-hollow"], "gt1r")),
        ask("older-release", box, release=5),
        ask("variables", box, variables=VARIABLES),
        ask("no-track", Region.from_bbox(0.0, 20.0, 1.0, 21.0), "2018-10-13", "2030-01-01"),
        ask("between-tracks", _between(paths["ascending"])),
        ask("before-any", whole, "2018-10-13", "2018-10-14"),
        ask("antimeridian", Region.from_bbox(175.0, 84.0, -175.0, 85.0), "2018-10-13", "2030-01-01"),
        ask("pole", Region.from_bbox(-180.0, 88.0, 180.0, _POLE), "2018-10-13", "2030-01-01"),
        Scenario("given", older, (paths["older-release"],), (addresses["older-release"],)),
        Scenario("local", older, (paths["older-release"],), _local(paths["older-release"]), online=False),
        Scenario("cut-short", older, (), _local(cut_short), online=False),
        Scenario("unreachable", older, (), online=False),
        _damaged(paths["damaged"]),
    ]
    return {scenario.name: scenario for scenario in scenarios}


def _times(path: Path, beam: str) -> tuple[str, str]:
    time = Track.read(path, beam).time
    return f"{time[0]}Z", f"{time[-1]}Z"


def _local(path: Path) -> tuple[Granule, ...]:
    return (Granule.locate(str(path)),)


def _answering(paths: Mapping[str, Path], request: SubsetRequest) -> tuple[Path, ...]:
    by_name = {GranuleName.parse(path.name): path for path in paths.values()}
    wanted = [name for name in by_name if request.release in (None, name.release)]
    return tuple(by_name[name] for name in newest(wanted))


def _damaged(path: Path) -> Scenario:
    track = Track.read(path, "gt2l")
    south, north = track.latitudes(0.0, 1.0)
    region = Region.from_bbox(float(track.longitude.min()) - 1, south, float(track.longitude.max()) + 1, north)
    return Scenario("damaged", SubsetRequest.build("ATL06", region, "2018-10-13", "2030-01-01"), ())


def _span(track: Track, south: float, north: float) -> tuple[float, float]:
    """Return longitudes that hold one beam between two latitudes, and not its neighbours."""
    within = track.longitude[(track.latitude >= south) & (track.latitude <= north)]
    return float(within.min()) - 0.005, float(within.max()) + 0.005


def _between(path: Path) -> Region:
    """Return a box between two pairs of beams, 3.3 km apart: inside of the footprint, and without a row."""
    left, right = Track.read(path, "gt1r"), Track.read(path, "gt2l")
    middle = len(left.latitude) // 2
    partner = int(np.argmin(np.abs(right.latitude - left.latitude[middle])))
    longitude = float(left.longitude[middle] + right.longitude[partner]) / 2
    latitude = float(left.latitude[middle])
    return Region.from_bbox(longitude - 0.005, latitude - 0.003, longitude + 0.005, latitude + 0.003)


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _notched(south: float, lower: float, upper: float, north: float) -> list[list[float]]:
    """Return a ring like the letter C, whose mouth opens to the west and reaches beyond the tracks."""
    return [
        [WEST, south],
        [EAST, south],
        [EAST, north],
        [WEST, north],
        [WEST, upper],
        [EAST - 0.1, upper],
        [EAST - 0.1, lower],
        [WEST, lower],
        [WEST, south],
    ]


def _polygon(*rings: list[list[float]]) -> Region:
    return Region.parse({"type": "Polygon", "coordinates": list(rings)})


def _several(*rings: list[list[float]]) -> Region:
    return Region.parse({"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]})
