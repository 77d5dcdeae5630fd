"""What a chunk index says: how variables are stored, in which granules, and where chunks of an answer may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from trackbench.granules import Granule

type Filter = Literal["shuffle", "deflate", "fletcher32"]
"""A filter of HDF5's pipeline that a chunk may have gone through."""

MISSING: Final = -1
"""Offset of a chunk that was never written: each of its values is the fill value."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How one variable is stored, the same in every chunk of it.

    Attributes
    ----------
    dtype
        As numpy spells it, byte order included: ``<f8``, ``>f4``, ``|i1``.
    fill
        HDF5's fill value, which a chunk that was never written holds; None stands for zero.
    chunk_rows
        Rows of a full chunk. The last chunk of a beam is stored full as well, its tail undefined.
    filters
        In the order in which HDF5 applied them on writing; reading undoes them from the last to the first.
    """

    dtype: str
    fill: float | int | None
    chunk_rows: int
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the variables of a beam are stored, by path within the beam. Many granules share one layout.

    All variables of a layout have the rows and the chunk boundaries of the coordinates.
    """

    storages: Mapping[str, Storage]


@dataclass(frozen=True, slots=True)
class IndexedGranule:
    """A granule as it was when it was indexed.

    Attributes
    ----------
    granule
        Name, addresses and size.
    etag
        Entity tag that the object store gave it (quotes included), or None where there was none. A granule with
        another one has been replaced since.
    layout
        Position in `Selection.layouts`.
    """

    granule: Granule
    etag: str | None
    layout: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The chunks that may hold rows of a request: one entry each, in the order cycle, RGT, beam, first row.

    Attributes
    ----------
    granules
        The granules of the chunks, by cycle and RGT; the newest of the same data only.
    layouts
        What `IndexedGranule.layout` counts in.
    granule : (n,) int32
        Position in `granules`.
    track : (n,) int8
        Position of the beam in `trackbench.products.BEAMS`.
    first_row : (n,) int64
        Row of the beam at which the chunk begins.
    rows : (n,) int64
        How many rows of the beam it holds: fewer than `Storage.chunk_rows` in the last chunk.
    offsets : each (n,) int64
        By path of the variable within the beam: the byte of the file at which its chunk begins, or `MISSING`.
    sizes : each (n,) int64
        By path: how many bytes are stored.
    masks : each (n,) uint32
        By path: HDF5's filter mask, whose bit ``i`` says that filter ``i`` of the pipeline was skipped. Only for
        variables in which a chunk has one.
    """

    granules: tuple[IndexedGranule, ...]
    layouts: tuple[Layout, ...]
    granule: NDArray[np.int32]
    track: NDArray[np.int8]
    first_row: NDArray[np.int64]
    rows: NDArray[np.int64]
    offsets: Mapping[str, NDArray[np.int64]]
    sizes: Mapping[str, NDArray[np.int64]]
    masks: Mapping[str, NDArray[np.uint32]]

    def __len__(self) -> int:
        """How many chunks of ground tracks there are, each with one chunk of every variable."""
        return len(self.granule)
