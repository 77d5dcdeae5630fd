"""H3 cells of chunks, and how far a cell reaches from its centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h3
import numpy as np
from h3ronpy import change_resolution
from h3ronpy.vector import coordinates_to_cells

from trackbench.chunkindex.tracks import great_circle_km

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def cells_of(sampled: Sequence[NDArray[np.float64]], resolution: int) -> list[list[int]]:
    """Return the cells in which the points of each chunk lie, ascending.

    Parameters
    ----------
    sampled
        For each chunk longitudes and latitudes in degrees, float64 of shape (n, 2).
    resolution
        Of the cells, 0 to 15 (H3 documentation, "Cell statistics").
    """
    lengths = [len(each) for each in sampled]
    if not sum(lengths):
        return [[] for _ in sampled]
    points = np.concatenate(sampled)
    cells = _numbers(coordinates_to_cells(points[:, 1].copy(), points[:, 0].copy(), resolution))
    return [np.unique(each).tolist() for each in np.split(cells, np.cumsum(lengths)[:-1])]


def parents_of(cells: NDArray[np.uint64], resolution: int) -> NDArray[np.uint64]:
    """Return the cell of a coarser resolution that each cell belongs to."""
    return _numbers(change_resolution(cells, resolution))


def _numbers(array: object) -> NDArray[np.uint64]:
    import pyarrow as pa  # noqa: PLC0415 - takes what h3ronpy gives by the Arrow C interface

    numbers: NDArray[np.uint64] = np.asarray(pa.array(array).to_numpy(zero_copy_only=False), dtype=np.uint64)
    return numbers


def cap_of(cell: int) -> tuple[float, float, float]:
    """Return a circle around a cell: longitude and latitude of its centre, and radius in kilometres.

    A cell is convex on the sphere to within metres, so that no point of it is farther than its farthest corner; a
    thousandth more makes up for the metres.
    """
    name = h3.int_to_str(cell)
    latitude, longitude = h3.cell_to_latlng(name)
    corners = np.array(h3.cell_to_boundary(name))
    radius = great_circle_km(corners[:, 1], corners[:, 0], longitude, latitude).max()
    return longitude, latitude, float(radius) * 1.001
