"""What is found in an HDF5 file, in the terms of DAP4, before it is written as DMR++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class FoundAttribute:
    """An attribute: its DAP4 type and its values as text."""

    name: str
    dap_type: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundDataset:
    """A dataset.

    Attributes
    ----------
    path
        Path from the root, beginning with a slash.
    dap_type
        Name of its type in DAP4.
    shape
        Length of each axis.
    scales
        Path of the dimension scale of each axis, its own for a scale; None for an axis without one.
    attributes
        In the order of the file, without those that HDF5 itself keeps dimension scales in.
    storage
        Lines of XML that say where the data are, with their indentation relative to each other.
    """

    path: str
    dap_type: str
    shape: tuple[int, ...]
    scales: tuple[str | None, ...]
    attributes: tuple[FoundAttribute, ...]
    storage: tuple[str, ...]

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_scale(self) -> bool:
        """Whether it is the dimension scale of its own axis."""
        return self.scales == (self.path,)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Paths that its attribute ``coordinates`` names, whether or not there is something at them."""
        for attribute in self.attributes:
            if attribute.name == "coordinates" and attribute.dap_type == "String":
                return tuple(_resolved(self.path, word) for text in attribute.values for word in text.split())
        return ()


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A group; `order` tells how its datasets and groups come one after the other in the file."""

    path: str
    attributes: tuple[FoundAttribute, ...]
    datasets: tuple[FoundDataset, ...]
    groups: tuple[FoundGroup, ...]
    order: tuple[FoundDataset | FoundGroup, ...]

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    def walk(self) -> Iterator[FoundGroup]:
        """Yield this group and all below it, each before what is in it."""
        yield self
        for group in self.groups:
            yield from group.walk()


def _resolved(path: str, word: str) -> str:
    """Return the path that a word of ``coordinates`` means, seen from the variable at `path` (CF 2.7)."""
    parts = [] if word.startswith("/") else path.split("/")[1:-1]
    for part in word.strip("/").split("/"):
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/" + "/".join(parts)
