"""Refuses what VirtualiZarr's DMR++ parser (2.8.0) misreads, some of it without a word.

Each was tried with the DMR++ of Hyrax 3.22; what goes right (fletcher32 behind deflate, contiguous data) passes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from trackbench.backends.virtualizarr.dmrpp_document import DAP, DMRPP
from trackbench.errors import UnsupportedError

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from trackbench.backends.virtualizarr.dmrpp_document import Described

_ONE_BYTE: Final = frozenset({f"{DAP}{name}" for name in ("Byte", "Char", "Int8", "UByte", "UInt8")})
_RIGHT: Final = frozenset(
    {
        (),
        ("deflate",),
        ("shuffle",),
        ("shuffle", "deflate"),
        ("deflate", "fletcher32"),
        ("shuffle", "deflate", "fletcher32"),
    }
)


def refuse_what_is_misread(variable: Described) -> None:
    """Raise where the parser would make references to wrong values, or none.

    Raises
    ------
    UnsupportedError
        Naming the variable and the construct.
    """
    reason = _reason(variable)
    if reason is not None:
        raise UnsupportedError(
            f"VirtualiZarr misreads the DMR++ of /{variable.track}/{variable.path}: {reason}. Read this granule"
            " with virtualizarr:hdf, or with the baseline."
        )


def _reason(variable: Described) -> str | None:
    """Return what is misread, or None."""
    if not variable.shape:
        return "a scalar, for which it makes no reference and reads 0"
    if variable.element.find(f"{DMRPP}compact") is not None:
        return "compact storage, which it leaves out"
    chunks = variable.element.find(f"{DMRPP}chunks")
    if chunks is None:
        return "no chunks at all, so that it cannot tell where the values are"
    one_byte = variable.element.tag in _ONE_BYTE
    if chunks.get("byteOrder") == "BE" and not one_byte:
        return "big-endian values, which it takes for little-endian"
    filters = tuple(chunks.get("compressionType", "").split())
    if filters not in _RIGHT and not (one_byte and filters == ("deflate", "shuffle")):
        return (
            f"the filters {' '.join(filters)!r}. It takes them in the order in which they are written, which"
            " DMR++ of before 2021 have reversed"
        )
    return _hole(variable, chunks)


def _hole(variable: Described, chunks: ET.Element) -> str | None:
    sizes = chunks.findtext(f"{DMRPP}chunkDimensionSizes")
    sides = variable.shape if sizes is None else tuple(map(int, sizes.split()))
    expected = math.prod(-(-length // side) for length, side in zip(variable.shape, sides, strict=True))
    there = len(chunks.findall(f"{DMRPP}chunk"))
    if there == expected:
        return None
    return (
        f"{expected - there} of its {expected} chunks were never written. It cannot place missing chunks at the"
        f" end, and elsewhere reads the fill value as printed with six digits ({chunks.get('fillValue')})"
    )
