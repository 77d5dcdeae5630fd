"""An index of granules: what it says, what it finds, how it grows, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import geopandas
import h5py
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trackbench.access import Access
from trackbench.chunkindex.build import build_index, known_granules
from trackbench.chunkindex.lookup import Index
from trackbench.chunkindex.read import Manner, Spent, read_rows
from trackbench.errors import FailedError, InputError
from trackbench.granulegen import EdgeCases, GranuleSpec, write_granule
from trackbench.granules import Granule, GranuleName
from trackbench.products import ATL06, BEAMS
from trackbench.region import Region
from trackbench.request import SubsetRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.chunkindex.model import Selection
    from trackbench.executors import Executor

SPECS = {
    "ascending": GranuleSpec(1039, 8, 3, segments=25_000, around=(-45.0, 62.8)),
    "descending": GranuleSpec(681, 8, 5, segments=12_000, around=(-45.0, 62.8), release=7),
    "odd": GranuleSpec(
        1123,
        8,
        5,
        segments=1500,
        around=(-45.0, 62.8),
        edges=EdgeCases(
            missing_beams=("gt1l",), hollow_beams=("gt3r",), nan_coordinates=40, out_of_range_coordinates=9
        ),
    ),
    "antimeridian": GranuleSpec(17, 8, 4, segments=9000, around=(180.0, 84.5)),
}


@pytest.fixture(scope="session")
def granules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Granule]:
    """Write a few granules."""
    folder = tmp_path_factory.mktemp("granules")
    made = {}
    for word, spec in SPECS.items():
        path = folder / f"{spec.name}"
        write_granule(spec, path)
        made[word] = Granule.locate(str(path))
    return made


@pytest.fixture(scope="session")
def place(granules: Mapping[str, Granule], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an index of them."""
    folder = tmp_path_factory.mktemp("index")
    report = build_index(list(granules.values()), folder, executor="threads")
    assert report.skipped == ()
    assert report.bytes_stored == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return folder


@pytest.fixture(scope="session")
def points(granules: Mapping[str, Granule]) -> Mapping[tuple[str, str], np.ndarray]:
    """Read longitudes and latitudes of each beam from the files themselves."""
    found = {}
    for granule in granules.values():
        assert granule.path is not None
        with h5py.File(granule.path) as file:
            for beam in BEAMS:
                if f"{beam}/{ATL06.latitude.path}" in file:
                    read = [file[f"{beam}/{each.path}"][:] for each in (ATL06.longitude, ATL06.latitude)]
                    found[str(granule.name), beam] = np.column_stack(read)
    return found


def _request(region: Region, **more: object) -> SubsetRequest:
    return SubsetRequest.build("ATL06", region, **more)  # type: ignore[arg-type]


def _chunks(selection: Selection) -> set[tuple[str, str, int]]:
    return {
        (
            str(selection.granules[selection.granule[each]].granule.name),
            BEAMS[selection.track[each]],
            int(selection.first_row[each]),
        )
        for each in range(len(selection))
    }


