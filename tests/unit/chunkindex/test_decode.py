"""Chunks are decoded as HDF5 does it, and what is no such chunk is refused."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, get_args

import h5py
import numpy as np
import pytest

from trackbench.chunkindex.decode import INFLATE, Library, decode_chunk, most_stored
from trackbench.chunkindex.model import Storage

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = get_args(Library.__value__)
ROWS = 1000


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i4", ">i4", "|i1"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"fletcher32": True},
    ],
    ids=["plain", "deflate", "shuffle", "all", "checksum"],
)
def test_what_hdf5_wrote_is_read(tmp_path: Path, library: Library, dtype: str, settings: dict[str, Any]) -> None:
    """Every filter, type and byte order; the last chunk, of which only a part belongs to the dataset, too."""
    values = np.random.default_rng(0).integers(-100, 100, 2500).astype(dtype)
    with h5py.File(tmp_path / "file.h5", "w") as file:
        dataset = file.create_dataset("x", data=values, chunks=(ROWS,), **settings)
        names = [
            name
            for name, there in (
                ("shuffle", dataset.shuffle),
                ("deflate", dataset.compression),
                ("fletcher32", dataset.fletcher32),
            )
            if there
        ]
        # HDF5 puts the checksum before or after the others; its own order counts.
        pipeline = dataset.id.get_create_plist()
        codes = {h5py.h5z.FILTER_SHUFFLE: "shuffle", h5py.h5z.FILTER_DEFLATE: "deflate", 3: "fletcher32"}
        filters: Any = tuple(codes[pipeline.get_filter(place)[0]] for place in range(pipeline.get_nfilters()))
        assert set(filters) == set(names)
        storage = Storage(dtype, 0, ROWS, filters)
        for number in range(3):
            mask, stored = dataset.id.read_direct_chunk((number * ROWS,))
            rows = min(ROWS, 2500 - number * ROWS)
            read = decode_chunk(stored, storage, rows, mask=mask, inflate=INFLATE[library])
            np.testing.assert_array_equal(read, values[number * ROWS : number * ROWS + rows])
            assert read.dtype.isnative


def test_a_chunk_that_was_never_written_holds_the_fill_value() -> None:
    """HDF5 keeps no bytes for it."""
    storage = Storage("<f4", 3.5, ROWS, ("deflate",))
    read = decode_chunk(None, storage, 7, mask=0, inflate=INFLATE["zlib"])
    np.testing.assert_array_equal(read, np.full(7, 3.5, np.float32))


def test_a_filter_that_was_skipped_is_not_undone() -> None:
    """HDF5 leaves out deflate where it would not shrink a chunk, and notes it in the chunk's mask."""
    values = np.arange(ROWS, dtype="<i4")
    shuffled = values.view(np.uint8).reshape(-1, 4).T.tobytes()
    storage = Storage("<i4", 0, ROWS, ("shuffle", "deflate"))
    read = decode_chunk(shuffled, storage, ROWS, mask=0b10, inflate=INFLATE["libdeflate"])
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b"not deflate at all", "does not inflate"),
        (zlib.compress(bytes(8 * ROWS))[:-20], "does not inflate|ends in the middle"),
        (zlib.compress(bytes(8 * ROWS + 1)), "does not inflate|more than"),
        (zlib.compress(bytes(100_000_000)), "does not inflate|more than"),
        (zlib.compress(bytes(8 * ROWS - 8)), "instead of"),
    ],
    ids=["broken", "cut", "longer", "bomb", "shorter"],
)
def test_what_is_no_such_chunk_is_refused(library: Library, stored: bytes, said: str) -> None:
    """No more is inflated than a chunk can hold, and no less is taken for one."""
    storage = Storage("<f8", 0, ROWS, ("deflate",))
    with pytest.raises(ValueError, match=said):
        decode_chunk(stored, storage, ROWS, mask=0, inflate=INFLATE[library])


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    """One bit that changed on the way is not taken for data."""
    with h5py.File(tmp_path / "file.h5", "w") as file:
        dataset = file.create_dataset("x", data=np.arange(ROWS, dtype="<f8"), chunks=(ROWS,), fletcher32=True)
        stored = bytearray(dataset.id.read_direct_chunk((0,))[1])
    stored[100] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        decode_chunk(stored, Storage("<f8", 0, ROWS, ("fletcher32",)), ROWS, mask=0, inflate=INFLATE["zlib"])


def test_a_row_count_that_lies_is_refused() -> None:
    """More rows than a chunk has are not made up."""
    with pytest.raises(ValueError, match="rows"):
        decode_chunk(bytes(80), Storage("<f8", 0, 10, ()), 11, mask=0, inflate=INFLATE["zlib"])


def test_a_chunk_has_a_greatest_size() -> None:
    """What claims to be larger is not fetched."""
    assert most_stored(Storage("<f8", 0, ROWS, ("deflate",))) < 100_000
