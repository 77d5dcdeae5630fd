"""Finds the variables that a request needs in a DMR++ of either dialect.

The form is that of Hyrax (OPENDAP/bes, ``get_dmrpp``). It nests groups as the file does, or, with ``-C`` and as
NSIDC had it for release 006, flattens them: ``gt1l_land_ice_segments_h_li`` with the attribute ``fullnamepath``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.backends.virtualizarr.reading import variables_of
from trackbench.errors import FailedError
from trackbench.products import BEAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree import ElementTree as ET

    from trackbench.request import SubsetRequest

DAP: Final = "{http://xml.opendap.org/ns/DAP/4.0#}"
DMRPP: Final = "{http://xml.opendap.org/dap/dmrpp/1.0.0#}"
_NO_VARIABLES: Final = frozenset(f"{DAP}{name}" for name in ("Attribute", "Dimension", "Enumeration", "Group"))
_FULL_PATH: Final = f"{DAP}Attribute[@name='fullnamepath']/{DAP}Value"


@dataclass(frozen=True, slots=True)
class Described:
    """A variable of a ground track, as a DMR++ describes it.

    Attributes
    ----------
    track, path
        The ground track, and the path of the variable in its group.
    group, name
        Path of the group in the DMR++ (empty for the root), and name in it.
    element
        The variable.
    shape
        Its length along each axis.
    """

    track: str
    path: str
    group: str
    name: str
    element: ET.Element
    shape: tuple[int, ...]


def describe(root: ET.Element, request: SubsetRequest) -> list[Described]:
    """Return what the DMR++ says of each variable that a request needs, of the ground tracks that hold rows.

    Raises
    ------
    FailedError
        If a ground track has latitudes but lacks another variable, or a dimension is not declared.
    """
    elements = _flattened(root) if root.find(f"{DAP}Group") is None else None
    found: list[Described] = []
    for track in BEAMS:
        of_track: list[Described] = []
        for variable in variables_of(request):
            path = f"{track}/{variable.path}"
            element = _nested(root, path) if elements is None else elements.get(f"/{path}")
            if element is None and variable == request.product.latitude:
                break
            if element is None:
                raise FailedError(f"The DMR++ of {root.get('name')} has no variable /{path}.")
            group = path.rpartition("/")[0] if elements is None else ""
            shape = _shape(root, element)
            of_track.append(Described(track, variable.path, group, element.get("name", ""), element, shape))
        if of_track and of_track[0].shape != (0,):
            found += of_track
    return found


def names_in(root: ET.Element, group: str) -> set[str]:
    """Return the names of all variables in a group, the root where its path is empty."""
    parent = _group(root, group)
    return set() if parent is None else {element.get("name", "") for element in _variables(parent)}


def _variables(parent: ET.Element) -> Iterator[ET.Element]:
    return (each for each in parent if each.tag.startswith(DAP) and each.tag not in _NO_VARIABLES)


def _flattened(root: ET.Element) -> dict[str, ET.Element]:
    paths = ((each.findtext(_FULL_PATH), each) for each in _variables(root))
    return {path: each for path, each in paths if path is not None}


def _nested(root: ET.Element, path: str) -> ET.Element | None:
    parent, _, name = path.rpartition("/")
    group = _group(root, parent)
    return None if group is None else next((each for each in _variables(group) if each.get("name") == name), None)


def _group(root: ET.Element, path: str) -> ET.Element | None:
    group: ET.Element | None = root
    for name in filter(None, path.split("/")):
        if group is not None:
            group = group.find(f"{DAP}Group[@name='{name}']")
    return group


def _shape(root: ET.Element, element: ET.Element) -> tuple[int, ...]:
    return tuple(_length(root, dim) for dim in element.iterfind(f"{DAP}Dim"))


def _length(root: ET.Element, dim: ET.Element) -> int:
    size, path = dim.get("size"), dim.get("name", "")
    if size is None:
        parent, _, name = path.strip("/").rpartition("/")
        group = _group(root, parent)
        declared = None if group is None else group.find(f"{DAP}Dimension[@name='{name}']")
        size = None if declared is None else declared.get("size")
    if size is None:
        raise FailedError(f"The DMR++ of {root.get('name')} does not declare the dimension {path}.")
    return int(size)
