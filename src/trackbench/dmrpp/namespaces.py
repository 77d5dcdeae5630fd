"""Names of elements in a DMR++, as `xml.etree` spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DAP: Final = "{http://xml.opendap.org/ns/DAP/4.0#}"
DMRPP: Final = "{http://xml.opendap.org/dap/dmrpp/1.0.0#}"


class UnreadableError(Exception):
    """A variable is described in a way that cannot be represented; the text names the construct."""


def needed(element: Element, name: str) -> str:
    """Return an XML attribute that must be there."""
    value = element.get(name)
    if value is None:
        raise UnreadableError(f"<{element.tag.rpartition('}')[2]}> lacks {name}=")
    return value


def integer(text: str) -> int:
    """Return a number that is no less than 0."""
    if not (text.isascii() and text.isdigit()):
        raise UnreadableError(f"{text!r} stands where a number of elements or bytes should")
    return int(text)
