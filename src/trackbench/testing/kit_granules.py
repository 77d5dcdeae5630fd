"""The granules of the conformance kit: short, and between them everything that can be odd about a granule."""

from __future__ import annotations

import shutil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import h5py

from trackbench.bench.case_files import case_folder, generate
from trackbench.granulegen import EdgeCases, GranuleSpec
from trackbench.products import ATL06, BEAMS
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MIDDLE: Final = (-45.0, 62.8)
_ELSEWHERE: Final = (-40.0, 75.0)
_SEGMENTS: Final = 1500
DAMAGED_BEAM: Final = "gt2l"


def _short(rgt: int, cycle: int, region: int, *, release: int = 6, seed: int = 0, **odd: object) -> GranuleSpec:
    edges = EdgeCases(**odd)  # type: ignore[arg-type]
    return GranuleSpec(
        rgt, cycle, region, release=release, seed=seed, segments=_SEGMENTS, around=_MIDDLE, edges=edges
    )


SPECS: Final[Mapping[str, GranuleSpec]] = MappingProxyType(
    {
        # Around one place in Greenland.
        "ascending": _short(1039, 8, 3),
        "older-release": _short(1039, 8, 3, release=5, seed=1),
        "next-cycle": _short(1039, 9, 3, release=7),
        "descending": _short(681, 8, 5),
        "missing-and-hollow": _short(681, 9, 5, missing_beams=("gt1l", "gt2r"), hollow_beams=("gt3r",)),
        "odd-values": _short(1123, 8, 5, nan_coordinates=40, out_of_range_coordinates=20, fill_fraction=0.4),
        "no-beams": _short(239, 8, 5, missing_beams=BEAMS),
        "all-hollow": _short(597, 8, 3, hollow_beams=BEAMS),
        "no-segments": _short(1039, 10, 3, empty=True),
        # Elsewhere.
        "antimeridian": GranuleSpec(1364, 8, 4, segments=_SEGMENTS, around=(180.0, 84.5)),
        "pole": GranuleSpec(1, 8, 4, segments=_SEGMENTS),
        "damaged": GranuleSpec(94, 8, 3, segments=_SEGMENTS, around=_ELSEWHERE),
    }
)
"""What each granule of the kit is, by a word for it. Two are the same data in two releases."""


def make_granules(cache: Path, folder: Path) -> dict[str, Path]:
    """Make the granules, or find them made.

    Parameters
    ----------
    cache
        Where they are kept between sessions.
    folder
        Where the damaged one is made, anew.

    Returns
    -------
    dict
        Path by the word for it.
    """
    specs = tuple(SPECS.values())
    paths = dict(zip(SPECS, generate(specs, case_folder("conformance", specs, cache), no_progress), strict=True))
    paths["damaged"] = _damage(paths["damaged"], folder)
    return paths


def _damage(whole: Path, folder: Path) -> Path:
    """Copy a granule and overwrite a chunk of heights: it opens, has a footprint, and cannot be read."""
    copy = folder / whole.name
    shutil.copy(whole, copy)
    with h5py.File(whole, "r") as file:
        chunk = file[f"{DAMAGED_BEAM}/{ATL06.columns[0].path}"].id.get_chunk_info(0)
    with copy.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    return copy
