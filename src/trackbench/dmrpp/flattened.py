"""The flattened form: no groups; their names become part of those of variables, dimensions and attributes."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import numpy as np

from trackbench.dmrpp.described import FoundAttribute, FoundDataset, FoundGroup
from trackbench.dmrpp.markup import attribute_lines, container_lines, element
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def flattened_lines(root: FoundGroup, build: Sequence[str]) -> Iterator[str]:
    """Yield what is inside of the ``Dataset`` element; `build` are lines on how it was made.

    Raises
    ------
    FailedError
        If two variables would have the same name.
    """
    datasets = list(_in_order(root))
    names = {dataset.path: flattened(dataset.path) for dataset in datasets}
    if len(set(names.values())) != len(names):
        raise FailedError("Two variables would have the same flattened name: write the hierarchical form instead.")
    made = _Invented({})
    dims = {dataset.path: made.dims(dataset, names) for dataset in datasets}
    invented = [(name, size) for size, numbered in made.names.items() for name in numbered]
    scales = [dataset for dataset in datasets if dataset.is_scale]
    yield from (f'<Dimension name="{names[one.path]}" size="{one.shape[0]}"/>' for one in scales)
    yield from (f'<Dimension name="{name}" size="{size}"/>' for name, size in invented)
    for one in scales:
        yield from _dataset(one, dims[one.path], names)
    for name, size in invented:
        yield from element(f'Int32 name="{name}"', _levels(name, size))
    for one in datasets:
        if not one.is_scale:
            yield from _dataset(one, dims[one.path], names)
    for group in root.walk():
        yield from _attributes_of(group)
    yield from build


def flattened(path: str) -> str:
    """Return the name of what is at a path: slashes, and what CF allows in no name, become underscores."""
    return re.sub(r"\W", "_", path.strip("/"), flags=re.ASCII)


def _in_order(group: FoundGroup) -> Iterator[FoundDataset]:
    for found in group.order:
        if isinstance(found, FoundGroup):
            yield from _in_order(found)
        else:
            yield found


class _Invented:
    """Dimensions for axes without a scale: one for each length, more where a variable has two axes of a length."""

    def __init__(self, names: dict[int, list[str]]) -> None:
        self.names = names
        self._count = 0

    def dims(self, dataset: FoundDataset, names: dict[str, str]) -> tuple[str, ...]:
        """Return the name of the dimension of each axis."""
        used: dict[int, int] = {}
        found = []
        for scale, size in zip(dataset.scales, dataset.shape, strict=True):
            if scale is not None:
                found.append(names[scale])
                continue
            nth = used[size] = used.get(size, 0) + 1
            numbered = self.names.setdefault(size, [])
            while len(numbered) < nth:
                numbered.append(f"FakeDim{self._count}")
                self._count += 1
            found.append(numbered[nth - 1])
        return tuple(found)


def _attributes_of(group: FoundGroup) -> Iterator[str]:
    if group.path == "/":
        return (line for attribute in group.attributes for line in attribute_lines(attribute))
    where = (FoundAttribute("fullnamepath", "String", (group.path,)),) if group.attributes else ()
    return container_lines(flattened(group.path), (*group.attributes, *where))


def _levels(name: str, size: int) -> Iterator[str]:
    yield f'<Dim name="/{name}"/>'
    yield from attribute_lines(FoundAttribute("units", "String", ("level",)))
    levels = base64.b64encode(np.arange(size, dtype="<i4").tobytes()).decode()
    yield f"<dmrpp:missingdata>{levels}</dmrpp:missingdata>"


def _dataset(dataset: FoundDataset, dims: tuple[str, ...], names: dict[str, str]) -> Iterator[str]:
    return element(f'{dataset.dap_type} name="{names[dataset.path]}"', _inner(dataset, dims, names))


def _inner(dataset: FoundDataset, dims: tuple[str, ...], names: dict[str, str]) -> Iterator[str]:
    for name in dims:
        yield f'<Dim name="/{name}"/>'
    for attribute in _attributes(dataset, names):
        yield from attribute_lines(attribute)
    if not dataset.is_scale:
        for name in dict.fromkeys(dims):
            yield f'<Map name="/{name}"/>'
    yield from dataset.storage


def _attributes(dataset: FoundDataset, names: dict[str, str]) -> Iterator[FoundAttribute]:
    """Yield the attributes, with the true name and path, and with the coordinates under their new names."""
    moved = bool(dataset.coordinates) and all(path in names for path in dataset.coordinates)
    for attribute in dataset.attributes:
        if not (moved and attribute.name == "coordinates"):
            yield attribute
    yield FoundAttribute("origname", "String", (dataset.name,))
    yield FoundAttribute("fullnamepath", "String", (dataset.path,))
    if moved:
        yield FoundAttribute("coordinates", "String", (" ".join(names[path] for path in dataset.coordinates),))
