"""Undo the filters of HDF5, without HDF5, and never trust what a chunk says of itself."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from trackbench.chunkindex.model import Storage

type Stored = bytes | bytearray | memoryview
type Inflate = Callable[[Stored, int], Stored]
type Library = Literal["libdeflate", "zlib"]

_CHECKSUM: Final = 4
_SLACK: Final = 65_536
"""Deflate makes what it cannot compress a little longer; more than this beyond twice the values is no chunk."""


def most_stored(storage: Storage) -> int:
    """Return how many bytes a chunk of this kind can hold at most: what is larger is not fetched."""
    return 2 * _nominal(storage) + _SLACK


def decode_chunk(
    stored: Stored | None, storage: Storage, rows: int, *, mask: int, inflate: Inflate
) -> NDArray[Any]:
    """Return the values of a chunk.

    Parameters
    ----------
    stored
        Its bytes in the file; None for a chunk that was never written.
    storage
        How it was written.
    rows
        How many of its values belong to the beam: the last chunk is stored full.
    mask
        Filters that were skipped (HDF5 specification, "filter mask": bit ``i`` is filter ``i`` of the pipeline).
    inflate
        One of `INFLATE`.

    Returns
    -------
    numpy.ndarray
        Shape (rows,), in the machine's byte order.

    Raises
    ------
    ValueError
        If the bytes are not those of such a chunk; the message says how they differ.
    """
    dtype = np.dtype(storage.dtype)
    if rows > storage.chunk_rows:
        raise ValueError(f"the index says it has {rows} rows, and a chunk has {storage.chunk_rows}")
    if stored is None:
        return np.full(rows, storage.fill or 0, dtype=dtype.newbyteorder("="))
    wanted = _nominal(storage) if storage.filters else rows * dtype.itemsize
    data = stored
    used = [name for place, name in enumerate(storage.filters) if not mask >> place & 1]
    for name in reversed(used):
        if name == "deflate":
            # A checksum that was taken before the data were deflated comes out with them.
            extra = _CHECKSUM if "fletcher32" in used[: used.index("deflate")] else 0
            data = inflate(data, wanted + extra)
        elif name == "fletcher32":
            data = _checked(data)
        else:
            data = _unshuffled(data, dtype.itemsize)
    least = rows * dtype.itemsize if not used else wanted
    if len(data) < least or (used and len(data) != wanted):
        raise ValueError(f"it holds {len(data)} bytes instead of {wanted}")
    values = np.frombuffer(data, dtype, count=rows)
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def _nominal(storage: Storage) -> int:
    return storage.chunk_rows * np.dtype(storage.dtype).itemsize


def _unshuffled(data: Stored, itemsize: int) -> bytes:
    """Put the bytes of each value together again (HDF5 reference, H5Pset_shuffle); a rest stays as it is."""
    if itemsize == 1:
        return bytes(data)
    whole = len(data) // itemsize * itemsize
    planes = np.frombuffer(data, np.uint8, count=whole).reshape(itemsize, -1)
    return planes.T.tobytes() + bytes(data[whole:])


def _checked(data: Stored) -> Stored:
    from numcodecs import Fletcher32  # noqa: PLC0415 - granules of ICESat-2 have no checksums

    try:
        Fletcher32().decode(bytes(data))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"its checksum is wrong ({error})") from error
    return data[: len(data) - _CHECKSUM]


def _with_libdeflate(data: Stored, size: int) -> Stored:
    import deflate  # noqa: PLC0415 - of the extra

    try:
        inflated: bytearray = deflate.zlib_decompress(data, size)
    except deflate.DeflateError:
        raise ValueError(f"it does not inflate to {size} bytes") from None
    return inflated


def _with_zlib(data: Stored, size: int) -> Stored:
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"it does not inflate ({error})") from None
    if len(inflated) > size or (not stream.eof and stream.unconsumed_tail):
        raise ValueError(f"it inflates to more than {size} bytes")
    if not stream.eof:
        raise ValueError("it ends in the middle of the stream")
    return inflated


INFLATE: Final[Mapping[Library, Inflate]] = {"libdeflate": _with_libdeflate, "zlib": _with_zlib}
"""Ways to inflate; none makes more bytes than it is told, and each lets go of the interpreter's lock."""
