"""Creates the groups and datasets of a granule, empty, with their attributes and dimension scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

from trackbench.granulegen.attributes import write_attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from trackbench.granulegen.layout import Item

PAGE_BYTES: Final = 8 * 1024 * 1024
"""Size of a page of the file since release 7 (nsidc/cloud-optimized-icesat2)."""
_PAGED_SINCE: Final = 7
_KINDS: Final = {"compact": h5py.h5d.COMPACT, "contiguous": h5py.h5d.CONTIGUOUS, "chunked": h5py.h5d.CHUNKED}


def open_new(path: Path, release: int) -> h5py.File:
    """Open a new file with the file-space strategy of a release; HDF5 1.10 can read it."""
    libver = ("earliest", "v110")
    if release < _PAGED_SINCE:
        return h5py.File(path, "w", libver=libver)
    return h5py.File(
        path, "w", libver=libver, fs_strategy="page", fs_persist=True, fs_threshold=1, fs_page_size=PAGE_BYTES
    )


def create(
    file: h5py.File, items: Iterable[tuple[str, Item, tuple[int, ...]]], facts: Mapping[str, Mapping[str, Any]]
) -> None:
    """Create groups and datasets.

    Parameters
    ----------
    file
        Where to.
    items
        Path, layout and shape of each, groups before what is in them.
    facts
        For each path's first part, or "" for all others, the values of names with a dollar sign.
    """
    made: dict[str, Any] = {}
    axes: list[tuple[str, Item]] = []
    for path, item, shape in items:
        known = facts.get(path.split("/", 1)[0], facts[""])
        if item.storage == "group":
            target = file.id if path == "/" else h5py.h5g.create(file.id, path.encode())
            if path == "/":
                target = h5py.h5g.open(file.id, b"/")
        else:
            target = made[path] = _create_dataset(file, path, item, shape)
            axes.append((path, item))
            if item.scale:
                h5py.h5ds.set_scale(target, path.rsplit("/", 1)[-1].encode())
        write_attributes(target, item, known)
    for path, item in axes:
        beam = path.split("/", 1)[0]
        for axis, scale in enumerate(item.dims):
            h5py.h5ds.attach_scale(made[path], made[_of_beam(scale, path, beam)], axis)


def _of_beam(scale: str, path: str, beam: str) -> str:
    """Put the beam of a dataset into the path of its scale."""
    return scale.replace("{beam}", beam if beam.startswith("gt") else path.split("/")[1])


def _create_dataset(file: h5py.File, path: str, item: Item, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    """Create one dataset and return h5py's low-level identifier."""
    assert item.dtype is not None
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(_KINDS[item.storage])
    # Times of creation would make two files of the same granule differ.
    plist.set_obj_track_times(False)
    limits: tuple[Any, ...] = shape
    if item.storage == "chunked":
        plist.set_chunk(item.chunk)
        limits = (h5py.h5s.UNLIMITED, *shape[1:])
    if item.fill is not None:
        plist.set_fill_value(np.array(item.fill).astype(item.dtype))
    if item.shuffled:
        plist.set_shuffle()
    if item.level is not None:
        plist.set_deflate(item.level)
    space = h5py.h5s.create_simple(shape, limits)
    return h5py.h5d.create(file.id, path.encode(), h5py.h5t.py_create(item.dtype), space, plist)
