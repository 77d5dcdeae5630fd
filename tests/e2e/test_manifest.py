"""Manifests from the command line: what they describe is what the files hold, for any reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import icechunk
import numpy as np
import pytest
import zarr
from icechunk.credentials import LocalFileSystemAccess
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import LocalStore
from virtualizarr.parsers import DMRPPParser

from trackbench.access import Access
from trackbench.backends.virtualizarr import kerchunk_store
from trackbench.products import ATL06

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.conftest import CommandLine

GROUP = "land_ice_segments"


def _build(trackbench: CommandLine, form: str, folder: Path, *words: str) -> Mapping[str, object]:
    done = trackbench(
        "manifest", "build", "--format", form, "--granules", str(folder), "--output", "made", "--json", *words
    )
    assert done.returncode == 0, done.stderr
    told: Mapping[str, object] = json.loads(done.stdout)
    return told


def _heights(path: Path, beam: str) -> np.ndarray:
    with h5py.File(path) as file:
        values: np.ndarray = file[f"{beam}/{ATL06.columns[0].path}"][:]
    return values


def test_kerchunk_references_open_in_virtualizarr(
    trackbench: CommandLine, tiny_granules: tuple[Path, ...]
) -> None:
    """Built on a Dask cluster; a second build has nothing to do."""
    folder = tiny_granules[0].parent
    told = _build(trackbench, "kerchunk", folder, "--executor", "dask", "--workers", "1")
    assert told["built"] == len(tiny_granules)
    place = trackbench.folder / "made" / tiny_granules[0].stem / "gt2l" / f"{GROUP}.parq"
    # xarray's engine opens the folder with fastparquet alone, which is no longer developed; VirtualiZarr reads it.
    store = kerchunk_store._store(place, tiny_granules[0].as_uri(), Access())
    values = zarr.open_array(store, path="h_li", mode="r", zarr_format=3)[:]
    np.testing.assert_array_equal(np.asarray(values), _heights(tiny_granules[0], "gt2l"))
    assert _build(trackbench, "kerchunk", folder)["kept"] == len(tiny_granules)


def test_an_icechunk_repository_opens_in_zarr(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """Granules can be added to it; those that are there are left alone."""
    one = trackbench.folder / "one"
    one.mkdir()
    path = one / tiny_granules[0].name
    path.write_bytes(tiny_granules[0].read_bytes())
    assert _build(trackbench, "icechunk", one, "--executor", "threads")["built"] == 1
    other = one / tiny_granules[1].name
    other.write_bytes(tiny_granules[1].read_bytes())
    told = _build(trackbench, "icechunk", one, "--executor", "threads")
    assert (told["built"], told["kept"]) == (1, 1)
    storage = icechunk.local_filesystem_storage(str(trackbench.folder / "made"))
    prefix = f"file://{one.resolve()}/"
    repository = icechunk.Repository.open(storage, authorize_virtual_chunk_access={prefix: LocalFileSystemAccess})
    store = repository.readonly_session("main").store
    for granule in (path, other):
        values = zarr.open_array(store, path=f"{granule.stem}/gt2l/{GROUP}/h_li", mode="r")[:]
        np.testing.assert_array_equal(np.asarray(values), _heights(granule, "gt2l"))


def test_dmrpp_opens_in_virtualizarr(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """One file beside each other, with every chunk of every variable."""
    told = _build(trackbench, "dmrpp", tiny_granules[0].parent, "--executor", "threads")
    assert told["built"] == len(tiny_granules)
    place = trackbench.folder / "made" / f"{tiny_granules[0].name}.dmrpp"
    # The data are looked for beside the DMR++.
    (place.parent / tiny_granules[0].name).symlink_to(tiny_granules[0])
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    store = DMRPPParser(group=f"gt2l/{GROUP}")(place.as_uri(), registry)
    assert "h_li" in set(zarr.open_group(store, mode="r", zarr_format=3).array_keys())


@pytest.mark.parametrize("form", ["kerchunk", "dmrpp"])
def test_what_cannot_be_described_is_told(
    form: str, trackbench: CommandLine, tiny_granules: tuple[Path, ...]
) -> None:
    """The rest goes on; the exit status is 1 and nothing half-made is left."""
    folder = trackbench.folder / "some"
    folder.mkdir()
    (folder / tiny_granules[0].name).write_bytes(tiny_granules[0].read_bytes())
    broken = folder / tiny_granules[1].name
    broken.write_bytes(b"not HDF5")
    done = trackbench(
        *("manifest", "build", "--format", form, "--granules", str(folder), "--output", "made"),
        *("--executor", "threads", "--json"),
    )
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["built"] == 1
    assert list(told["skipped"]) == [broken.name]
    assert broken.stem not in {path.stem for path in (trackbench.folder / "made").iterdir()}
    assert Path(trackbench.folder / "made" / ".building").exists() is False
