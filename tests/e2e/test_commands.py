"""The commands, from a region to a file, a table and a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import CommandLine

BOX = "-45.385,62.632,-44.615,62.982"


def test_run_measures_checks_records_and_shows(trackbench: CommandLine) -> None:
    """One command gives a table, records and a page; each row is identical to the reference."""
    done = trackbench("run", "--case", "tiny", "--backend", "baseline:slice", "--samples", "1", "--json")
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert [record["backend"] for record in records] == ["baseline", "null"]
    for record in records:
        assert record["status"] == "ok"
        assert record["verdict"]["kind"] == "identical"
        assert len(record["seconds"]) == 1
        assert min(record["seconds"]) > 0
        assert record["wire"]["by_role"]["s3"]["bytes"] > record["bound"]["bytes"] > 0
        assert record["rows"] > 0
        assert record["peak_rss_bytes"] > 0
        assert record["cpu_seconds"]["client"] > 0
        assert not record["stand_in"]
    (lines,) = (trackbench.folder / "results" / "runs").glob("*.jsonl")
    assert [json.loads(line) for line in lines.read_text().splitlines()] == records
    page = (trackbench.folder / "reports" / "index.html").read_text()
    assert "baseline:slice" in page
    assert trackbench.processes() == []
    assert trackbench.left_behind() == []


def test_a_warm_run_counts_what_the_client_saw(trackbench: CommandLine) -> None:
    """A warm sample comes after a first subset of the same process; what it downloads is what the wire carried."""
    plan = ("--case", "tiny", "--backend", "baseline:download", "--samples", "1", "--warm", "--no-null-run")
    done = trackbench("run", *plan, "--json")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["temperature"] == "warm"
    assert len(record["seconds"]) == 1
    assert record["verdict"]["kind"] == "identical"
    store = record["wire"]["by_role"]["s3"]
    assert store["bytes"] == record["granule_bytes"]
    assert store["requests"] == record["granules"]
    assert record["wire"]["bytes_out"] > store["bytes"]


def test_subset_of_local_files_and_compare(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """Local files need neither network nor login; two subsets of the same request are the same file."""
    folder = str(tiny_granules[0].parent)
    for name in ("a.parquet", "b.parquet"):
        done = trackbench("subset", "--region", BOX, "--granules", folder, "--output", name)
        assert done.returncode == 0, done.stderr
        assert "rows" in done.stdout
    first, second = (trackbench.folder / name for name in ("a.parquet", "b.parquet"))
    assert first.read_bytes() == second.read_bytes()
    frame = geopandas.read_parquet(first)
    assert len(frame) > 0
    assert frame.total_bounds[0] >= -45.385
    assert trackbench("compare", "a.parquet", "b.parquet").returncode == 0


def test_subset_through_the_local_cloud_gives_the_same(
    trackbench: CommandLine, tiny_granules: tuple[Path, ...]
) -> None:
    """Through a server and its network the rows are those of the files themselves."""
    here = trackbench(
        "subset", "--region", BOX, "--granules", str(tiny_granules[0].parent), "--output", "a.parquet"
    )
    there = trackbench("subset", "--region", BOX, "--case", "tiny", "--output", "b.parquet")
    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert "local cloud serves" in there.stderr
    assert trackbench("compare", "b.parquet", "a.parquet").returncode == 0


def test_compare_tells_what_differs(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """A changed height makes the exit status 1 and is named."""
    done = trackbench("subset", "--region", BOX, "--granules", str(tiny_granules[0]), "--output", "a.parquet")
    assert done.returncode == 0, done.stderr
    table = pq.ParquetFile(trackbench.folder / "a.parquet").read()
    pq.write_table(table.slice(1), trackbench.folder / "b.parquet")
    done = trackbench("compare", "b.parquet", "a.parquet")
    assert done.returncode == 1
    assert "1 row missing" in done.stdout
    (trackbench.folder / "c.parquet").write_bytes(b"no parquet")
    assert trackbench("compare", "c.parquet", "a.parquet").returncode == 2


def test_a_region_without_tracks_gives_a_file_without_rows(
    trackbench: CommandLine, tiny_granules: tuple[Path, ...]
) -> None:
    """An empty answer is a valid file with every column, and is said to be empty."""
    done = trackbench(
        "subset", "--region", "10,10,11,11", "--granules", str(tiny_granules[0]), "--output", "e.parquet"
    )
    assert done.returncode == 0, done.stderr
    assert "No row" in done.stdout
    frame = geopandas.read_parquet(trackbench.folder / "e.parquet")
    assert len(frame) == 0
    assert list(frame.columns) == [
        *("time", "latitude", "longitude", "h_li", "h_li_sigma", "atl06_quality_summary"),
        *("track_id", "rgt", "cycle", "geometry"),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--backend", "nonesuch"), "No backend is called 'nonesuch'"),
        (("run", "--backend", "baseline:nonesuch"), "no variant 'nonesuch'"),
        (("run", "--case", "nonesuch"), "nonesuch"),
        (("run", "--profile", "nonesuch"), "no profile 'nonesuch'"),
        (("subset", "--region", "1,2,3", "--output", "x.parquet"), "four numbers"),
        (("subset", "--region", "10,10,11,11", "--output", "no/where/x.parquet"), "no folder"),
        (("subset", "--region", "10,10,11,11", "--output", "x.parquet", "--granules", "nothing.h5"), "nothing.h5"),
        (("subset", "--region", "10,10,11,11", "--output", "x.parquet", "--start", "1.1.2020"), "not a date"),
        (("subset", "--region", "10,10,11,11", "--output", "x.parquet", "--variable", "h_lee"), "no variable"),
        (("report", "--out", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_named(trackbench: CommandLine, words: tuple[str, ...], told: str) -> None:
    """What cannot be used ends with status 2 and a message that names it, and writes nothing."""
    done = trackbench(*words)
    assert done.returncode == 2, done.stderr
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (trackbench.folder / "x.parquet").exists()


def test_live_without_credentials_says_what_to_do(trackbench: CommandLine) -> None:
    """Nothing is asked and nothing is sent: the message names the ways to log in."""
    done = trackbench("subset", "--region", BOX, "--output", "x.parquet", "--live")
    assert done.returncode == 1
    for way in ("EARTHDATA_TOKEN", "netrc", "https://urs.earthdata.nasa.gov"):
        assert way in done.stderr


def test_doctor_never_shows_a_secret(trackbench: CommandLine) -> None:
    """Credentials are found, and not shown."""
    done = trackbench("doctor", EARTHDATA_TOKEN="very-secret")
    assert done.returncode == 0, done.stdout
    assert "EARTHDATA_TOKEN" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "key", "value"),
    [("backends", "backend", "baseline"), ("cases", "case", "greenland"), ("profiles", "name", "in-region")],
)
def test_lists_are_readable_by_programs(trackbench: CommandLine, command: str, key: str, value: str) -> None:
    """What there is to choose from comes as JSON too."""
    done = trackbench(command, "--json")
    assert value in [row[key] for row in json.loads(done.stdout)]
