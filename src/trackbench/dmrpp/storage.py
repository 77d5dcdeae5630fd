"""Says where an HDF5 dataset's data are, as the lines of XML that DMR++ adds to a DMR."""

from __future__ import annotations

import base64
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

from trackbench.dmrpp.markup import STEP, escaped
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILTERS: Final = MappingProxyType(
    {
        h5py.h5z.FILTER_SHUFFLE: "shuffle",
        h5py.h5z.FILTER_DEFLATE: "deflate",
        h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    }
)
_PADDING: Final = MappingProxyType(
    {h5py.h5t.STR_NULLTERM: "null_term", h5py.h5t.STR_NULLPAD: "null_pad", h5py.h5t.STR_SPACEPAD: "space_pad"}
)
_ORDERS: Final = MappingProxyType({h5py.h5t.ORDER_LE: "LE", h5py.h5t.ORDER_BE: "BE", h5py.h5t.ORDER_NONE: "LE"})


def storage_lines(dataset: Any, path: str, shape: tuple[int, ...]) -> tuple[str, ...]:  # noqa: ANN401 - untyped h5py
    """Return the lines for one dataset of numbers or text.

    Parameters
    ----------
    dataset
        h5py's low-level identifier.
    path
        Its path, for messages.
    shape
        Its shape.

    Raises
    ------
    FailedError
        If the data are stored in a way that DMR++ cannot say, or that is not known how Hyrax says.
    """
    kind = dataset.get_type()
    if kind.get_class() == h5py.h5t.STRING and kind.is_variable_str():
        return tuple(_variable_length(dataset, shape))
    creation = dataset.get_create_plist()
    if creation.get_external_count():
        raise FailedError(f"{path} keeps its data in other files, which DMR++ cannot describe.")
    layout = creation.get_layout()
    lines: list[str]
    if layout == h5py.h5d.COMPACT:
        lines = [f"<dmrpp:chunks{_fill(creation, kind)}/>", f"<dmrpp:compact>{_inline(dataset)}</dmrpp:compact>"]
    elif layout == h5py.h5d.CONTIGUOUS:
        offset = dataset.get_offset()
        size = math.prod(shape) * kind.get_size()
        chunks = [] if offset is None or not size else [f'<dmrpp:chunk offset="{offset}" nBytes="{size}"/>']
        lines = _chunks(f"{_fill(creation, kind)}{_order(kind)}", chunks)
    elif layout == h5py.h5d.CHUNKED:
        sizes = " ".join(str(side) for side in creation.get_chunk())
        told = f"{_compression(creation, path)}{_fill(creation, kind)}{_order(kind)}"
        chunks = [f"<dmrpp:chunkDimensionSizes>{sizes}</dmrpp:chunkDimensionSizes>", *_stored(dataset, path)]
        lines = _chunks(told, chunks)
    else:
        raise FailedError(f"{path} is a virtual dataset, which DMR++ cannot describe.")
    if kind.get_class() == h5py.h5t.STRING:
        pad = _PADDING[kind.get_strpad()]
        lines.append(f'<dmrpp:FixedLengthStringArray string_length="{kind.get_size()}" pad="{pad}"/>')
    return tuple(lines)


def _chunks(told: str, inner: list[str]) -> list[str]:
    if not inner:
        return [f"<dmrpp:chunks{told}/>"]
    return [f"<dmrpp:chunks{told}>", *(STEP + line for line in inner), "</dmrpp:chunks>"]


def _stored(dataset: Any, path: str) -> list[str]:  # noqa: ANN401
    lines: list[str] = []

    def add(stored: Any) -> None:  # noqa: ANN401
        if stored.filter_mask:
            raise FailedError(
                f"{path} has a chunk at {stored.chunk_offset} that passed only some of the filters (mask"
                f" {stored.filter_mask}); that cannot be described safely. Rewrite the file with h5repack."
            )
        position = ",".join(str(index) for index in stored.chunk_offset)
        where = f'offset="{stored.byte_offset}" nBytes="{stored.size}"'
        lines.append(f'<dmrpp:chunk {where} chunkPositionInArray="[{position}]"/>')

    dataset.chunk_iter(add)
    return lines


def _compression(creation: Any, path: str) -> str:  # noqa: ANN401
    names: list[str] = []
    level = ""
    for index in range(creation.get_nfilters()):
        code, _, values, told = creation.get_filter(index)
        if code not in _FILTERS:
            raise FailedError(f"{path} passed the filter {told.decode() or code}, which DMR++ cannot describe.")
        names.append(_FILTERS[code])
        if code == h5py.h5z.FILTER_DEFLATE:
            level = f' deflateLevel="{values[0]}"'
    return f' compressionType="{" ".join(names)}"{level}' if names else ""


def _fill(creation: Any, kind: Any) -> str:  # noqa: ANN401
    """Return the fill value in the six digits that C++ prints of a float."""
    if creation.fill_value_defined() == h5py.h5d.FILL_VALUE_UNDEFINED:
        return ""
    value = np.zeros((), kind.dtype)
    creation.get_fill_value(value)
    if value.dtype.kind == "S":
        return f' fillValue="{escaped(value.item().decode("latin-1"))}"'
    return f' fillValue="{format(value.item(), "g") if value.dtype.kind == "f" else value.item()}"'


def _order(kind: Any) -> str:  # noqa: ANN401
    return "" if kind.get_class() == h5py.h5t.STRING else f' byteOrder="{_ORDERS[kind.get_order()]}"'


def _inline(dataset: Any) -> str:  # noqa: ANN401
    """Return all values of a small dataset, little-endian."""
    values = np.empty(dataset.shape, dataset.dtype.newbyteorder("<"))
    dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
    return base64.b64encode(values.tobytes()).decode()


def _variable_length(dataset: Any, shape: tuple[int, ...]) -> Iterator[str]:  # noqa: ANN401
    values = np.empty(shape, dataset.dtype)
    dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in values.reshape(-1)]
    if not shape:
        yield f"<dmrpp:compact>{base64.b64encode(texts[0].encode()).decode()}</dmrpp:compact>"
        return
    yield "<dmrpp:vlsa>"
    for text in texts:
        yield f"{STEP}<v>{escaped(text)}</v>"
    yield "</dmrpp:vlsa>"
