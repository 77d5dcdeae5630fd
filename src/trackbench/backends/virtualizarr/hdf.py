"""References made by VirtualiZarr's HDF parser."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
from obspec_utils.readers import BlockStoreReader
from virtualizarr.parsers import HDFParser

from trackbench.backends.hdf5 import beams_with_segments
from trackbench.backends.virtualizarr.places import Place
from trackbench.backends.virtualizarr.reading import variables_of
from trackbench.backends.virtualizarr.stores import registry_for
from trackbench.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import xarray as xr
    from virtualizarr.manifests import ManifestStore

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.places import Places
    from trackbench.request import SubsetRequest


def references(url: str, access: Access, request: SubsetRequest) -> Places:
    """Make the references of each ground track of a granule that holds rows.

    Raises
    ------
    UnsupportedError
        As `parse` does.
    """
    places: dict[str, dict[str, Place]] = {}
    for track, group, store in parse(url, access, request):
        for path in paths_in(group, request):
            places.setdefault(track, {})[path] = Place(store, path.rpartition("/")[2])
    return places


def parse(url: str, access: Access, request: SubsetRequest) -> Iterator[tuple[str, str, ManifestStore]]:
    """Make a store of references for each group that a request needs, of each ground track that holds rows.

    All share one reader, with 64 blocks of 1 MiB, so that blocks with the metadata of several groups are fetched
    once.

    Yields
    ------
    track, group, store
        Ground track, path of the group in it, and the store of references.

    Raises
    ------
    UnsupportedError
        If a dataset is stored in its header (compact), which references cannot point to.
    """
    registry = registry_for(url, access)
    reader = BlockStoreReader(*registry.resolve(url))
    with h5py.File(reader, "r") as file:
        latitude = request.product.latitude.path
        tracks = [
            track for track in beams_with_segments(file, request) if file[f"{track}/{latitude}"].shape != (0,)
        ]
        _refuse_compact(file, tracks, request)
    for track in tracks:
        for group in groups_of(request):
            unneeded = _unneeded(group, request)
            parser = HDFParser(f"{track}/{group}", drop_variables=unneeded, reader_factory=lambda *_: reader)
            yield track, group, parser(url, registry)


@dataclass(frozen=True, slots=True)
class MadeGroup:
    """The references of one group of a ground track, as a virtual dataset."""

    track: str
    group: str
    dataset: xr.Dataset


def virtual_datasets(url: str, access: Access, request: SubsetRequest) -> list[MadeGroup]:
    """Make the references of a granule as virtual datasets, to be written in another form.

    VirtualiZarr reads the dimension coordinate, the times, meanwhile, whatever is asked of it.

    Raises
    ------
    UnsupportedError
        As `parse` does.
    """
    with warnings.catch_warnings():
        # It warns that such variables cannot be concatenated, which is not what they are for.
        warnings.filterwarnings("ignore", message=r"Variable\(s\) .* have a chunk shape larger than their array")
        return [
            MadeGroup(track, group, store.to_virtual_dataset(loadable_variables=[]))
            for track, group, store in parse(url, access, request)
        ]


def groups_of(request: SubsetRequest) -> tuple[str, ...]:
    """Return the groups within a ground track that hold variables of a request."""
    return tuple(dict.fromkeys(each.path.rpartition("/")[0] for each in variables_of(request)))


def paths_in(group: str, request: SubsetRequest) -> tuple[str, ...]:
    """Return the paths of the variables of a request in one group."""
    return tuple(each.path for each in variables_of(request) if each.path.rpartition("/")[0] == group)


def _refuse_compact(file: h5py.File, tracks: Iterable[str], request: SubsetRequest) -> None:
    # The parser finds no chunk of such a dataset, so that it would read as its fill value, without a word.
    for track in tracks:
        for variable in variables_of(request):
            dataset = file[f"{track}/{variable.path}"]
            if dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT:
                raise UnsupportedError(
                    f"{dataset.name} is stored in the header of the file (compact storage): VirtualiZarr makes no"
                    " reference to it and would read its fill value. Use the baseline for this granule."
                )


def _unneeded(group: str, request: SubsetRequest) -> set[str]:
    """Return the members of a group that are known and not needed; parsing takes time for each."""
    inside = {path.removeprefix(f"{group}/") for path in request.product.further if path.startswith(f"{group}/")}
    needed = {path.rpartition("/")[2] for path in paths_in(group, request)}
    return {path.partition("/")[0] for path in inside} - needed
