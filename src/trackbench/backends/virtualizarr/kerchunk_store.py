"""References in Kerchunk's Parquet form: one set for each group of each ground track of each granule.

`virtualizarr.parsers.KerchunkParquetParser` and ``to_kerchunk(format="parquet")`` leave the choice of the Parquet
engine to fsspec, which takes fastparquet, an engine that pandas is giving up. The same form is written and read
here by fsspec's `LazyReferenceMapper` with pyarrow; VirtualiZarr makes the references and parses them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.reference import LazyReferenceMapper
from obstore.store import MemoryStore
from virtualizarr.parsers import KerchunkJSONParser

from trackbench.backends.virtualizarr import hdf
from trackbench.backends.virtualizarr.places import Place
from trackbench.backends.virtualizarr.stores import registry_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from obspec_utils.registry import ObjectStoreRegistry
    from virtualizarr.manifests import ManifestStore

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.cases import Entry
    from trackbench.backends.virtualizarr.places import Places
    from trackbench.request import SubsetRequest

_ENGINE: Final = "pyarrow"
# Rows of each file, most of them empty: an array has tens of chunks; 100,000, the default, cost time and bytes.
_RECORDS: Final = 256
_MEMORY: Final = "memory://references"


def write(entry: Entry, folder: Path, access: Access, request: SubsetRequest) -> tuple[str, ...]:
    """Write the references of one granule; return its ground tracks with rows.

    Tracks have lengths of their own and cannot be concatenated, so that each has references of its own.
    """
    tracks: dict[str, None] = {}
    for each in hdf.virtual_datasets(entry.url, access, request):
        made = each.dataset.vz.to_kerchunk(format="dict")["refs"]
        place = _place(folder, entry, each.track, each.group)
        mapper = LazyReferenceMapper.create(str(place), fs=LocalFileSystem(), record_size=_RECORDS, engine=_ENGINE)
        for key in sorted(made):
            mapper[key] = made[key]
        mapper.flush()
        tracks[each.track] = None
    return tuple(tracks)


def references(entry: Entry, folder: Path, access: Access, request: SubsetRequest) -> Places:
    """Open the references of one granule.

    Values come as they are stored. xarray's ``kerchunk`` engine would take the fill value of HDF5, 0 by default,
    for a missing value, and good segments (quality 0) for missing ones.
    """
    places: dict[str, dict[str, Place]] = {}
    for track in entry.tracks:
        for group in hdf.groups_of(request):
            store = _store(_place(folder, entry, track, group), entry.url, access)
            for path in hdf.paths_in(group, request):
                places.setdefault(track, {})[path] = Place(store, path.rpartition("/")[2])
    return places


def _store(place: Path, url: str, access: Access) -> ManifestStore:
    mapper = LazyReferenceMapper(str(place), LocalFileSystem(), engine=_ENGINE)
    return parsed({key: _plain(mapper[key]) for key in mapper}, registry_for(url, access))


def parsed(refs: Mapping[str, Any], registry: ObjectStoreRegistry[Any]) -> ManifestStore:
    """Make a store of references that are at hand, in Kerchunk's form."""
    memory = MemoryStore()
    memory.put("all", json.dumps({"refs": refs}).encode())
    registry.register(_MEMORY, memory)
    return KerchunkJSONParser()(f"{_MEMORY}/all", registry)


def _plain(reference: bytes | list[Any]) -> str | list[Any]:
    """Return metadata as text, and a chunk's address, offset and size without numpy's types."""
    if isinstance(reference, bytes):
        return reference.decode()
    place, *numbers = reference
    return [place, *map(int, numbers)]


def _place(folder: Path, entry: Entry, track: str, group: str) -> Path:
    return folder / entry.granule.name.stem / track / f"{group.replace('/', '.')}.parq"
