"""Names of granules, where they are, and which of several counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackbench.errors import InputError
from trackbench.granules import Granule, GranuleName, newest

if TYPE_CHECKING:
    from pathlib import Path

FILE = "ATL06_20191106230008_06270503_006_01.h5"
NAME = GranuleName("ATL06", datetime(2019, 11, 6, 23, 0, 8, tzinfo=UTC), 627, 5, 3, 6, 1)

names = st.builds(
    GranuleName,
    product=st.sampled_from(["ATL03", "ATL06", "ATL08"]),
    start=st.integers(int(NAME.start.timestamp()), 4_000_000_000).map(
        lambda each: datetime.fromtimestamp(each, UTC)
    ),
    rgt=st.integers(1, 1387),
    cycle=st.integers(1, 99),
    region=st.integers(1, 14),
    release=st.integers(0, 999),
    revision=st.integers(0, 99),
)


@given(names)
def test_a_name_reads_back(name: GranuleName) -> None:
    """Writing a name and reading it gives the same name."""
    assert GranuleName.parse(str(name)) == name
    assert GranuleName.parse(name.stem) == name


@pytest.mark.parametrize(
    "text",
    [
        FILE,
        f"processed_{FILE}",
        FILE.replace(".h5", "_subsetted.h5"),
        f"103672_{FILE.replace('.h5', '_subsetted.h5')}",
        f"some folder/ATL06_20181014001049_02350102_003_01.h5/{FILE}",
        f"s3://nsidc-cumulus-prod-protected/ATLAS/ATL06/006/2019/11/06/{FILE}",
        f"https://data.nsidc.earthdatacloud.nasa.gov/protected/ATL06/006/{FILE}?A-userid=a/ATL06_x&sig=1",
        f"{FILE}.dmrpp",
    ],
)
def test_names_are_found_in_what_services_make_of_them(text: str) -> None:
    """Prefixes, suffixes, folders and queries of subsetters, buckets and signed links do no harm."""
    assert GranuleName.parse(text) == NAME


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not the name"),
        ("ATL06.h5", "not the name"),
        ("ATL06_20191106230008_06270503_006.h5", "not the name"),
        ("ATL06_20191106230008_06270503_006_012.h5", "not the name"),
        ("XATL06_20191106230008_06270503_006_01.h5", "not the name"),
        (f"https://example.org/get?file={FILE}", "not the name"),
        ("ATL06_20191306230008_06270503_006_01.h5", "impossible start time 20191306230008"),
        ("ATL06_20191106230008_13880503_006_01.h5", "RGT 1388"),
        ("ATL06_20191106230008_00000503_006_01.h5", "RGT 0"),
        ("ATL06_20191106230008_06270003_006_01.h5", "cycle 0"),
        ("ATL06_20191106230008_06270515_006_01.h5", "region 15"),
    ],
)
def test_what_is_no_name_is_refused(text: str, why: str) -> None:
    """A name that says the impossible, or none at all, is an error that shows it."""
    with pytest.raises(InputError, match=why):
        GranuleName.parse(text)


def test_names_of_real_files_are_read(real_atl06: tuple[Path, ...]) -> None:
    """Each real file's name, those of the subsetter too, holds its product and release."""
    assert {GranuleName.parse(str(path)).product for path in real_atl06} == {"ATL06"}
    assert {GranuleName.parse(str(path)).release for path in real_atl06} >= {1, 3, 6}


@pytest.mark.parametrize(
    "granule",
    [
        Granule(NAME, path=f"/data/{FILE}"),
        Granule(NAME, path=FILE),
        Granule(NAME, s3=f"s3://bucket/{FILE}"),
        Granule(NAME, https=f"https://host/{FILE}?token=1"),
        Granule(NAME, https=f"http://127.0.0.1:8080/{FILE}"),
    ],
)
def test_a_granule_keeps_where_it_is(granule: Granule) -> None:
    """A path, an S3 address and a web address each land where a backend looks for them, unchanged."""
    assert Granule.locate(granule.path or granule.s3 or granule.https or "") == granule


def _version(release: int, revision: int, *, cycle: int = 5, rgt: int = 627, region: int = 3) -> GranuleName:
    return GranuleName("ATL06", NAME.start, rgt, cycle, region, release, revision)


def test_the_newest_version_counts() -> None:
    """Of the same data the newest release counts, and of that the newest revision, in whatever order they come."""
    versions = [_version(5, 2), _version(6, 1), _version(6, 2), _version(5, 9)]

    assert newest(versions) == newest(versions[::-1]) == (_version(6, 2),)


@given(st.lists(names))
def test_newest_keeps_all_data_once(many: list[GranuleName]) -> None:
    """Nothing is lost, nothing is kept twice, and the order is that of cycle, RGT and region."""
    kept = newest(many)

    assert {name.data for name in kept} == {name.data for name in many}
    assert [name.data for name in kept] == sorted({name.data for name in kept})
    assert newest(kept) == kept


def test_newest_sorts_granules_as_it_sorts_names() -> None:
    """Granules are compared by their names alone, not by where they are."""
    near, far = Granule(_version(6, 1, cycle=4), path="b"), Granule(_version(6, 1, cycle=5), path="a")
    old = Granule(_version(5, 1, cycle=4), https="https://host/x")

    assert newest([far, old, near]) == (near, far)
