"""References made by the HDF parser, kept or not: every storage of HDF5 reads right or is refused, never wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from tests.support_virtualizarr import BEAM, NAME, REQUEST, ROWS, Stored, rows_of, track, write_granule

from trackbench.bench.reference import reference_rows
from trackbench.errors import FailedError, UnsupportedError
from trackbench.products import FLOAT32_FILL

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = ("hdf", "kerchunk", "icechunk")
HEIGHTS = f"{BEAM}/land_ice_segments/h_li"

ODD_BUT_RIGHT = {
    "big-endian": {
        "h_li": Stored(track()["h_li"].astype(">f4")),
        "latitude": Stored(track()["latitude"].astype(">f8")),
    },
    "fletcher32": {"h_li": Stored(options={"fletcher32": True})},
    "shuffled floats": {"h_li": Stored(options={"shuffle": True})},
    "not compressed": {"h_li": Stored(options={"compression": None, "shuffle": False})},
    "contiguous": {"h_li": Stored(options=dict.fromkeys(("chunks", "maxshape", "compression", "shuffle")))},
    "other chunks": {"h_li": Stored(options={"chunks": (64,)})},
    "one long chunk": {"latitude": Stored(options={"chunks": (4 * ROWS,)})},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("changed", ODD_BUT_RIGHT.values(), ids=ODD_BUT_RIGHT.keys())
def test_odd_storage_reads_right(changed: dict[str, Stored], variant: str, tmp_path: Path) -> None:
    """What HDF5 can store in another way than the product does still gives the rows of the reference."""
    path = write_granule(tmp_path, **changed)

    rows = rows_of(variant, path)

    assert rows.num_rows == 301
    assert rows.equals(reference_rows([path], REQUEST))


@pytest.mark.parametrize("variant", VARIANTS)
def test_chunks_that_were_never_written_are_fill_values(variant: str, tmp_path: Path) -> None:
    """A chunk that is missing holds the fill value of the dataset to the last bit, which becomes null."""
    path = write_granule(tmp_path)
    with h5py.File(path, "r+") as file:
        del file[HEIGHTS]
        heights = file.create_dataset(
            HEIGHTS, (ROWS,), "f4", chunks=(100,), maxshape=(None,), compression=6, fillvalue=FLOAT32_FILL
        )
        heights[:400] = track()["h_li"][:400]

    rows = rows_of(variant, path)

    assert rows.equals(reference_rows([path], REQUEST))
    assert rows["h_li"].slice(100).null_count == 201


@pytest.mark.parametrize("variant", VARIANTS)
def test_compact_storage_is_refused(variant: str, tmp_path: Path) -> None:
    """A dataset in the header of the file is named: the parser would read zeros."""
    path = write_granule(tmp_path)
    with h5py.File(path, "r+") as file:
        quality = f"{BEAM}/land_ice_segments/atl06_quality_summary"
        del file[quality]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((ROWS,))
        made = h5py.h5d.create(file.id, quality.encode(), h5py.h5t.NATIVE_INT8, space, dcpl=properties)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones(ROWS, np.int8))

    with pytest.raises(UnsupportedError, match=r"atl06_quality_summary.*compact"):
        rows_of(variant, path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_missing_array_names_granule(variant: str, tmp_path: Path) -> None:
    """A ground track without an array that is needed ends with the name of the granule."""
    path = write_granule(tmp_path)
    with h5py.File(path, "r+") as file:
        del file[HEIGHTS]

    with pytest.raises(FailedError, match=NAME):
        rows_of(variant, path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_further_variables_are_read(variant: str, tmp_path: Path) -> None:
    """Further variables, one of them in a group below, come with their values."""
    path = write_granule(tmp_path)
    with h5py.File(path, "r+") as file:
        below = file.create_group(f"{BEAM}/land_ice_segments/ground_track")
        below.create_dataset("x_atc", data=np.arange(ROWS) * 20.0, chunks=(100,), compression=6)
    request = REQUEST.build("ATL06", REQUEST.region, variables=("segment_id", "ground_track/x_atc"))

    rows = rows_of(variant, path, request)

    assert rows.equals(reference_rows([path], request))
    assert rows["x_atc"].to_pylist()[0] == 6000.0
