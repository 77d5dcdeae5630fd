"""Reads attributes of HDF5 objects as text in the digits of Hyrax."""

from __future__ import annotations

from typing import Any, Final

import h5py
import numpy as np

from trackbench.dmrpp.described import FoundAttribute
from trackbench.dmrpp.types import dap_type

_OF_SCALES: Final = frozenset({b"CLASS", b"DIMENSION_LABELS", b"DIMENSION_LIST", b"NAME", b"REFERENCE_LIST"})
"""Where HDF5 keeps dimension scales: told by ``Dim`` elements instead."""


def read_attributes(target: Any) -> tuple[FoundAttribute, ...]:  # noqa: ANN401 - untyped h5py
    """Return the attributes of a group or dataset, in the order of the file.

    Those that DAP4 has no type for, such as references, are left out, as Hyrax does.

    Parameters
    ----------
    target
        h5py's low-level identifier.
    """
    names: list[bytes] = []
    h5py.h5a.iterate(target, names.append, index_type=h5py.h5.INDEX_NAME, order=h5py.h5.ITER_NATIVE)
    told = (name for name in names if name not in _OF_SCALES)
    found = (_read(h5py.h5a.open(target, name), name.decode()) for name in told)
    return tuple(attribute for attribute in found if attribute is not None)


def _read(attribute: Any, name: str) -> FoundAttribute | None:  # noqa: ANN401
    kind = attribute.get_type()
    type_name = dap_type(kind)
    if type_name is None:
        return None
    space = attribute.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return FoundAttribute(name, type_name, ("",))
    values = np.empty(space.shape, kind.dtype)
    # Told the type, h5py need not make one out of numpy's, which takes longer than all else here.
    attribute.read(values, None if values.dtype.kind == "O" else kind)
    if type_name == "String":
        return FoundAttribute(name, type_name, tuple(_text(value) for value in values.reshape(-1)))
    return FoundAttribute(name, type_name, tuple(_number(value) for value in values.reshape(-1)))


def _text(value: bytes | str) -> str:
    raw = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _number(value: np.generic) -> str:
    """Write 10 digits of a float32, 17 of a float64, and the point that C leaves out."""
    if not isinstance(value, np.floating):
        return str(value)
    text = f"{float(value):.{10 if value.itemsize == np.float32().itemsize else 17}g}"
    return text if not np.isfinite(value) or "." in text or "e" in text else f"{text}."
