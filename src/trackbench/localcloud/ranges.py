"""Byte ranges and preconditions of GET and HEAD (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from typing import Final

from trackbench.errors import InputError

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


class UnsatisfiableRangeError(InputError):
    """The range starts behind the end of the object: status 416."""


def parse_range(field: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the byte behind the last, or None for the whole object.

    A field that is no single byte range is ignored, as RFC 9110 (14.2) asks and as the object store does.

    Raises
    ------
    UnsatisfiableRangeError
        If no byte of the object is in the range.
    """
    if field is None:
        return None
    found = _RANGE.fullmatch(field.strip())
    if found is None:
        return None
    first, last = found.groups()
    if first:
        start = int(first)
        stop = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(0, size - int(last)), size
    else:
        return None
    if start >= size or stop <= start:
        raise UnsatisfiableRangeError(f"The range {field!r} is not within the object's {size} bytes.")
    return start, stop


def etag_matches(field: str, etag: str) -> bool:
    """Return whether an If-Match or If-None-Match field names `etag` (quoted, strong) or any."""
    return any(candidate.strip() in ("*", etag, etag.strip('"')) for candidate in field.split(","))
