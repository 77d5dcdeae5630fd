"""What a DMR++ says: a tree of groups, the variables in them, and where their chunks lie in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

Storage = Literal["chunked", "contiguous", "inline"]
Filter = Literal["shuffle", "deflate", "fletcher32"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a variable in the file.

    Attributes
    ----------
    offset
        First byte, from the beginning of the file.
    size
        Bytes, as stored.
    position
        Index of its first element in the variable, one number for each axis.
    """

    offset: int
    size: int
    position: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable.

    Attributes
    ----------
    path
        Path in the HDF5 file, also where the DMR++ has flattened names.
    dap_type
        Name of its type in DAP4, such as ``Float32``.
    dtype
        Type of its elements in the file, byte order included; ``S`` and a length for text.
    dims
        Path of the dimension of each axis; None for one without a name.
    shape
        Length of each axis; empty for a scalar.
    attributes
        By name: text, a number, or a tuple of those.
    storage
        ``inline`` data are in the DMR++ itself; the others are in the file.
    chunk_shape
        Elements of a chunk along each axis; that of the whole variable if it is not chunked.
    filters
        In the order in which they were applied when writing.
    deflate_level
        None where it is not told.
    fill_value
        Value of what was never written, exact; None where the DMR++ does not tell it exactly.
    chunks
        In the order of the DMR++. What is not among them was never written and holds `fill_value`.
    inline
        All values, little-endian and in C order, of ``inline`` storage.
    """

    path: str
    dap_type: str
    dtype: np.dtype[Any]
    dims: tuple[str | None, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, Any]
    storage: Storage
    chunk_shape: tuple[int, ...]
    filters: tuple[Filter, ...]
    deflate_level: int | None
    fill_value: Any
    chunks: tuple[Chunk, ...]
    inline: bytes | None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Group:
    """A group.

    Attributes
    ----------
    path
        Path in the HDF5 file; ``/`` for the root.
    dimensions
        Lengths of the dimensions that are declared in it, by name.
    attributes
        By name: text, a number, or a tuple of those.
    variables
        By name.
    unreadable
        Why a variable cannot be represented here, by name.
    groups
        By name.
    """

    path: str
    dimensions: Mapping[str, int]
    attributes: Mapping[str, Any]
    variables: Mapping[str, Variable]
    unreadable: Mapping[str, str]
    groups: Mapping[str, Group]

    def walk(self) -> Iterator[Group]:
        """Yield this group and all below it."""
        yield self
        for group in self.groups.values():
            yield from group.walk()


@dataclass(frozen=True, slots=True)
class Dmrpp:
    """A whole DMR++.

    Attributes
    ----------
    name
        Name of the file that it describes.
    href
        Address of that file, or a word that stands for it.
    version
        Version of the writer; None before 2021.
    dialect
        ``flattened`` where groups are only part of the names.
    root
        The root group.
    """

    name: str
    href: str | None
    version: str | None
    dialect: Literal["hierarchical", "flattened"]
    root: Group

    def group(self, path: str) -> Group:
        """Return a group by its path in the HDF5 file.

        Raises
        ------
        FailedError
            If there is none.
        """
        found = self.root
        for part in filter(None, path.split("/")):
            if part not in found.groups:
                raise FailedError(f"The DMR++ of {self.name} has no group {path}.")
            found = found.groups[part]
        return found

    def variable(self, path: str) -> Variable:
        """Return a variable by its path in the HDF5 file.

        Raises
        ------
        FailedError
            If there is none, or it holds what cannot be represented; the message names that.
        """
        parent, _, name = path.rpartition("/")
        group = self.group(parent)
        if name in group.unreadable:
            raise FailedError(_refusal(self.name, group, name))
        if name not in group.variables:
            raise FailedError(f"The DMR++ of {self.name} has no variable {path}.")
        return group.variables[name]

    def variables(self) -> Iterator[Variable]:
        """Yield all variables, group by group.

        Raises
        ------
        FailedError
            If one of them holds what cannot be represented; the message names both.
        """
        for group in self.root.walk():
            for name in group.unreadable:
                raise FailedError(_refusal(self.name, group, name))
            yield from group.variables.values()


def _refusal(document: str, group: Group, name: str) -> str:
    path = f"{group.path.rstrip('/')}/{name}"
    return (
        f"The DMR++ of {document} describes {path} in a way that cannot be read safely: {group.unreadable[name]}."
        " Read that variable from the HDF5 file itself."
    )
