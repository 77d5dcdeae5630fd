"""The GeoParquet file: who can read it, what it says of itself, and that it is whole or not there."""

from __future__ import annotations

import errno
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb
import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely

from trackbench import geoparquet
from trackbench.errors import FailedError, InputError
from trackbench.geoparquet import METADATA_KEY, read_geoparquet, read_metadata, write_geoparquet
from trackbench.granules import Granule, GranuleName
from trackbench.products import ATL06, BEAMS
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import canonical_batch, schema, sort_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = SubsetRequest.build("ATL06", Region.from_bbox(-50, 60, -40, 70), "2019-01-01", "2019-12-31")
NAMES = tuple(
    GranuleName.parse(name)
    for name in ("ATL06_20190404100413_00940303_006_02.h5", "ATL06_20190413220646_02390305_007_01.h5")
)


def batches(size: int = 40) -> list[pa.RecordBatch]:
    """Make rows of two granules and six tracks, in no order."""
    rng = np.random.default_rng(5)
    made = []
    for name in NAMES:
        for track_id in BEAMS:
            heights = rng.normal(1500, 100, size).astype(np.float32)
            heights[rng.integers(size, size=4)] = np.nan
            values = {
                "h_li": heights,
                "h_li_sigma": np.full(size, 0.05, dtype=np.float32),
                "atl06_quality_summary": rng.integers(0, 2, size).astype(np.int8),
            }
            made.append(
                canonical_batch(
                    REQUEST,
                    name,
                    track_id,
                    latitude=rng.uniform(60, 70, size),
                    longitude=rng.uniform(-50, -40, size),
                    delta_time=rng.uniform(4e7, 5e7, size),
                    values=values,
                )
            )
    return [made[place] for place in rng.permutation(len(made))]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Make the rows as they should come back."""
    return sort_rows(pa.Table.from_batches(batches()).combine_chunks())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a subset of two granules."""
    path: Path = tmp_path_factory.mktemp("subset") / "subset.parquet"
    write_geoparquet(batches(), path, request=REQUEST, granules=NAMES)
    return path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a subset without rows."""
    path: Path = tmp_path_factory.mktemp("subset") / "empty.parquet"
    write_geoparquet([], path, request=REQUEST)
    return path


def test_what_was_written_is_read(written: Path, rows: pa.Table) -> None:
    """The rows come back sorted, with the canonical columns and nothing changed."""
    table = read_geoparquet(written)
    assert table.schema.equals(schema(ATL06))
    assert table.equals(rows)


def test_the_summary_counts_rows_and_bytes(tmp_path: Path) -> None:
    """Rows and size are those of the file."""
    path = tmp_path / "out.parquet"
    summary = write_geoparquet(batches(), path, request=REQUEST)
    assert (summary.rows, summary.bytes) == (480, path.stat().st_size)


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path: Path, written: Path) -> None:
    """Neither the order of batches and granules nor the moment of writing shows in the file."""
    again = tmp_path / "again.parquet"
    write_geoparquet(batches()[::-1], again, request=REQUEST, granules=NAMES[::-1])
    assert again.read_bytes() == written.read_bytes()


def test_the_geo_metadata_is_that_of_geoparquet_1_1(written: Path, rows: pa.Table) -> None:
    """Version, encoding, types, box and the coordinate reference system stand where the specification says."""
    geo = json.loads(pq.read_metadata(written).metadata[b"geo"])
    column = geo["columns"]["geometry"]
    lon, lat = (rows[name].to_numpy() for name in ("longitude", "latitude"))
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert column["bbox"] == [lon.min(), lat.min(), lon.max(), lat.max()]
    assert pyproj.CRS.from_json_dict(column["crs"]) == pyproj.CRS("OGC:CRS84")
    assert "covering" not in column


def test_the_file_says_how_it_came_about(written: Path) -> None:
    """Request, granules with their identifiers, and versions are in the metadata, and the request reads back."""
    about = read_metadata(written)
    assert SubsetRequest.from_dict(about["request"]) == REQUEST
    assert about["granules"] == [
        {"name": str(NAMES[0]), "identifier": "https://doi.org/10.5067/ATLAS/ATL06.006"},
        {"name": str(NAMES[1]), "identifier": "https://doi.org/10.5067/ATLAS/ATL06.007"},
    ]
    assert set(about["versions"]) == {"trackbench", "pyarrow"}
    assert about["schema"] == 1


def test_granules_may_become_known_while_rows_are_read(tmp_path: Path) -> None:
    """A list that fills up as the batches are consumed is seen whole; a granule counts by its name."""
    seen: list[Granule] = []

    def reading() -> Iterator[pa.RecordBatch]:
        seen.append(Granule(NAMES[0], path="somewhere"))
        yield batches()[0]

    path = tmp_path / "out.parquet"
    write_geoparquet(reading(), path, request=REQUEST, granules=seen, versions={"reader": "1"})
    assert [granule["name"] for granule in read_metadata(path)["granules"]] == [str(NAMES[0])]
    assert read_metadata(path)["versions"] == {"reader": "1"}


def test_row_groups_are_of_one_size_and_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are written in groups that follow the order, all columns with zstd."""
    monkeypatch.setattr(geoparquet, "_ROW_GROUP", 100)
    path = tmp_path / "out.parquet"
    write_geoparquet(batches(), path, request=REQUEST)
    about = pq.read_metadata(path)
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    assert [group.num_rows for group in groups] == [100, 100, 100, 100, 80]
    assert {group.column(0).compression for group in groups} == {"ZSTD"}
    assert read_geoparquet(path).equals(sort_rows(pa.Table.from_batches(batches())))


