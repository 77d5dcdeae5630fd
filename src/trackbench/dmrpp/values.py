"""Reads attributes and fill values of a DMR++."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from trackbench.dmrpp.namespaces import DAP, UnreadableError
from trackbench.dmrpp.types import NUMPY_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

    import numpy as np

_DIGITS: Final = 6
"""Significant digits that Hyrax prints of a float fill value."""


def read_attributes(owner: Element) -> dict[str, Any]:
    """Return the attributes of a group or variable; containers and types without values are left out."""
    return {
        str(element.get("name")): _value(str(element.get("type")), element.iterfind(f"{DAP}Value"))
        for element in owner.iterfind(f"{DAP}Attribute")
        if element.get("type") in NUMPY_NAMES or element.get("type") in {"String", "Url"}
    }


def read_fill(text: str | None, dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the exact fill value, or None where it is not told.

    Hyrax prints floats with six digits, so that the largest float32 reads 3.40282e+38 (OPENDAP/bes). The attribute
    ``_FillValue`` is exact, and is believed if it prints alike.

    Parameters
    ----------
    text
        What stands in ``fillValue``, if it does.
    dtype
        Type of the variable.
    attributes
        Attributes of the variable.

    Raises
    ------
    UnreadableError
        If the text is no value of that type.
    """
    if text is None:
        return None
    if dtype.kind == "S":
        return text.encode("latin-1", "replace")
    try:
        if dtype.kind in "iu":
            return dtype.type(int(text))
        value = float(text)
    except (ValueError, OverflowError):
        raise UnreadableError(f"the fill value {text!r} is no {dtype.name}") from None
    told = attributes.get("_FillValue")
    if isinstance(told, (int, float)) and format(float(told), "g") == format(value, "g"):
        return dtype.type(told)
    return dtype.type(value) if not math.isfinite(value) or _short(text) else None


def _short(text: str) -> bool:
    """Whether a number has fewer digits than would have been cut off."""
    mantissa = text.lower().partition("e")[0].lstrip("+-").replace(".", "").lstrip("0")
    return len(mantissa) < _DIGITS


def _value(type_name: str, elements: Iterable[Element]) -> Any:  # noqa: ANN401
    texts = [element.text or "" for element in elements]
    if type_name in NUMPY_NAMES:
        number = float if NUMPY_NAMES[type_name].startswith("f") else int
        try:
            values: tuple[Any, ...] = tuple(number(text) for text in texts)
        except ValueError:
            # The text itself is the most that can be said of such an attribute.
            values = tuple(texts)
    else:
        values = tuple(texts)
    return values[0] if len(values) == 1 else values
