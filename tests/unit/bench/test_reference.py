"""The reference: rows of whole files, the chunks that hold them, and the cache."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from trackbench.bench import reference as module
from trackbench.bench.needed_chunks import needed_chunks
from trackbench.bench.reference import build_reference, load_or_build, reference_rows
from trackbench.errors import FailedError, InputError
from trackbench.products import ATL06, BEAMS, FLOAT32_FILL
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import schema

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 100
SIZE = 450
NAME = "ATL06_20190404100413_00940303_006_02.h5"
OTHER = "ATL06_20190413220646_02390305_006_02.h5"

# Of the 450 segments of a track between 60 and 64.49 degrees north, numbers 150 to 249 are in here.
REQUEST = SubsetRequest.build("ATL06", Region.from_bbox(-46, 61.495, -44, 62.495))


def track(number: int) -> dict[str, NDArray[Any]]:
    """Make the datasets of one track: a straight line north along 45 degrees west."""
    heights = (1000 + number + np.arange(SIZE)).astype(np.float32)
    heights[200] = FLOAT32_FILL
    return {
        "latitude": 60 + np.arange(SIZE) * 0.01,
        "longitude": np.full(SIZE, -45.0),
        "delta_time": 4e7 + np.arange(SIZE) * 0.0028,
        "h_li": heights,
        "h_li_sigma": np.full(SIZE, 0.05, dtype=np.float32),
        "atl06_quality_summary": (np.arange(SIZE) % 2).astype(np.int8),
    }


def write_granule(path: Path, beams: tuple[str, ...] = BEAMS, **settings: Any) -> Path:
    """Write a small granule with the layout of the product: deflate everywhere, shuffle on integers alone."""
    with h5py.File(path, "w") as file:
        for number, beam in enumerate(beams):
            for name, values in track(number).items():
                layout = {
                    "chunks": (CHUNK,),
                    "compression": "gzip",
                    "compression_opts": 6,
                    "shuffle": values.dtype.kind == "i",
                    **settings,
                }
                file.create_dataset(f"{beam}/land_ice_segments/{name}", data=values, **layout)
    return path


@pytest.fixture
def granule(tmp_path: Path) -> Path:
    """Write a granule of six tracks."""
    return write_granule(tmp_path / NAME)


def test_the_rows_are_those_inside(granule: Path) -> None:
    """Each track gives its hundred rows, in order, with fill as null."""
    table = reference_rows([granule], REQUEST)
    assert table.schema.equals(schema(ATL06))
    assert table.num_rows == 600
    assert table["track_id"].to_pylist() == [beam for beam in BEAMS for _ in range(100)]
    assert table["latitude"].to_numpy().tolist() == [*(60 + np.arange(150, 250) * 0.01)] * 6
    assert table["h_li"].null_count == 6
    assert table["h_li"].to_pylist()[:2] == [1150.0, 1151.0]


def test_rows_of_several_granules_are_in_canonical_order(tmp_path: Path) -> None:
    """The order of the paths does not matter, and processes give what one process gives."""
    paths = [write_granule(tmp_path / name, BEAMS[:2]) for name in (OTHER, NAME)]
    one = build_reference(paths, REQUEST)
    assert one.table["rgt"].to_pylist() == [94] * 200 + [239] * 200
    many = build_reference(paths[::-1], REQUEST, workers=2)
    assert many.table.equals(one.table)
    assert set(many.needed) == set(one.needed)


def test_missing_hollow_and_empty_beams_are_normal(tmp_path: Path) -> None:
    """Beams that are gone, hold only a histogram, lack a latitude or have no segment give no rows and no error."""
    path = write_granule(tmp_path / NAME, ("gt2l",))
    with h5py.File(path, "a") as file:
        file.create_dataset("gt1l/residual_histogram/count", data=[1])
        file.create_dataset("gt1r/land_ice_segments/h_li", data=[1.0])
        file.create_dataset("gt3l/land_ice_segments/latitude", data=np.empty(0))
    assert reference_rows([path], REQUEST)["track_id"].unique().to_pylist() == ["gt2l"]


def test_no_rows_are_an_answer(granule: Path) -> None:
    """A region elsewhere, and no granules at all, give an empty table with every column."""
    elsewhere = SubsetRequest.build("ATL06", Region.from_bbox(10, 10, 11, 11))
    for paths in ([granule], []):
        found = build_reference(paths, elsewhere)
        assert (found.table.num_rows, found.needed) == (0, ())
        assert found.table.schema.equals(schema(ATL06))


def test_the_time_range_counts(granule: Path) -> None:
    """Rows outside of the time range are left out."""
    moment = str(reference_rows([granule], REQUEST)["time"][0].value)
    start = str(np.datetime64(int(moment), "ns"))
    assert reference_rows([granule], SubsetRequest.build("ATL06", REQUEST.region, start, start)).num_rows == 6


def test_needed_chunks_are_where_the_rows_are(granule: Path) -> None:
    """The stored bytes at each chunk's place inflate to values that hold its rows, and no row is left out."""
    found = build_reference([granule], REQUEST)
    assert {chunk.index for chunk in found.needed} == {1, 2}
    assert len(found.needed) == 6 * 6 * 2
    assert {chunk.rows for chunk in found.needed} == {50}
    assert {chunk.granule for chunk in found.needed} == {NAME}
    stored = granule.read_bytes()
    for chunk in found.needed:
        raw = zlib.decompress(stored[chunk.offset : chunk.offset + chunk.size])
        assert len(raw) == chunk.raw_size
        leaf = chunk.variable.removeprefix("land_ice_segments/")
        if leaf == "atl06_quality_summary":
            assert chunk.filters == ("shuffle", "deflate")
        else:
            assert chunk.filters == ("deflate",)
            expected = track(BEAMS.index(chunk.beam))[leaf]
            values = np.frombuffer(raw, dtype=expected.dtype)
            assert np.array_equal(values, expected[chunk.index * CHUNK : (chunk.index + 1) * CHUNK])


