"""The hierarchical form: groups are ``Group`` elements, and a dimension stands in the group of its scale."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from trackbench.dmrpp.markup import attribute_lines, element, escaped, indented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trackbench.dmrpp.described import FoundDataset, FoundGroup


def hierarchical_lines(root: FoundGroup, build: Sequence[str]) -> Iterator[str]:
    """Yield what is inside of the ``Dataset`` element; `build` are lines on how it was made."""
    datasets = {dataset.path: dataset for group in root.walk() for dataset in group.datasets}
    named = chain.from_iterable(dataset.coordinates for dataset in datasets.values())
    coordinates = {path for path in named if path in datasets}
    coordinates.update(dataset.path for dataset in datasets.values() if dataset.is_scale)
    return _group(root, _dimensions(root), coordinates, build)


def _group(
    group: FoundGroup, dimensions: Mapping[str, Mapping[str, int]], coordinates: set[str], last: Sequence[str] = ()
) -> Iterator[str]:
    for name, size in dimensions.get(group.path, {}).items():
        yield f'<Dimension name="{escaped(name)}" size="{size}"/>'
    for dataset in _coordinates_first(group.datasets, coordinates):
        yield from element(f'{dataset.dap_type} name="{escaped(dataset.name)}"', _dataset(dataset, coordinates))
    for attribute in group.attributes:
        yield from attribute_lines(attribute)
    yield from last
    for below in group.groups:
        opening = f'Group name="{escaped(below.name)}"'
        inner = list(_group(below, dimensions, coordinates))
        yield f"<{opening}>" if inner else f"<{opening}/>"
        yield from indented(inner)
        if inner:
            yield "</Group>"


def _dataset(dataset: FoundDataset, coordinates: set[str]) -> Iterator[str]:
    for scale, size in zip(dataset.scales, dataset.shape, strict=True):
        yield f'<Dim size="{size}"/>' if scale is None else f'<Dim name="{escaped(scale)}"/>'
    for attribute in dataset.attributes:
        yield from attribute_lines(attribute)
    if dataset.path not in coordinates:
        # A coordinate is named once, though it may be both in the attribute and the scale of an axis.
        maps = dict.fromkeys(path for path in (*dataset.coordinates, *dataset.scales) if path in coordinates)
        for path in maps:
            yield f'<Map name="{escaped(str(path))}"/>'
    yield from dataset.storage


def _dimensions(root: FoundGroup) -> dict[str, dict[str, int]]:
    """Return the dimensions of each group, in the order in which variables use them."""
    found: dict[str, dict[str, int]] = {}
    for group in root.walk():
        for dataset in group.datasets:
            for scale, size in zip(dataset.scales, dataset.shape, strict=True):
                if scale is not None:
                    parent, _, name = scale.rpartition("/")
                    found.setdefault(parent or "/", {})[name] = size
    return found


def _coordinates_first(datasets: Sequence[FoundDataset], coordinates: set[str]) -> list[FoundDataset]:
    """Bring coordinates to the front as libdap does: each changes places with what stood there."""
    ordered = list(datasets)
    count = sum(dataset.path in coordinates for dataset in ordered)
    late = (index for index in range(count, len(ordered)) if datasets[index].path in coordinates)
    for index in range(count):
        if datasets[index].path not in coordinates:
            other = next(late)
            ordered[index], ordered[other] = ordered[other], ordered[index]
    return ordered