def _needed(points: Mapping[tuple[str, str], np.ndarray], region: Region) -> set[tuple[str, str, int]]:
    """Return the chunks of 10,000 rows that hold a point of the region."""
    return {
        (name, beam, int(chunk) * 10_000)
        for (name, beam), where in points.items()
        for chunk in np.unique(np.flatnonzero(region.covers(where[:, 0], where[:, 1])) // 10_000)
    }


_boxes = st.one_of(
    st.tuples(st.floats(-46.5, -43.5), st.floats(60.5, 65.0), st.floats(0.001, 1.5), st.floats(0.001, 1.0)),
    st.tuples(st.floats(150, 179), st.floats(83, 86), st.floats(0.01, 40), st.floats(0.01, 1.5)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=_boxes)
def test_no_chunk_with_a_row_is_left_out(
    place: Path, points: Mapping[tuple[str, str], np.ndarray], box: tuple[float, float, float, float]
) -> None:
    """Whatever the region, the antimeridian included, each chunk that holds a point of it is found."""
    west, south, width, height = box
    east = (west + width + 180) % 360 - 180
    region = Region.from_bbox(west, south, east, south + height)
    found = Index.open(place).lookup(_request(region))
    assert _chunks(found) >= _needed(points, region)


def test_little_is_found_that_is_not_needed(place: Path, points: Mapping[tuple[str, str], np.ndarray]) -> None:
    """For a polygon of some kilometres with a hole, candidates are the chunks with rows, and few more."""
    outer = shapely.Point(-45.0, 62.8).buffer(0.2)
    region = Region.parse(shapely.difference(outer, outer.buffer(-0.05)).wkt)
    found, needed = _chunks(Index.open(place).lookup(_request(region))), _needed(points, region)
    assert needed
    assert len(found) <= len(needed) + 2


def test_a_chunk_counts_once_over_all_files(place: Path, points: Mapping[tuple[str, str], np.ndarray]) -> None:
    """It stands in the file of each cell that it crosses; DuckDB counts it by its home."""
    chunks = sum(-(-len(where) // 10_000) for where in points.values())
    assert Index.open(place).manifest.chunks == chunks
    query = "SELECT count(*), count(DISTINCT (granule, beam, chunk)) FROM read_parquet(?) WHERE home"
    assert duckdb.execute(query, [f"{place}/chunks/*.parquet"]).fetchone() == (chunks, chunks)


def test_geopandas_reads_the_lines(place: Path) -> None:
    """Each file is GeoParquet with the tracks as lines in CRS84."""
    for path in place.glob("chunks/*.parquet"):
        frame = geopandas.read_parquet(path)
        assert frame.crs == "OGC:CRS84"
        assert set(frame.geom_type) <= {"LineString", "MultiLineString"}


def test_places_are_those_of_hdf5(place: Path, granules: Mapping[str, Granule]) -> None:
    """Offset and size of each chunk of each variable are what the HDF5 library says."""
    path = "land_ice_segments/fit_statistics/h_mean"
    found = Index.open(place).lookup(_request(Region.from_bbox(-46, 62, -44, 64)), paths=[path])
    assert len(found)
    for each in range(len(found)):
        granule = found.granules[found.granule[each]].granule
        with h5py.File(str(granule.path)) as file:
            for variable, offsets in found.offsets.items():
                info = file[f"{BEAMS[found.track[each]]}/{variable}"].id.get_chunk_info_by_coord(
                    (int(found.first_row[each]),)
                )
                assert (int(offsets[each]), int(found.sizes[variable][each])) == (info.byte_offset, info.size)
    assert len(granules) >= len(found.granules)


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_the_files_are_the_same_whatever_the_executor(
    executor: Executor, granules: Mapping[str, Granule], place: Path, tmp_path: Path
) -> None:
    """Processes and a Dask cluster give the bytes that threads give."""
    build_index(list(granules.values()), tmp_path / "other", executor=executor, workers=2)
    mine, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (place, tmp_path / "other")
    )
    assert mine == other


def test_granules_are_added_without_writing_files_anew(granules: Mapping[str, Granule], tmp_path: Path) -> None:
    """What was there stays as it is; all granules are found."""
    first, *others = granules.values()
    build_index([first], tmp_path, executor="threads")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.parquet")}
    report = build_index([first, *others], tmp_path, append=True, executor="threads")
    assert (report.indexed, report.kept) == (len(others), 1)
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())
    assert known_granules(tmp_path) == {str(granule.name) for granule in granules.values()}
    found = Index.open(tmp_path).lookup(_request(Region.from_bbox(-46, 62, -44, 64)))
    assert len(found.granules) == 3


def test_a_granule_that_was_replaced_is_indexed_anew(granules: Mapping[str, Granule], tmp_path: Path) -> None:
    """Its old chunks are gone, those of the others stay."""
    folder = tmp_path / "granules"
    folder.mkdir()
    own = [
        Granule.locate(str(shutil.copy(str(granule.path), str(folder))))
        for granule in (granules["ascending"], granules["descending"])
    ]
    index = tmp_path / "index"
    build_index(own, index, executor="threads")
    write_granule(GranuleSpec(681, 8, 5, segments=2000, around=(-45.0, 62.8), release=7), Path(str(own[1].path)))
    build_index(own, index, append=True, executor="threads")
    opened = Index.open(index)
    assert opened.manifest.chunks == 18 + 6
    found = _chunks(opened.lookup(_request(Region.from_bbox(-180, -90, 180, 90))))
    assert len(found) == 18 + 6
    named = {f"{each.cell}-{each.part:04d}.parquet" for each in opened.manifest.partitions}
    assert {path.name for path in index.glob("chunks/*.parquet")} == named


def test_what_cannot_be_indexed_is_told_and_the_rest_goes_on(
    granules: Mapping[str, Granule], tmp_path: Path
) -> None:
    """A file that is no HDF5 and one with a filter that nobody can undo are skipped with a reason."""
    broken = tmp_path / "ATL06_20200101000000_00010603_006_01.h5"
    broken.write_bytes(b"not HDF5")
    strange = tmp_path / "ATL06_20200101000000_00020603_006_01.h5"
    shutil.copy(str(granules["odd"].path), strange)
    with h5py.File(strange, "r+") as file:
        path = f"gt2l/{ATL06.columns[0].path}"
        values = file[path][:]
        del file[path]
        file.create_dataset(path, data=values, chunks=(500,))
    report = build_index(
        [*map(Granule.locate, map(str, (broken, strange))), granules["descending"]],
        tmp_path / "index",
        executor="threads",
    )
    reasons = dict(report.skipped)
    assert report.indexed == 1
    assert "cannot be read" in reasons[broken.name]
    assert "gt2l/land_ice_segments/h_li" in reasons[strange.name]


def test_an_interrupted_build_goes_on(granules: Mapping[str, Granule], tmp_path: Path) -> None:
    """Granules that were read before an interrupt are not read again."""

    def interrupt(done: int, total: int, text: str) -> None:
        assert text or total
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(list(granules.values()), tmp_path, executor="threads", workers=1, progress=interrupt)
    assert not (tmp_path / "index.json").exists()
    left = len(list((tmp_path / ".building").glob("*.arrow")))
    assert left >= 2
    report = build_index(list(granules.values()), tmp_path, executor="threads")
    assert report.kept == left
    assert not (tmp_path / ".building").exists()


def test_an_older_release_of_the_same_data_does_not_count(tmp_path: Path) -> None:
    """Unless it is asked for."""
    made = []
    for release in (5, 6):
        spec = GranuleSpec(1039, 8, 3, segments=1500, around=(-45.0, 62.8), release=release)
        path = tmp_path / str(spec.name)
        write_granule(spec, path)
        made.append(Granule.locate(str(path)))
    build_index(made, tmp_path / "index", executor="threads")
    index, region = Index.open(tmp_path / "index"), Region.from_bbox(-46, 62, -44, 64)
    releases = [
        [each.granule.name.release for each in index.lookup(_request(region, release=release)).granules]
        for release in (None, 5)
    ]
    assert releases == [[6], [5]]


def test_time_counts(place: Path) -> None:
    """Chunks of another time are no candidates."""
    region = Region.from_bbox(-46, 62, -44, 64)
    assert not len(Index.open(place).lookup(_request(region, end="2019-01-01")))


def test_a_lookup_far_from_everything_finds_nothing(place: Path) -> None:
    """And reads no file but the manifest."""
    assert not len(Index.open(place).lookup(_request(Region.from_bbox(10, 10, 11, 11))))


def test_there_is_no_index(tmp_path: Path) -> None:
    """The error says what makes one; another file of that name is not taken for one."""
    with pytest.raises(InputError, match="trackbench index build"):
        Index.open(tmp_path)
    (tmp_path / "index.json").write_text('{"format": "something else"}')
    with pytest.raises(FailedError, match="no chunk index"):
        Index.open(tmp_path)


def _rows(selection: Selection, request: SubsetRequest, manner: Manner, spent: Spent | None = None) -> int:
    batches = read_rows(selection, request, Access(), manner=manner, spent=spent)
    return sum(batch.num_rows for _, batch in batches if batch is not None)


@pytest.mark.parametrize("coordinates_first", [False, True])
def test_rows_are_read_and_counted(
    place: Path, points: Mapping[tuple[str, str], np.ndarray], *, coordinates_first: bool
) -> None:
    """As many rows as the region has points; what was fetched is what is told."""
    region = Region.from_bbox(-45.4, 62.6, -44.6, 63.0)
    request, spent = _request(region), Spent()
    found = Index.open(place).lookup(request)
    rows = _rows(found, request, Manner(coordinates_first=coordinates_first), spent)
    assert rows == sum(region.covers(each[:, 0], each[:, 1]).sum() for each in points.values())
    needed = sum(int(sizes.sum()) for sizes in found.sizes.values())
    assert spent.bytes <= 1.06 * needed
    assert 0 < spent.requests <= len(found) * len(found.sizes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("offsets", "outside of the file"),
        ("sizes", "cut short|outside of|more than such a chunk"),
        ("rows", "rows, and a chunk has"),
    ],
)
def test_an_index_that_lies_is_an_error_and_no_rows(place: Path, change: str, said: str) -> None:
    """The error names granule, beam, variable and row."""
    request = _request(Region.from_bbox(-45.4, 62.6, -44.6, 63.0))
    found = Index.open(place).lookup(request)
    path = ATL06.columns[0].path
    column = getattr(found, change)
    if change == "rows":
        column[:] = 10_001
    else:
        column[path][:] = 10**9
    with pytest.raises(FailedError, match=said) as caught:
        _rows(found, request, Manner())
    assert "ATL06_" in str(caught.value)


def test_a_damaged_chunk_is_named(granules: Mapping[str, Granule], tmp_path: Path) -> None:
    """Bytes that do not inflate end the reading."""
    copy = Path(shutil.copy(str(granules["ascending"].path), tmp_path))
    granule = Granule.locate(str(copy))
    build_index([granule], tmp_path / "index", executor="threads")
    request = _request(Region.from_bbox(-45.4, 62.6, -44.6, 63.0))
    found = Index.open(tmp_path / "index").lookup(request)
    path = ATL06.columns[0].path
    with copy.open("r+b") as file:
        file.seek(int(found.offsets[path][0]))
        file.write(b"\xff" * int(found.sizes[path][0]))
    with pytest.raises(
        FailedError, match=r"gt1l/land_ice_segments/h_li that begins with row \d+ cannot be decoded"
    ):
        _rows(found, request, Manner())


def test_a_granule_that_has_changed_is_noticed(granules: Mapping[str, Granule], tmp_path: Path) -> None:
    """Another size is enough; the error says how to bring the index up to date."""
    copy = Path(shutil.copy(str(granules["odd"].path), tmp_path))
    build_index([Granule.locate(str(copy))], tmp_path / "index", executor="threads")
    with copy.open("ab") as file:
        file.write(b"more")
    request = _request(Region.from_bbox(-45.4, 62.6, -44.6, 63.0))
    with pytest.raises(FailedError, match="replaced since it was indexed"):
        _rows(Index.open(tmp_path / "index").lookup(request), request, Manner())


def test_only_named_granules_are_found(place: Path, granules: Mapping[str, Granule]) -> None:
    """A list of granules given by the user restricts the answer."""
    only: set[GranuleName] = {granules["descending"].name}
    request = _request(Region.from_bbox(-46, 62, -44, 64))
    found = Index.open(place).lookup(request, granules=only)
    assert {each.granule.name for each in found.granules} == only