def test_geopandas_reads_it(written: Path, empty: Path, rows: pa.Table) -> None:
    """Geopandas sees points in OGC:CRS84 at the longitudes and latitudes, with times in UTC; also without rows."""
    frame = geopandas.read_parquet(written)
    assert frame.crs == pyproj.CRS("OGC:CRS84")
    assert np.array_equal(frame.geometry.x, rows["longitude"].to_numpy())
    assert np.array_equal(frame.geometry.y, rows["latitude"].to_numpy())
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"
    assert frame["h_li"].isna().sum() == rows["h_li"].null_count
    assert len(geopandas.read_parquet(empty)) == 0


def test_duckdb_reads_it(written: Path, empty: Path, rows: pa.Table) -> None:
    """DuckDB reads each column without its spatial extension, and knows the geometry for what it is."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    read = connection.execute(
        "select track_id, rgt, cycle, latitude, h_li, epoch_ns(time) from read_parquet(?)", [str(written)]
    ).fetchall()
    assert read == list(
        zip(
            *(rows[name].to_pylist() for name in ("track_id", "rgt", "cycle", "latitude", "h_li")),
            rows["time"].cast(pa.int64()).to_pylist(),
            strict=True,
        )
    )
    kinds = dict(
        row[:2] for row in connection.execute("describe select * from read_parquet(?)", [str(written)]).fetchall()
    )
    assert kinds["geometry"] in {"GEOMETRY('OGC:CRS84')", "GEOMETRY", "BLOB"}
    assert connection.execute("select count(*) from read_parquet(?)", [str(empty)]).fetchall() == [(0,)]


def test_duckdb_reads_the_geometry_as_well_known_binary(written: Path, rows: pa.Table) -> None:
    """The bytes of the points are there for a reader that knows nothing of GeoParquet."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    relation = connection.sql(f"select geometry from read_parquet('{written}')").to_arrow_table()
    points = shapely.from_wkb(relation["geometry"].to_pylist())
    assert np.array_equal(shapely.get_x(points), rows["longitude"].to_numpy())
    assert np.array_equal(shapely.get_y(points), rows["latitude"].to_numpy())


def test_gdal_reads_it(written: Path, rows: pa.Table) -> None:
    """GDAL's Parquet driver sees the points and their reference system."""
    if "Parquet" not in pyogrio.list_drivers():
        pytest.skip(
            f"the GDAL {pyogrio.__gdal_version_string__} in pyogrio's wheel is built without its Parquet driver"
        )
    frame = pyogrio.read_dataframe(written)
    assert np.array_equal(frame.geometry.x, rows["longitude"].to_numpy())
    assert frame.crs == pyproj.CRS("OGC:CRS84")


def test_gdal_takes_its_columns_through_arrow(tmp_path: Path, written: Path, rows: pa.Table) -> None:
    """GDAL takes the table through Arrow, types and points and all, and gives the same places back."""
    table = read_geoparquet(written)
    plain = table.set_column(table.column_names.index("track_id"), "track_id", table["track_id"].cast(pa.string()))
    copy = tmp_path / "copy.fgb"
    pyogrio.write_arrow(
        plain.replace_schema_metadata(None),
        copy,
        driver="FlatGeobuf",
        geometry_name="geometry",
        geometry_type="Point",
        crs="OGC:CRS84",
        SPATIAL_INDEX="NO",
    )
    frame = pyogrio.read_dataframe(copy)
    assert np.array_equal(frame.geometry.x, rows["longitude"].to_numpy())
    assert frame["track_id"].tolist() == rows["track_id"].to_pylist()


