"""A region for granules that are there already: a box around the middle of each one's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

from trackbench.errors import InputError
from trackbench.granulegen import BEAMS
from trackbench.granules import Granule
from trackbench.region import Region

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_WIDEST: Final = 90.0
"""Degrees of longitude: a middle part that is wider (near a pole) is made shorter."""
_MARGIN: Final = 1e-4
"""Degrees around the box: it has an area even where the middle is one point."""


def granule_files(folder: Path) -> tuple[Path, ...]:
    """Return the ATL06 granules of a folder, by name.

    Raises
    ------
    InputError
        If there is no such folder, or no granule in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name one that holds ATL06 granules, as in real:FOLDER.")
    found = []
    for path in sorted(folder.glob("*.h5")):
        try:
            name = Granule.locate(path.name).name
        except InputError:
            continue
        if name.product == "ATL06":
            found.append(path)
    if not found:
        raise InputError(f"The folder {folder} holds no ATL06 granule (ATL06_yyyymmddhhmmss_ttttccnn_vvv_rr.h5).")
    return tuple(found)


def middle_region(paths: tuple[Path, ...]) -> Region:
    """Return a box around the middle half of each granule, united.

    Each granule that has a segment on the Earth has rows in the region, and one of several segments rows outside.

    Raises
    ------
    InputError
        If no granule has a segment.
    """
    rings = []
    for path in paths:
        box = _middle_box(path)
        if box is not None:
            rings += [part.__geo_interface__["coordinates"] for part in box.parts]
    if not rings:
        raise InputError(
            "None of the granules has a segment with a place on the Earth: there is nothing to ask for."
        )
    return Region.parse({"type": "MultiPolygon", "coordinates": rings})


def _middle_box(path: Path) -> Region | None:
    """Return the box of one granule, or None if it has no segment."""
    tracks = _coordinates(path)
    if not tracks:
        return None
    longitude, latitude = max(tracks, key=lambda track: track[0].size)
    count = longitude.size
    half = max(count // 2, 1)
    while True:
        begin = (count - half) // 2
        part = slice(begin, begin + half)
        # Degrees east of the first point of the part: no jump at the antimeridian.
        origin = longitude[part][0]
        south, north = latitude[part].min() - _MARGIN, latitude[part].max() + _MARGIN
        offsets = np.concatenate(
            [(lon[(lat >= south) & (lat <= north)] - origin + 180) % 360 - 180 for lon, lat in tracks]
        )
        if np.ptp(offsets) < _WIDEST or half == 1:
            break
        half = max(half // 2, 1)
    west, east = ((origin + side + 180) % 360 - 180 for side in (offsets.min() - _MARGIN, offsets.max() + _MARGIN))
    return Region.from_bbox(float(west), max(float(south), -90.0), float(east), min(float(north), 90.0))


def _coordinates(path: Path) -> list[tuple[Floats, Floats]]:
    """Read longitudes and latitudes of each beam that has segments on the Earth."""
    tracks = []
    with h5py.File(path, "r") as file:
        for beam in BEAMS:
            group = file.get(f"{beam}/land_ice_segments")
            if group is None or "latitude" not in group or "longitude" not in group:
                continue
            longitude, latitude = group["longitude"][:], group["latitude"][:]
            on_earth = (np.abs(latitude) <= 90.0) & (np.abs(longitude) <= 180.0)  # noqa: PLR2004 - degrees
            if on_earth.any():
                tracks.append((longitude[on_earth], latitude[on_earth]))
    return tracks
