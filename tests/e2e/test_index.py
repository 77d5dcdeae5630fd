"""The index from the command line: build, look, ask, check, subset; and the variants of its backend in a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import CommandLine

BOX = "-45.385,62.632,-44.615,62.982"


@pytest.fixture
def index(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> str:
    """Build an index of local granules."""
    place = str(trackbench.folder / "index")
    folder = str(tiny_granules[0].parent)
    done = trackbench("index", "build", "--granules", folder, "--output", place, "--executor", "threads", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["indexed"], told["skipped"]) == (len(tiny_granules), {})
    return place


def test_an_index_is_all_that_a_subset_needs(
    trackbench: CommandLine, index: str, tiny_granules: tuple[Path, ...]
) -> None:
    """No login, no cloud: the rows are those that reading the files gives; the trace says what happened."""
    asked = ("--region", BOX, "--output")
    done = trackbench(
        "subset", *asked, "a.parquet", "--backend", "h3-index", "--index", index, "--trace", "trace.json", "--json"
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert rows > 0
    done = trackbench("subset", *asked, "b.parquet", "--granules", str(tiny_granules[0].parent))
    assert done.returncode == 0, done.stderr
    done = trackbench("compare", "a.parquet", "b.parquet")
    assert done.returncode == 0, done.stdout
    trace = json.loads((trackbench.folder / "trace.json").read_text())
    kinds = {event.get("cat") for event in trace["traceEvents"]}
    assert kinds >= {"lookup", "fetch", "decode", "filter", "write"}
    assert "fetch" in trace["otherData"]["summary"]
    assert trackbench.left_behind() == []


def test_an_index_tells_what_it_holds_and_what_a_subset_would_fetch(
    trackbench: CommandLine, index: str, tiny_granules: tuple[Path, ...]
) -> None:
    """Nothing is fetched for it."""
    told = json.loads(trackbench("index", "info", index, "--json").stdout)
    assert told["granules"] == len(tiny_granules)
    told = json.loads(trackbench("index", "query", index, "--region", BOX, "--json").stdout)
    assert 0 < told["bytes_of_chunks"] <= told["bytes_fetched"] <= 1.06 * told["bytes_of_chunks"]
    assert told["granules"] == len(told["names"]) == len(tiny_granules)
    none = json.loads(trackbench("index", "query", index, "--region", "10,10,11,11", "--json").stdout)
    assert (none["granules"], none["bytes_fetched"]) == (0, 0)


def test_a_granule_that_is_not_as_indexed_is_found(
    trackbench: CommandLine, index: str, tiny_granules: tuple[Path, ...]
) -> None:
    """Exit status 0 while all is right, 1 and the granule's name when one is another."""
    folder = trackbench.folder / "granules"
    folder.mkdir()
    for path in tiny_granules:
        shutil.copy(path, folder)
    assert trackbench("index", "validate", index, "--granules", str(folder)).returncode == 0
    shutil.copy(tiny_granules[1], folder / tiny_granules[0].name)
    done = trackbench("index", "validate", index, "--granules", str(folder))
    assert done.returncode == 1
    assert tiny_granules[0].name in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("index", "query", "nowhere", "--region", BOX), "trackbench index build"),
        (("index", "build", "--granules", "nowhere", "--output", "x"), "no file or folder"),
        (
            ("subset", "--region", BOX, "--output", "x.parquet", "--backend", "baseline", "--index", "x"),
            "for the backend h3-index",
        ),
        (
            ("subset", "--region", BOX, "--output", "x.parquet", "--backend", "h3-index", "--index", "x"),
            "There is no chunk index at x",
        ),
    ],
)
def test_bad_input_is_told(trackbench: CommandLine, words: tuple[str, ...], said: str) -> None:
    """What is wrong, what to do, and exit status 2."""
    done = trackbench(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(Path(trackbench.folder).glob("*.parquet"))


def test_every_variant_is_right_in_a_run(trackbench: CommandLine) -> None:
    """From this machine and from the store, in one round and in two: identical rows, few bytes too many."""
    plan = ("--case", "tiny", "--backend", "h3-index", "--samples", "1", "--no-null-run", "--json")
    done = trackbench("run", *plan)
    assert done.returncode == 0, done.stderr
    records = {record["variant"]: record for record in json.loads(done.stdout)}
    assert set(records) == {"local", "remote", "latlon-first"}
    for record in records.values():
        assert record["status"] == "ok", record["reason"]
        assert record["verdict"]["kind"] == "identical"
        assert record["artifact"]["bytes_stored"] > 0
        assert "cmr" not in record["wire"]["by_role"]
    local, remote = (records[variant]["wire"]["by_role"]["s3"] for variant in ("local", "remote"))
    assert local["bytes"] <= 1.1 * records["local"]["bound"]["bytes"]
    assert 0 < remote["requests"] - local["requests"] <= 8
