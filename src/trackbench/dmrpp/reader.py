"""Reads DMR++ of both dialects into one form: groups, variables and chunks by their paths in the HDF5 file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from trackbench.dmrpp.model import Dmrpp, Group, Variable
from trackbench.dmrpp.namespaces import DAP, DMRPP, UnreadableError, integer, needed
from trackbench.dmrpp.read_variable import read_variable, shape_of
from trackbench.dmrpp.values import read_attributes
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trackbench.dmrpp.writer import Dialect

_NO_VARIABLES: Final = frozenset({f"{DAP}{name}" for name in ("Attribute", "Dimension", "Enumeration", "Group")})
_PATH: Final = f"{DAP}Attribute[@name='fullnamepath']/{DAP}Value"
_HIDDEN: Final = frozenset({"origname", "fullnamepath"})


def read_dmrpp(source: Path | str | bytes) -> Dmrpp:
    """Read a DMR++ of either dialect.

    A variable that cannot be represented does not keep the others from being read: asking for it raises.

    Parameters
    ----------
    source
        A file, or the document itself.

    Raises
    ------
    FailedError
        If the file is missing, or what it holds is not a DMR++.
    """
    root = _parsed(source)
    if root.tag != f"{DAP}Dataset":
        raise FailedError(f"The document is no DMR++: its root is <{root.tag.rpartition('}')[2]}>.")
    version = root.get(f"{DMRPP}version")
    flat = root.find(f"{DAP}Group") is None and any(one.find(_PATH) is not None for one in _variables(root))
    dialect: Dialect = "flattened" if flat else "hierarchical"
    try:
        tree = _Flattened(root, version).tree() if flat else _nested(root, "/", _sizes(root, ""), version)
    except UnreadableError as error:
        raise FailedError(f"The DMR++ cannot be read: {error}.") from error
    return Dmrpp(root.get("name", ""), root.get(f"{DMRPP}href"), version, dialect, tree)


def _parsed(source: Path | str | bytes) -> ET.Element:
    try:
        text = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise FailedError(f"The DMR++ cannot be read: {error}.") from error
    if isinstance(text, str):
        # Decoded already: what the document says of its encoding no longer holds.
        text = text.partition("?>")[2].encode() if text.startswith("<?xml") else text.encode()
    # Entities could name local files or grow without end. No DMR++ declares any, in any encoding.
    if b"<!DOCTYPE" in text or b"\0" in text:
        raise FailedError("The DMR++ declares a document type, which none does: it is not read.")
    try:
        return ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise FailedError(f"The DMR++ is not whole: {error}. Fetch it again.") from error


def _variables(element: ET.Element) -> Iterator[ET.Element]:
    return (one for one in element if one.tag.startswith(DAP) and one.tag not in _NO_VARIABLES)


def _sizes(element: ET.Element, path: str) -> dict[str, int]:
    """Return the lengths of all dimensions in a group and below it, by path."""
    found = {
        f"{path}/{needed(one, 'name')}": integer(needed(one, "size"))
        for one in element.iterfind(f"{DAP}Dimension")
    }
    for group in element.iterfind(f"{DAP}Group"):
        found |= _sizes(group, f"{path}/{needed(group, 'name')}")
    return found


def _nested(element: ET.Element, path: str, sizes: Mapping[str, int], version: str | None) -> Group:
    base = path.rstrip("/")
    variables: dict[str, Variable] = {}
    unreadable: dict[str, str] = {}
    for one in _variables(element):
        name = needed(one, "name")
        try:
            dims, shape = shape_of(one, sizes)
            variables[name] = read_variable(one, f"{base}/{name}", dims, shape, versioned=version is not None)
        except UnreadableError as error:
            unreadable[name] = str(error)
    return Group(
        path,
        {needed(one, "name"): integer(needed(one, "size")) for one in element.iterfind(f"{DAP}Dimension")},
        read_attributes(element),
        variables,
        unreadable,
        {
            needed(one, "name"): _nested(one, f"{base}/{needed(one, 'name')}", sizes, version)
            for one in element.iterfind(f"{DAP}Group")
        },
    )


class _Flattened:
    """Puts flattened variables back to where their attribute ``fullnamepath`` says.

    What has none was made up by the flattening, such as ``FakeDim0`` for axes without a name, and is left out.
    """

    def __init__(self, root: ET.Element, version: str | None) -> None:
        self._root = root
        self._version = version
        self._sizes = _sizes(root, "")
        self._paths = {f"/{needed(one, 'name')}": one.findtext(_PATH) for one in _variables(root)}
        self._groups: dict[str, tuple[dict[str, Any], ...]] = {}

    def tree(self) -> Group:
        """Return the root group."""
        self._parts("/")[1].update(read_attributes(self._root))
        for one in self._root.iterfind(f"{DAP}Attribute[@type='Container']"):
            path = one.findtext(_PATH)
            if path is not None:
                self._parts(path)[1].update(_without_names(read_attributes(one)))
        for name, size in self._sizes.items():
            path = self._true(name)
            if path is not None:
                parent, _, last = path.rpartition("/")
                self._parts(parent or "/")[0][last] = size
        for one in _variables(self._root):
            self._add(one)
        return self._group("/")

    def _true(self, dim: str) -> str | None:
        """Return the path of a dimension: that of its variable; None if that was made up."""
        return self._paths.get(dim, dim)

    def _parts(self, path: str) -> tuple[dict[str, Any], ...]:
        """Return dimensions, attributes, variables, unreadable ones and groups of a group; made if need be."""
        if path not in self._groups:
            self._groups[path] = ({}, {}, {}, {}, {})
            if path != "/":
                parent, _, name = path.rpartition("/")
                self._parts(parent or "/")[4][name] = path
        return self._groups[path]

    def _add(self, element: ET.Element) -> None:
        path = self._paths[f"/{needed(element, 'name')}"]
        if path is None:
            return
        parent, _, name = path.rpartition("/")
        _, _, variables, unreadable, _ = self._parts(parent or "/")
        try:
            dims, shape = shape_of(element, self._sizes)
            true = tuple(None if dim is None else self._true(dim) for dim in dims)
            found = read_variable(element, path, true, shape, versioned=self._version is not None)
        except UnreadableError as error:
            unreadable[name] = str(error)
        else:
            variables[name] = replace(found, attributes=_without_names(found.attributes))

    def _group(self, path: str) -> Group:
        dimensions, attributes, variables, unreadable, below = self._groups[path]
        groups = {name: self._group(inner) for name, inner in below.items()}
        return Group(path, dimensions, attributes, variables, unreadable, groups)


def _without_names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in _HIDDEN}
