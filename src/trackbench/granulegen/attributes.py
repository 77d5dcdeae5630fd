"""Writes attributes the way released granules hold them: fixed-length text, scalars, one-element fill values."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.granulegen.layout import Item

_SCALAR: Final = h5py.h5s.create(h5py.h5s.SCALAR)


def write_attributes(target: Any, item: Item, facts: Mapping[str, Any]) -> None:  # noqa: ANN401 - untyped h5py
    """Write the attributes of a group or dataset.

    Parameters
    ----------
    target
        h5py's low-level identifier of the group or dataset.
    item
        What the layout says of it.
    facts
        Values of the names that the layout writes with a dollar sign.
    """
    if item.fill is not None:
        assert item.dtype is not None
        _write_numbers(target, "_FillValue", np.array([item.fill]).astype(item.dtype))
    for name, told in item.attributes.items():
        value = facts[told[1:]] if isinstance(told, str) and told.startswith("$") else told
        if isinstance(value, dict):
            value = _filler(item, value, facts)
        if isinstance(value, str):
            _write_text(target, name, value)
        elif isinstance(value, np.generic):
            _write_numbers(target, name, np.array(value))
        else:
            _write_numbers(target, name, np.array(value, item.dtype or np.float64))


def _write_text(target: Any, name: str, text: str) -> None:  # noqa: ANN401
    """Write fixed-length text that ends in a NUL byte."""
    raw = text.encode() + b"\0"
    kind = _text_kind(len(raw))
    attribute = h5py.h5a.create(target, name.encode(), kind, _SCALAR)
    attribute.write(np.array(raw, f"S{len(raw)}"), mtype=kind)


@cache
def _text_kind(size: int) -> Any:  # noqa: ANN401
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.lock()
    return kind


def _write_numbers(target: Any, name: str, values: np.ndarray[Any, Any]) -> None:  # noqa: ANN401
    """Write a scalar or an array of numbers."""
    space = h5py.h5s.create_simple(values.shape) if values.shape else _SCALAR
    kind = h5py.h5t.py_create(values.dtype)
    h5py.h5a.create(target, name.encode(), kind, space).write(values)


def _filler(item: Item, told: Mapping[str, int], facts: Mapping[str, Any]) -> str:
    """Write a text of the length that the real one has, so that metadata takes the room that it takes there."""
    if "xml" in told:
        return _metadata_xml(told["xml"], facts)
    subject = item.attributes.get("long_name") or item.path.rsplit("/", 1)[-1]
    sentence = f"{subject}, made up by trackbench; this text is as long as the one in a released granule. "
    return (sentence * (told["text"] // len(sentence) + 1))[: told["text"] - 1] + "."


def _metadata_xml(length: int, facts: Mapping[str, Any]) -> str:
    """Write a short ISO 19115 record, lengthened by a comment."""
    head = (
        '<?xml version="1.0"?>\n'
        '<gmd:MD_Metadata xmlns:gmd="http://www.isotc211.org/2005/gmd"'
        ' xmlns:gco="http://www.isotc211.org/2005/gco">'
        f"<gmd:fileIdentifier><gco:CharacterString>{escape(facts['file_name'])}</gco:CharacterString>"
        "</gmd:fileIdentifier><!-- "
    )
    tail = " --></gmd:MD_Metadata>"
    return head + "synthetic ".ljust(length - len(head) - len(tail), ".") + tail
