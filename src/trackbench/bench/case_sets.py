"""The named sets of granules that cases are made of, and what is asked of them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from trackbench.granulegen import Crossing, EdgeCases, GranuleSpec, passes
from trackbench.region import Region

GREENLAND_POLYGON: Final = {
    "type": "Polygon",
    "coordinates": [
        [
            [-45.379436701418982, 62.632384888224848],
            [-44.620563298581018, 62.632384888224848],
            [-44.615470340415492, 62.981973185442563],
            [-45.384529659584508, 62.981973185442563],
            [-45.379436701418982, 62.632384888224848],
        ]
    ],
}
"""A square of 40 km on the Greenland ice sheet, around 0, -3,000,000 m in NSIDC's polar stereographic north."""

GREENLAND_START: Final = "2018-10-13"
GREENLAND_END: Final = "2025-10-13"
# The search that this case follows was made in summer 2025 and found 214 granules: later passes were not out yet.
_PUBLISHED: Final = datetime(2025, 7, 29, tzinfo=UTC)

_PAIRS: Final = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
GREENLAND_TRACKS: Final = (
    Crossing(94, 3, _PAIRS),
    Crossing(178, 5, _PAIRS[4:]),
    Crossing(239, 5, _PAIRS),
    Crossing(536, 3, _PAIRS[:2]),
    Crossing(597, 3, _PAIRS),
    Crossing(681, 5, _PAIRS),
    Crossing(1039, 3, _PAIRS),
    Crossing(1123, 5, _PAIRS),
)
"""What `trackbench.granulegen.tracks_crossing` finds for the square; kept, for the search takes a second."""

_MIDDLE: Final = (-45.0, 62.807)
_DEMO_CYCLES: Final = (8, 9)


def greenland_region() -> Region:
    """Return the square on the Greenland ice sheet."""
    return Region.parse(GREENLAND_POLYGON)


def greenland() -> tuple[GranuleSpec, ...]:
    """Return the 214 granules of the square from October 2018 to July 2025."""
    start = datetime.fromisoformat(GREENLAND_START).replace(tzinfo=UTC)
    return tuple(passes(GREENLAND_TRACKS, start, _PUBLISHED))


def greenland_full(count: int) -> tuple[GranuleSpec, ...]:
    """Return granules of the square in which every variable has its real size, from cycle 8 on."""
    later = (spec for spec in greenland() if spec.cycle >= _DEMO_CYCLES[0])
    return tuple(dataclasses.replace(spec, ballast="full") for spec in islice(later, count))


def demo() -> tuple[GranuleSpec, ...]:
    """Return the granules of the square in two cycles."""
    return tuple(spec for spec in greenland() if spec.cycle in _DEMO_CYCLES)


def tiny() -> tuple[GranuleSpec, ...]:
    """Return a few short granules around the square, with the commonest oddities among them."""
    return (
        _short(1039, 8, 3, edges=EdgeCases(nan_coordinates=20, out_of_range_coordinates=5)),
        _short(681, 8, 5, edges=EdgeCases(missing_beams=("gt1l",), hollow_beams=("gt3r",))),
        _short(1123, 8, 5, release=7),
        _short(94, 9, 3, edges=EdgeCases(fill_fraction=0.3)),
    )


def edges() -> tuple[GranuleSpec, ...]:
    """Return granules with everything that can be odd about one."""
    return (
        *tiny(),
        _short(239, 8, 5, edges=EdgeCases(missing_beams=_PAIRS)),
        _short(597, 8, 3, edges=EdgeCases(hollow_beams=_PAIRS)),
        _short(1039, 9, 3, edges=EdgeCases(empty=True)),
        _short(1039, 10, 3, release=7, edges=EdgeCases(empty=True)),
        _short(1123, 9, 5, edges=EdgeCases(fill_fraction=1.0)),
        _short(681, 9, 5, edges=EdgeCases(nan_coordinates=100_000)),
        _short(94, 10, 3, segments=1),
        _short(239, 9, 5, segments=10_000),
        _short(178, 8, 5),
        GranuleSpec(_ANTIMERIDIAN_TRACK, 8, 4, segments=9000, around=(180.0, 84.5)),
    )


_ANTIMERIDIAN_TRACK: Final = 17


def edges_region() -> Region:
    """Return the square, and a box across the antimeridian."""
    across = Region.from_bbox(175.0, 84.0, -175.0, 85.0)
    rings = [part.__geo_interface__["coordinates"] for part in (*greenland_region().parts, *across.parts)]
    return Region.parse({"type": "MultiPolygon", "coordinates": rings})


def _short(
    rgt: int, cycle: int, region: int, *, segments: int = 4000, release: int = 6, edges: EdgeCases | None = None
) -> GranuleSpec:
    return GranuleSpec(
        rgt,
        cycle,
        region,
        release=release,
        segments=segments,
        around=_MIDDLE,
        edges=edges or EdgeCases(),
    )
