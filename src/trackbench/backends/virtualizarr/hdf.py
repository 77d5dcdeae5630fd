"""References made at read time by VirtualiZarr's HDF parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h5py
from obspec_utils.readers import BlockStoreReader
from virtualizarr.parsers import HDFParser

from trackbench.backends.hdf5 import beams_with_segments
from trackbench.backends.virtualizarr.places import Place
from trackbench.backends.virtualizarr.reading import variables_of
from trackbench.backends.virtualizarr.stores import registry_for
from trackbench.errors import UnsupportedError

if TYPE_CHECKING:
    from virtualizarr.manifests import ManifestStore

    from trackbench.backends.virtualizarr.places import Places
    from trackbench.backends.virtualizarr.stores import Access
    from trackbench.request import SubsetRequest

_BLOCKS: Final = 64  # of 1 MiB, the reader's own default


def parse(url: str, access: Access, request: SubsetRequest) -> dict[str, ManifestStore]:
    """Make a store of references for each ground track of a granule that holds rows.

    The ground tracks share one reader, so that blocks with the metadata of several of them are fetched once.

    Raises
    ------
    UnsupportedError
        If a dataset is stored in its header (compact), which references cannot point to.
    """
    registry = registry_for(url, access)
    reader = BlockStoreReader(*registry.resolve(url), max_cached_blocks=_BLOCKS)
    with h5py.File(reader, "r") as file:
        beams = list(beams_with_segments(file, request))
        _refuse_compact(file, beams, request)
    group = request.product.segments
    unneeded = _unneeded(request)
    return {
        beam: HDFParser(f"{beam}/{group}", drop_variables=unneeded, reader_factory=lambda *_: reader)(
            url, registry
        )
        for beam in beams
    }


def references(url: str, access: Access, request: SubsetRequest) -> Places:
    """Make the references of each ground track of a granule that holds rows.

    Raises
    ------
    UnsupportedError
        As `parse` does.
    """
    group = f"{request.product.segments}/"
    return {
        track: {each.path: Place(store, each.path.removeprefix(group)) for each in variables_of(request)}
        for track, store in parse(url, access, request).items()
    }


def _refuse_compact(file: h5py.File, beams: list[str], request: SubsetRequest) -> None:
    # The parser finds no chunk of such a dataset, so that it would read as its fill value, without a word.
    for beam in beams:
        for variable in variables_of(request):
            dataset = file[f"{beam}/{variable.path}"]
            if dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT:
                raise UnsupportedError(
                    f"{dataset.name} is stored in the header of the file (compact storage): VirtualiZarr makes no"
                    " reference to it and would read its fill value. Use the baseline for this granule."
                )


def _unneeded(request: SubsetRequest) -> set[str]:
    """Return the members of the segments group that are known and not needed; parsing takes time for each."""
    group = f"{request.product.segments}/"
    needed = {each.path.removeprefix(group).split("/", 1)[0] for each in variables_of(request)}
    known = {path.removeprefix(group).split("/", 1)[0] for path in request.product.further}
    return known - needed
