"""The types of DAP4 and those of HDF5."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import h5py

NUMPY_NAMES: Final = MappingProxyType(
    {
        "Byte": "u1",
        "UInt8": "u1",
        "Int8": "i1",
        "Int16": "i2",
        "UInt16": "u2",
        "Int32": "i4",
        "UInt32": "u4",
        "Int64": "i8",
        "UInt64": "u8",
        "Float32": "f4",
        "Float64": "f8",
    }
)
"""Atomic numbers of DAP4, and numpy's names for them without a byte order."""
_FLOATS: Final = MappingProxyType({4: "Float32", 8: "Float64"})


def dap_type(kind: Any) -> str | None:  # noqa: ANN401 - untyped h5py
    """Return the DAP4 type of an HDF5 type; None for those that are neither numbers nor text."""
    family, size = kind.get_class(), kind.get_size()
    if family == h5py.h5t.STRING:
        return "String"
    if family == h5py.h5t.FLOAT:
        return _FLOATS.get(size)
    if family != h5py.h5t.INTEGER:
        return None
    signed = kind.get_sign() == h5py.h5t.SGN_2
    if size == 1:
        return "Int8" if signed else "Byte"
    return f"{'Int' if signed else 'UInt'}{8 * size}"
