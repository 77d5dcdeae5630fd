"""Arrow arrays over numpy's memory, and numpy arrays over Arrow's.

``pyarrow.array``, ``pyarrow.scalar`` and ``to_numpy`` import pandas wherever that is installed, which takes longer
than many a subset; these do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def array_of(
    values: NDArray[Any], type_: pa.DataType | None = None, *, missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Make an array of fixed-width values without copying them.

    Parameters
    ----------
    values
        Shape (n,), of a type that Arrow knows by the same width.
    type_
        Type of the array; by default the one that corresponds to the values' own.
    missing
        bool of shape (n,): which values are null. None has no nulls.

    Returns
    -------
    pyarrow.Array
    """
    data = np.ascontiguousarray(values)
    validity = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    kind = pa.from_numpy_dtype(data.dtype) if type_ is None else type_
    return pa.Array.from_buffers(kind, len(data), [validity, pa.py_buffer(data)])


def strings_of(values: Sequence[str]) -> pa.StringArray:
    """Make an array of strings."""
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(encoded), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )


def values_of(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return the values of a fixed-width column without nulls, without copying those of an array.

    Parameters
    ----------
    column
        Length n. What stands where a null is, is not defined; timestamps come as their int64.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    if isinstance(column, pa.ChunkedArray):
        parts = [values_of(chunk) for chunk in column.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, _numpy_type(column.type)), *parts])
    data = column.buffers()[-1]
    if data is None:
        return np.empty(0, _numpy_type(column.type))
    return np.frombuffer(data, _numpy_type(column.type), len(column), column.offset * (column.type.bit_width // 8))


def nulls_of(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which values of a column are null, bool of shape (n,)."""
    if isinstance(column, pa.ChunkedArray):
        return np.concatenate([np.empty(0, np.bool_), *(nulls_of(chunk) for chunk in column.chunks)])
    validity = column.buffers()[0]
    if validity is None or column.null_count == 0:
        return np.zeros(len(column), np.bool_)
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    return np.equal(bits[column.offset : column.offset + len(column)], 0)


def _numpy_type(type_: pa.DataType) -> np.dtype[Any]:
    return np.dtype(np.int64) if pa.types.is_timestamp(type_) else np.dtype(type_.to_pandas_dtype())