def test_further_variables_need_their_chunks(granule: Path) -> None:
    """A variable that is asked for counts among the rows' columns and in the chunks."""
    with h5py.File(granule, "a") as file:
        for beam in BEAMS:
            ids = np.arange(SIZE, dtype=np.int32)
            file.create_dataset(f"{beam}/land_ice_segments/segment_id", data=ids, chunks=(CHUNK,))
    found = build_reference([granule], SubsetRequest.build("ATL06", REQUEST.region, variables=("segment_id",)))
    assert found.table["segment_id"].to_pylist()[:2] == [150, 151]
    assert sum(chunk.variable.endswith("segment_id") for chunk in found.needed) == 12


def test_a_contiguous_dataset_needs_its_stretch(tmp_path: Path) -> None:
    """Without chunks just the bytes from the first to the last row are needed."""
    path = write_granule(
        tmp_path / NAME, ("gt1l",), chunks=None, compression=None, compression_opts=None, shuffle=None
    )
    found = build_reference([path], REQUEST)
    latitude = next(chunk for chunk in found.needed if chunk.variable.endswith("/latitude"))
    assert (latitude.index, latitude.size, latitude.rows, latitude.filters) == (-1, 800, 100, ())
    stretch = path.read_bytes()[latitude.offset : latitude.offset + latitude.size]
    assert np.array_equal(np.frombuffer(stretch), track(0)["latitude"][150:250])


def test_chunks_that_were_never_written_cost_nothing(tmp_path: Path) -> None:
    """A chunk of nothing but fill values has no bytes; one whose filter was skipped does not name it."""
    with h5py.File(tmp_path / "sparse.h5", "w") as file:
        dataset = file.create_dataset(
            "x", shape=(300,), dtype="f4", chunks=(CHUNK,), compression="gzip", fillvalue=7.0
        )
        dataset.id.write_direct_chunk((CHUNK,), np.zeros(CHUNK, dtype="f4").tobytes(), filter_mask=1)
        found = list(needed_chunks(dataset, np.arange(300), path="sparse.h5", beam="gt1l", variable="x"))
        assert [(chunk.index, chunk.size, chunk.filters) for chunk in found] == [(1, 400, ())]
        assert (
            list(needed_chunks(dataset, np.empty(0, np.intp), path="sparse.h5", beam="gt1l", variable="x")) == []
        )


