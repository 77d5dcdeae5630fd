"""Looks through an HDF5 file: its groups, datasets, attributes and dimension scales, without reading data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py

from trackbench.dmrpp.attributes import read_attributes
from trackbench.dmrpp.described import FoundDataset, FoundGroup
from trackbench.dmrpp.storage import storage_lines
from trackbench.dmrpp.types import dap_type
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from pathlib import Path


def scan(path: Path) -> FoundGroup:
    """Return all that is in a file; soft and external links are not followed.

    Raises
    ------
    FailedError
        If the file cannot be opened as HDF5, or holds what DMR++ cannot describe.
    """
    try:
        file = h5py.h5f.open(bytes(path), h5py.h5f.ACC_RDONLY)
    except OSError as error:
        raise FailedError(f"{path} cannot be read as HDF5: {error}") from error
    try:
        return _Scan().group(h5py.h5g.open(file, b"/"), "/")
    finally:
        file.close()


class _Scan:
    """One look through a file."""

    def __init__(self) -> None:
        # Asking HDF5 for the path of a scale takes it milliseconds, and most variables share a few of them.
        self._paths: dict[int, str] = {}

    def group(self, group: Any, path: str) -> FoundGroup:  # noqa: ANN401 - untyped h5py
        """Return a group and all below it."""
        names: list[bytes] = []
        if group.get_num_objs():
            group.links.iterate(names.append, idx_type=h5py.h5.INDEX_NAME, order=h5py.h5.ITER_NATIVE)
        found: list[FoundDataset | FoundGroup] = []
        for name in names:
            if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                continue
            below = f"{path.rstrip('/')}/{name.decode()}"
            target = h5py.h5o.open(group, name)
            if isinstance(target, h5py.h5g.GroupID):
                found.append(self.group(target, below))
            elif isinstance(target, h5py.h5d.DatasetID):
                found.append(self._dataset(target, below))
        return FoundGroup(
            path,
            read_attributes(group),
            tuple(one for one in found if isinstance(one, FoundDataset)),
            tuple(one for one in found if isinstance(one, FoundGroup)),
            tuple(found),
        )

    def _dataset(self, dataset: Any, path: str) -> FoundDataset:  # noqa: ANN401
        shape = tuple(int(length) for length in dataset.shape)
        type_name = dap_type(dataset.get_type())
        if type_name is None:
            raise FailedError(f"{path} is neither of numbers nor of text, which is not described as DMR++ here.")
        scales = self._scales(dataset, path, len(shape))
        stored = storage_lines(dataset, path, shape)
        return FoundDataset(path, type_name, shape, scales, read_attributes(dataset), stored)

    def _scales(self, dataset: Any, path: str, axes: int) -> tuple[str | None, ...]:  # noqa: ANN401
        if axes == 1 and h5py.h5ds.is_scale(dataset):
            return (path,)
        if not axes or not h5py.h5a.exists(dataset, b"DIMENSION_LIST"):
            return (None,) * axes
        return tuple(self._scale(dataset, axis) for axis in range(axes))

    def _scale(self, dataset: Any, axis: int) -> str | None:  # noqa: ANN401
        found: list[str] = []

        def note(scale: Any) -> bool:  # noqa: ANN401
            address = h5py.h5o.get_info(scale).addr
            if address not in self._paths:
                self._paths[address] = h5py.h5i.get_name(scale).decode()
            found.append(self._paths[address])
            return True

        h5py.h5ds.iterate(dataset, axis, note, 0)
        return found[0] if found else None
