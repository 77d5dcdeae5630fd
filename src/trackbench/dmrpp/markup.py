"""Pieces of XML as libxml2 writes them: indented by four, in ISO-8859-1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trackbench.dmrpp.described import FoundAttribute

STEP: Final = "    "
_SPECIAL: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_ODD: Final = re.compile(r'[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f]|[^\x00-\xff]')


def escaped(text: str) -> str:
    """Return text as it stands in an element or between quotes."""
    return _ODD.sub(_escape, text)


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Put lines one step to the right."""
    return (STEP + line for line in lines)


def element(opening: str, inner: Iterable[str]) -> Iterator[str]:
    """Yield an element, given as ``Tag name="..."``, around its inner lines; a closed one if there are none."""
    first = True
    for line in inner:
        if first:
            yield f"<{opening}>"
            first = False
        yield STEP + line
    yield f"<{opening}/>" if first else f"</{opening.partition(' ')[0]}>"


def attribute_lines(attribute: FoundAttribute) -> Iterator[str]:
    """Yield an attribute with its values."""
    values = (f"<Value>{escaped(value)}</Value>" for value in attribute.values)
    return element(f'Attribute name="{escaped(attribute.name)}" type="{attribute.dap_type}"', values)


def container_lines(name: str, attributes: Iterable[FoundAttribute]) -> Iterator[str]:
    """Yield a container of attributes."""
    inner = (line for attribute in attributes for line in attribute_lines(attribute))
    return element(f'Attribute name="{escaped(name)}" type="Container"', inner)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SPECIAL:
        return _SPECIAL[character]
    # XML has no way to write control characters.
    return " " if character < " " else f"&#{ord(character)};"