def test_files_that_are_not_right_are_named(tmp_path: Path) -> None:
    """A damaged file, a beam without a variable, a missing file and another product say which file it is."""
    damaged = tmp_path / OTHER
    damaged.write_bytes(write_granule(tmp_path / NAME).read_bytes()[:3000])
    hollow = write_granule(tmp_path / NAME)
    with h5py.File(hollow, "a") as file:
        del file["gt3r/land_ice_segments/h_li"]
    with pytest.raises(FailedError, match=OTHER):
        build_reference([damaged], REQUEST)
    with pytest.raises(FailedError, match=f"{NAME} cannot be read whole: .*h_li"):
        build_reference([hollow], REQUEST)
    with pytest.raises(InputError, match="There is no granule"):
        build_reference([tmp_path / NAME.replace("_02.h5", "_03.h5")], REQUEST)
    with pytest.raises(InputError, match="granule of ATL08"):
        build_reference([tmp_path / NAME.replace("ATL06", "ATL08")], REQUEST)


def test_a_reference_is_built_once(granule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time it comes from the cache, with the same rows and chunks."""
    cache = tmp_path / "cache" / "references"
    built = load_or_build([granule], REQUEST, cache)
    monkeypatch.delattr(module, "build_reference")
    held = load_or_build([granule], REQUEST, cache)
    assert held.table.replace_schema_metadata(None).equals(built.table)
    assert held.needed == built.needed


def test_a_cached_reference_is_of_these_files_and_this_request(granule: Path, tmp_path: Path) -> None:
    """Other contents, another request or another version of the code build it anew."""
    cache = tmp_path / "cache"
    load_or_build([granule], REQUEST, cache)
    write_granule(granule, BEAMS[:1])
    os.utime(granule, ns=(1, 1))
    assert load_or_build([granule], REQUEST, cache).table.num_rows == 100
    narrow = SubsetRequest.build("ATL06", Region.from_bbox(-46, 61.495, -44, 61.6))
    assert load_or_build([granule], narrow, cache).table.num_rows == 11
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "REFERENCE_VERSION", -1)
        load_or_build([granule], REQUEST, cache)
    assert len(list(cache.glob("reference-*.parquet"))) == 4


def test_a_damaged_cache_is_built_anew(granule: Path, tmp_path: Path) -> None:
    """A cached file that cannot be read is replaced, without an error."""
    cache = tmp_path / "cache"
    built = load_or_build([granule], REQUEST, cache)
    for pattern in ("reference-*.parquet", "chunks-*.parquet"):
        next(cache.glob(pattern)).write_bytes(b"PAR1 damaged")
        assert load_or_build([granule], REQUEST, cache).needed == built.needed
    assert load_or_build([granule], REQUEST, cache).table.num_rows == 600


def test_a_missing_file_is_missed_before_the_cache(tmp_path: Path) -> None:
    """A path that does not exist is an error, not an empty answer."""
    with pytest.raises(InputError, match="There is no granule"):
        load_or_build([tmp_path / NAME], REQUEST, tmp_path / "cache")


def test_real_granules_give_their_rows(real_atl06: tuple[Path, ...]) -> None:
    """Every row of a real granule is in the whole Earth, and its chunks inflate to their sizes."""
    world = SubsetRequest.build("ATL06", Region.from_bbox(-180, -90, 180, 90))
    for path in real_atl06:
        with h5py.File(path) as file:
            sizes = [
                file[f"{beam}/{ATL06.latitude.path}"].shape[0]
                for beam in BEAMS
                if ATL06.latitude.path in file.get(beam, ())
            ]
        found = build_reference([path], world)
        assert found.table.num_rows == sum(sizes)
        stored = path.read_bytes()
        for chunk in found.needed:
            if "deflate" in chunk.filters:
                assert len(zlib.decompress(stored[chunk.offset : chunk.offset + chunk.size])) == chunk.raw_size
