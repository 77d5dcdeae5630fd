"""The chunk index against a store: built there, read there, through everything that goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from trackbench.access import Access, S3Key
from trackbench.chunkindex.build import build_index
from trackbench.chunkindex.lookup import Index
from trackbench.chunkindex.read import Manner, Spent, read_rows
from trackbench.errors import FailedError, UnavailableError
from trackbench.granulegen import GranuleSpec, write_granule
from trackbench.granules import Granule
from trackbench.localcloud import CloudConfig, Fault, LocalCloud
from trackbench.region import Region
from trackbench.request import SubsetRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support_localcloud import KeysOf

REQUEST = SubsetRequest.build("ATL06", Region.from_bbox(-45.4, 62.6, -44.6, 63.0))
SPECS = (
    GranuleSpec(1039, 8, 3, segments=25_000, around=(-45.0, 62.8)),
    GranuleSpec(681, 8, 5, segments=12_000, around=(-45.0, 62.8), release=7),
    GranuleSpec(94, 9, 3, segments=12_000, around=(-45.0, 62.8)),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Write a few granules."""
    folder = tmp_path_factory.mktemp("granules")
    paths = tuple(folder / str(spec.name) for spec in SPECS)
    for spec, path in zip(SPECS, paths, strict=True):
        write_granule(spec, path)
    return paths


@pytest.fixture(scope="module")
def store(files: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Serve them, and a folder of artifacts."""
    with LocalCloud.start(CloudConfig(files, artifacts=tmp_path_factory.mktemp("artifacts"))) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def access(store: LocalCloud, keys_of: KeysOf) -> Access:
    """Have credentials of it."""
    keys = keys_of(store)
    key = S3Key(
        keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"], datetime.now(UTC) + timedelta(hours=1)
    )
    return Access("token", "", store.endpoints.s3_endpoint, in_region=True, key=key)


@pytest.fixture(scope="module")
def granules(files: tuple[Path, ...]) -> list[Granule]:
    """Say where they are in the store."""
    bucket = "s3://nsidc-cumulus-prod-protected"
    return [
        Granule.locate(f"{bucket}/ATLAS/ATL06/{spec.name.release:03d}/{spec.name.start:%Y/%m/%d}/{path.name}")
        for spec, path in zip(SPECS, files, strict=True)
    ]


@pytest.fixture(scope="module")
def index(granules: list[Granule], access: Access, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Build an index over the network."""
    place = tmp_path_factory.mktemp("index")
    report = build_index(granules, place, access=access, executor="threads")
    assert report.skipped == ()
    return Index.open(place)


@pytest.fixture(autouse=True)
def _fresh(store: LocalCloud) -> None:
    store.set_faults(())
    store.reset_ledger()


def _rows(index: Index, access: Access, *, spent: Spent | None = None, first: bool = False) -> pa.Table:
    found = index.lookup(REQUEST)
    batches = [
        batch
        for _, batch in read_rows(found, REQUEST, access, manner=Manner(coordinates_first=first), spent=spent)
        if batch is not None
    ]
    return pa.Table.from_batches(batches)


@pytest.fixture(scope="module")
def expected(files: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Read the rows through an index of the files themselves."""
    place = tmp_path_factory.mktemp("local")
    build_index([Granule.locate(str(path)) for path in files], place, executor="threads")
    rows = _rows(Index.open(place), Access())
    assert rows.num_rows > 0
    return rows


@pytest.mark.parametrize("first", [False, True])
def test_rows_and_counts_are_those_of_the_wire(
    index: Index, access: Access, store: LocalCloud, expected: pa.Table, *, first: bool
) -> None:
    """What the client says it asked for is what the store saw, to the byte; rows are those of the files."""
    spent = Spent()
    assert _rows(index, access, spent=spent, first=first).equals(expected)
    seen = store.ledger().by_role["s3"]
    assert (spent.requests, spent.bytes) == (seen.requests, seen.bytes)


def test_an_index_built_over_the_network_knows_tags_and_sizes(index: Index, files: tuple[Path, ...]) -> None:
    """A granule that is replaced can be noticed."""
    found = index.lookup(REQUEST)
    assert sorted(each.granule.size or 0 for each in found.granules) == sorted(p.stat().st_size for p in files)
    assert all(each.etag for each in found.granules)


@pytest.mark.parametrize("kind", ["slow-down", "internal-error", "reset", "reset-in-body", "truncation"])
def test_trouble_on_the_way_costs_no_row(
    kind: str, index: Index, access: Access, store: LocalCloud, expected: pa.Table
) -> None:
    """One request in ten goes wrong; what is asked for again is right."""
    store.set_faults((Fault(kind, role="s3", probability=0.1),))  # type: ignore[arg-type]
    assert _rows(index, access).equals(expected)


def test_a_store_that_refuses_is_unavailable(index: Index, access: Access, store: LocalCloud) -> None:
    """With the granule's name, and no row."""
    store.set_faults((Fault("wrong-signature", role="s3"),))
    with pytest.raises(UnavailableError, match="ATL06_"):
        _rows(index, access)


def test_a_granule_that_was_replaced_in_the_store_is_noticed(index: Index, access: Access) -> None:
    """Of the same size, even: its tag is another."""
    found = index.lookup(REQUEST)
    stale = replace(found, granules=tuple(replace(each, etag='"another"') for each in found.granules))
    with pytest.raises(FailedError, match="replaced since it was indexed"):
        list(read_rows(stale, REQUEST, access))


def test_an_index_in_the_store_needs_no_login(index: Index, store: LocalCloud, tmp_path: Path) -> None:
    """A public bucket is read without credentials; what is not there is told."""
    assert tmp_path
    artifacts = store.endpoints.services["artifacts"]
    public = Access(s3_endpoint=store.endpoints.s3_endpoint)
    with pytest.raises(Exception, match="There is no chunk index"):
        Index.open(f"{artifacts}/nowhere", public)
    assert index.manifest.chunks > 0