def test_no_rows_make_a_valid_file(empty: Path) -> None:
    """An empty answer is a file with every column, no rows and no box."""
    table = read_geoparquet(empty)
    assert (table.num_rows, table.schema.names) == (0, schema(ATL06).names)
    assert "bbox" not in json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]


def test_rows_of_another_request_are_refused(tmp_path: Path) -> None:
    """A batch with other columns than the request's writes nothing."""
    request = SubsetRequest.build("ATL06", REQUEST.region, variables=("segment_id",))
    with pytest.raises(InputError, match="segment_id"):
        write_geoparquet(batches(), tmp_path / "out.parquet", request=request)
    assert list(tmp_path.iterdir()) == []


class Full:
    """A file on a disk that fills up."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Fail in place of writing."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            FailedError,
            r"[\d,]+ bytes are free for .*out\.parquet",
        ),
        (OSError(errno.EIO, "Input/output error"), FailedError, "failed: .*Input/output error"),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
)
def test_after_an_error_the_old_file_is_untouched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException],
    message: str,
) -> None:
    """A full disk, a failing one or an interrupt leave the file of before and no other."""
    path = tmp_path / "out.parquet"
    path.write_bytes(b"before")
    monkeypatch.setattr(pq.ParquetWriter, "write_table", Full(error))
    with pytest.raises(raised, match=message or None):
        write_geoparquet(batches(), path, request=REQUEST)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_really_full_disk_is_known_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the system comes through the Parquet writer: /dev/full is out of space at the first byte."""
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("this system has no /dev/full")
    original = Path.open

    def on_full_disk(path: Path, *arguments: Any, **settings: Any) -> Any:
        if path.suffix == ".partial":
            return device.open("wb", buffering=0)
        return original(path, *arguments, **settings)

    monkeypatch.setattr(Path, "open", on_full_disk)
    with pytest.raises(FailedError, match="The disk is full"):
        write_geoparquet(batches(), tmp_path / "out.parquet", request=REQUEST)


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """An error while rows are read comes through, and no file appears."""

    def failing() -> Iterator[pa.RecordBatch]:
        yield batches()[0]
        raise FailedError("the server went away")

    with pytest.raises(FailedError, match="went away"):
        write_geoparquet(failing(), tmp_path / "out.parquet", request=REQUEST)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """A missing folder, and a folder in place of a file, are errors of the input."""
    with pytest.raises(InputError, match=r"nowhere.*check the folder"):
        write_geoparquet(batches(), tmp_path / "nowhere" / "out.parquet", request=REQUEST)
    with pytest.raises(InputError, match="is a folder"):
        write_geoparquet(batches(), tmp_path, request=REQUEST)


def rewritten(path: Path, written: Path, change: dict[bytes, bytes | None], drop: str | None = None) -> Path:
    """Write the file again with other metadata or a column less."""
    table = pq.ParquetFile(written).read()
    about = {**table.schema.metadata, **change}
    table = table.drop_columns([drop] if drop else [])
    pq.write_table(
        table.replace_schema_metadata({key: value for key, value in about.items() if value is not None}), path
    )
    return path


def test_files_of_others_are_refused_in_words(tmp_path: Path, written: Path) -> None:
    """What is missing, no Parquet, not ours, short of a column or in another system is refused by name."""
    text = tmp_path / "text.parquet"
    text.write_text("no parquet", encoding="utf-8")
    geo = json.loads(pq.read_metadata(written).metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = pyproj.CRS("EPSG:3413").to_json_dict()
    cases = [
        (tmp_path / "none.parquet", "There is no file"),
        (text, "cannot be read as Parquet"),
        (
            rewritten(tmp_path / "a.parquet", written, {METADATA_KEY.encode(): None}),
            "no subset written by trackbench",
        ),
        (rewritten(tmp_path / "b.parquet", written, {b"geo": None}), "no subset written by trackbench"),
        (rewritten(tmp_path / "c.parquet", written, {}, drop="rgt"), "lacks the columns rgt"),
        (rewritten(tmp_path / "d.parquet", written, {b"geo": json.dumps(geo).encode()}), "is in EPSG:3413"),
    ]
    for path, message in cases:
        with pytest.raises(InputError, match=message) as caught:
            read_geoparquet(path)
        assert path.name in str(caught.value)
    for path in (cases[0][0], text, cases[2][0]):
        with pytest.raises(InputError, match=r"no subset written by trackbench"):
            read_metadata(path)


def test_the_first_point_is_plain_well_known_binary(written: Path) -> None:
    """A reader with nothing but struct finds the first point."""
    table = read_geoparquet(written)
    head = struct.unpack("<BIdd", table["geometry"][0].as_py())
    assert head == (1, 1, table["longitude"][0].as_py(), table["latitude"][0].as_py())
