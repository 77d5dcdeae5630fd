"""Reads one variable of a DMR++; what it does not know it refuses, since a guess would give wrong values."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np

from trackbench.dmrpp.model import Chunk, Filter, Storage, Variable
from trackbench.dmrpp.namespaces import DAP, DMRPP, UnreadableError, integer, needed
from trackbench.dmrpp.types import NUMPY_NAMES
from trackbench.dmrpp.values import read_attributes, read_fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

_FILTERS: Final = frozenset({"shuffle", "deflate", "fletcher32"})
_TOLD_OF_CHUNKS: Final = frozenset({"compressionType", "deflateLevel", "fillValue", "byteOrder"})
_TOLD_OF_CHUNK: Final = frozenset({"offset", "nBytes", "chunkPositionInArray"})
_ORDERS: Final[dict[str | None, Literal["<", ">"]]] = {"LE": "<", "BE": ">"}
_KNOWN: Final = frozenset(
    {
        *(f"{DAP}{name}" for name in ("Dim", "Attribute", "Map")),
        *(f"{DMRPP}{name}" for name in ("chunks", "compact", "FixedLengthStringArray")),
    }
)


def read_variable(
    element: Element, path: str, dims: tuple[str | None, ...], shape: tuple[int, ...], *, versioned: bool
) -> Variable:
    """Read a variable.

    Parameters
    ----------
    element
        The element of the variable.
    path
        Its path in the HDF5 file.
    dims, shape
        Dimension and length of each axis.
    versioned
        Whether the DMR++ tells the version of its writer. Older ones always say "deflate shuffle" where HDF5
        shuffles first (OPENDAP/bes, changed with Fletcher32 in 2021).

    Raises
    ------
    UnreadableError
        If the variable cannot be represented.
    """
    type_name = element.tag.rpartition("}")[2]
    if type_name != "String" and type_name not in NUMPY_NAMES:
        raise UnreadableError(f"its type is {type_name}")
    for inner in element:
        if inner.tag not in _KNOWN:
            raise UnreadableError(f"it holds <{inner.tag.rpartition('}')[2]}>")
    told = element.find(f"{DMRPP}chunks")
    compact = element.find(f"{DMRPP}compact")
    if told is None and compact is None:
        raise UnreadableError("nothing tells where its data are")
    inline = None if compact is None else _decoded(compact.text or "")
    count = math.prod(shape)
    dtype = _dtype(element, type_name, told, count, inline)
    attributes = read_attributes(element)
    if told is None or inline is not None:
        assert inline is not None
        if told is not None and len(told):
            raise UnreadableError("it has both chunks and compact data")
        if len(inline) != count * dtype.itemsize:
            raise UnreadableError(f"its compact data have {len(inline)} bytes, not {count * dtype.itemsize}")
        fill = None if told is None else read_fill(told.get("fillValue"), dtype, attributes)
        known = (path, type_name, dtype, dims, shape, attributes)
        return Variable(*known, "inline", shape, (), None, fill, (), inline)
    strange = set(told.attrib) - _TOLD_OF_CHUNKS
    if strange:
        raise UnreadableError(f"<dmrpp:chunks> tells {', '.join(sorted(strange))}")
    storage, chunk_shape = _chunk_shape(told, shape)
    filters = _filters(told.get("compressionType", ""), versioned=versioned)
    chunks = _chunks(told, shape, chunk_shape, None if filters else dtype.itemsize)
    fill = read_fill(told.get("fillValue"), dtype, attributes)
    whole = math.prod(-(-length // side) for length, side in zip(shape, chunk_shape, strict=True)) if count else 0
    if fill is None and len(chunks) < whole:
        raise UnreadableError(
            f"{whole - len(chunks)} of its {whole} chunks were never written, and the fill value"
            f" {told.get('fillValue', 'that they hold')!r} is not told exactly"
        )
    level = told.get("deflateLevel")
    return Variable(
        path=path,
        dap_type=type_name,
        dtype=dtype,
        dims=dims,
        shape=shape,
        attributes=attributes,
        storage=storage,
        chunk_shape=chunk_shape,
        filters=filters,
        deflate_level=None if level is None else integer(level),
        fill_value=fill,
        chunks=chunks,
        inline=None,
    )


def _dtype(
    element: Element, type_name: str, told: Element | None, count: int, inline: bytes | None
) -> np.dtype[Any]:
    if type_name == "String":
        return np.dtype(f"S{_text_length(element, told, count, inline)}")
    bare = np.dtype(NUMPY_NAMES[type_name])
    order = None if told is None else told.get("byteOrder")
    if order is None and (inline is not None or bare.itemsize == 1):
        order = "LE"
    if order not in _ORDERS:
        raise UnreadableError(f"byteOrder is {order or 'not told'}")
    return bare.newbyteorder(_ORDERS[order])


def _text_length(element: Element, told: Element | None, count: int, inline: bytes | None) -> int:
    """Return the bytes of one text: as told, or in older DMR++ what all of them share."""
    fixed = element.find(f"{DMRPP}FixedLengthStringArray")
    if fixed is not None:
        return integer(needed(fixed, "string_length"))
    size = len(inline) if inline is not None else 0
    if inline is None and told is not None:
        chunks = told.findall(f"{DMRPP}chunk")
        if len(chunks) != 1 or told.get("compressionType") or chunks[0].get("chunkPositionInArray"):
            raise UnreadableError("the length of its text is not told")
        size = integer(needed(chunks[0], "nBytes"))
    if not count or size % count:
        raise UnreadableError("the length of its text is not told")
    return size // count


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise UnreadableError("its compact data are not base64") from None


def _chunk_shape(told: Element, shape: tuple[int, ...]) -> tuple[Storage, tuple[int, ...]]:
    sizes = told.find(f"{DMRPP}chunkDimensionSizes")
    if sizes is None:
        return "contiguous", shape
    chunk_shape = tuple(integer(side) for side in (sizes.text or "").split())
    if len(chunk_shape) != len(shape) or not all(chunk_shape):
        raise UnreadableError(f"its chunks have the sizes {sizes.text!r}, and its axes are {len(shape)}")
    return "chunked", chunk_shape


def _filters(text: str, *, versioned: bool) -> tuple[Filter, ...]:
    names = text.split()
    unknown = [name for name in names if name not in _FILTERS]
    if unknown or len(set(names)) != len(names):
        raise UnreadableError(f"compressionType is {text!r}")
    if not versioned and names == ["deflate", "shuffle"]:
        names.reverse()
    return cast("tuple[Filter, ...]", tuple(names))


def _chunks(
    told: Element, shape: tuple[int, ...], chunk_shape: tuple[int, ...], item_size: int | None
) -> tuple[Chunk, ...]:
    """Read the chunks; `item_size` is None where a stored chunk may have any size."""
    found: dict[tuple[int, ...], Chunk] = {}
    for element in told:
        if element.tag == f"{DMRPP}chunkDimensionSizes":
            continue
        if element.tag != f"{DMRPP}chunk":
            raise UnreadableError(f"<dmrpp:chunks> holds <{element.tag.rpartition('}')[2]}>")
        strange = set(element.attrib) - _TOLD_OF_CHUNK
        if strange:
            raise UnreadableError(f"a chunk tells {', '.join(sorted(strange))}")
        chunk = _chunk(element, len(shape))
        off = [
            index % side or index >= length
            for index, side, length in zip(chunk.position, chunk_shape, shape, strict=True)
        ]
        if any(off) or chunk.position in found:
            raise UnreadableError(f"a chunk stands at {list(chunk.position)}, off the grid or twice")
        if item_size is not None and chunk.size != math.prod(chunk_shape) * item_size:
            raise UnreadableError(f"the chunk at {list(chunk.position)} has {chunk.size} bytes")
        found[chunk.position] = chunk
    return tuple(found.values())


def _chunk(element: Element, axes: int) -> Chunk:
    offset, size = integer(needed(element, "offset")), integer(needed(element, "nBytes"))
    text = element.get("chunkPositionInArray")
    if text is None:
        return Chunk(offset, size, (0,) * axes)
    if not (text.startswith("[") and text.endswith("]")):
        raise UnreadableError(f"a chunk stands at {text!r}")
    position = tuple(integer(index) for index in text[1:-1].split(","))
    if len(position) != axes:
        raise UnreadableError(f"a chunk stands at {text!r}, and its axes are {axes}")
    return Chunk(offset, size, position)


def shape_of(element: Element, sizes: Mapping[str, int]) -> tuple[tuple[str | None, ...], tuple[int, ...]]:
    """Return name and length of each axis, given the lengths of dimensions by path.

    Raises
    ------
    UnreadableError
        If an axis has no length, or names a dimension that is not declared.
    """
    dims: list[str | None] = []
    shape = []
    for dim in element.iterfind(f"{DAP}Dim"):
        name = dim.get("name")
        if name is not None and name not in sizes:
            raise UnreadableError(f"its dimension {name} is not declared")
        dims.append(name)
        shape.append(sizes[name] if name is not None else integer(needed(dim, "size")))
    return tuple(dims), tuple(shape)
