"""Searches find what the Common Metadata Repository would find, and refuse what it refuses."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from aiohttp.test_utils import make_mocked_request

from trackbench.granules import GranuleName
from trackbench.localcloud.catalogue import catalogue_collections, catalogue_granules
from trackbench.localcloud.cmr import MetadataRepository
from trackbench.localcloud.footprint import Footprint
from trackbench.localcloud.learning import Learned

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from trackbench.localcloud.reply import Reply

HOST = "https://data.test"
DAY = 86400.0


def _learned(name: str, area: BaseGeometry, day: float) -> Learned:
    footprint = Footprint(area.wkt, day * DAY, day * DAY + 100, 4242, -12.5, day * DAY - 60)
    return Learned(Path(f"/granules/{name}"), 1000, "0" * 32, GranuleName.parse(name), footprint)


EAST = "ATL06_20180102000000_00010105_006_01.h5"
WEST = "ATL06_20180103000000_00020103_006_01.h5"
WEST_LATER = "ATL06_20180103000000_00020103_007_01.h5"
DATELINE = "ATL08_20180105000000_00030110_006_01.h5"
WEST_RING = "-52,64,-49.5,64,-49.5,66,-52,66,-52,64"
EAST_RING = "9,64,12,64,12,66,9,66,9,64"
PATTERN = "options[readable_granule_name][pattern]=true"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PLACELESS = "ATL06_20180106000000_00040101_006_01.h5"


@pytest.fixture
def repository() -> MetadataRepository:
    """Five granules of two products and two releases; one of them without a place."""
    west, east = shapely.box(-50, 60, -49, 70), shapely.box(10, 60, 11, 70)
    dateline = shapely.union_all([shapely.box(179, -75, 180, -70), shapely.box(-180, -75, -179, -70)])
    files = [
        _learned(WEST_LATER, west, 2),
        _learned(WEST, west, 2),
        _learned(EAST, east, 1),
        _learned(DATELINE, dateline, 4),
        _learned(PLACELESS, shapely.Polygon(), 5),
    ]
    granules = catalogue_granules(files, HOST)
    return MetadataRepository(granules, catalogue_collections(granules, HOST))


def _get(repository: MetadataRepository, query: str, **headers: str) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(repository.answer(make_mocked_request("GET", f"/search/{query}", headers=fields)))


def _names(repository: MetadataRepository, query: str) -> list[str]:
    reply = _get(repository, f"granules.umm_json?page_size=100&{query}")
    assert reply.status == 200, bytes(reply.body)
    return [item["umm"]["GranuleUR"] for item in _body(reply)["items"]]


def _body(reply: Reply) -> Any:
    return json.loads(bytes(reply.body))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("short_name=ATL06", [EAST, WEST, WEST_LATER, PLACELESS]),
        ("short_name=atl08", [DATELINE]),
        ("short_name[]=ATL08&short_name[]=ATL03", [DATELINE]),
        ("short_name=ATL06&version=007", [WEST_LATER]),
        ("collection_concept_id=C906000007-NSIDC_CPRD", [WEST_LATER]),
        ("provider=NSIDC_ECS", []),
        ("bounding_box=-52,65,-49.5,66", [WEST, WEST_LATER]),
        ("bounding_box[]=-52,65,-49.5,66&bounding_box[]=10,65,12,66", []),
        (
            "bounding_box[]=-52,65,-49.5,66&bounding_box[]=10,65,12,66&options[bounding_box][or]=true",
            [EAST, WEST, WEST_LATER],
        ),
        ("bounding_box=178,-80,-179.5,-60", [DATELINE]),
        (f"polygon={WEST_RING}&version=006", [WEST]),
        (f"polygon[]={WEST_RING}&polygon[]={EAST_RING}&options[polygon][or]=true&version=006", [EAST, WEST]),
        (f"polygon[]={WEST_RING}&polygon[]={EAST_RING}&version=006", []),
        ("point=10.5,65&bounding_box=-52,65,-49.5,66&options[spatial][or]=true&version=006", [EAST, WEST]),
        ("temporal=2018-01-02T00:00:00Z,2018-01-02T12:00:00Z", [EAST]),
        ("temporal[]=2018-01-05T00:01:40Z,", [DATELINE, PLACELESS]),
        ("temporal[]=2018-01-05T00:01:40Z,&options[temporal][exclude_boundary]=true", [PLACELESS]),
        ("temporal[]=,2018-01-02T00:00:00Z", [EAST]),
        (
            f"readable_granule_name=ATL06_201801030*_007_??.h5&{PATTERN}",
            [WEST_LATER],
        ),
        ("readable_granule_name=ATL06_201801030*", []),
        (f"producer_granule_id={WEST}", [WEST]),
        (f"granule_ur[]={WEST}&granule_ur[]={EAST}", [EAST, WEST]),
    ],
)
def test_search(query: str, found: list[str], repository: MetadataRepository) -> None:
    """Each term narrows the search as documented; granules come in the order of time."""
    assert _names(repository, query) == found


def test_post_finds_the_same(repository: MetadataRepository) -> None:
    """A form that is posted finds what its query string finds."""

    async def post() -> Reply:
        request = make_mocked_request("POST", "/search/granules.umm_json", headers=FORM)
        request._read_bytes = b"short_name=ATL06&version=007&page_size=5"
        return await repository.answer(request)

    assert [item["umm"]["GranuleUR"] for item in _body(asyncio.run(post()))["items"]] == [WEST_LATER]


def test_pages(repository: MetadataRepository) -> None:
    """Pages follow each other by the header, by number and by offset; no items but the count with size 0."""
    first = _get(repository, "granules.umm_json?page_size=2")
    assert first.headers["CMR-Hits"] == "5"
    seen = _body(first)["items"]
    after = first.headers["CMR-Search-After"]
    second = _get(repository, "granules.umm_json?page_size=2", CMR_Search_After=after)
    third = _get(repository, "granules.umm_json?page_size=2", CMR_Search_After=second.headers["CMR-Search-After"])
    last = _get(repository, "granules.umm_json?page_size=2", CMR_Search_After=third.headers["CMR-Search-After"])
    assert len(seen + _body(second)["items"] + _body(third)["items"]) == 5
    assert _body(last)["items"] == []
    assert "CMR-Search-After" not in last.headers
    assert _body(_get(repository, "granules.umm_json?page_size=2&page_num=2")) == _body(second)
    assert _body(_get(repository, "granules.umm_json?page_size=2&offset=2")) == _body(second)
    empty = _get(repository, "granules.umm_json?page_size=0")
    assert (_body(empty)["items"], empty.headers["CMR-Hits"]) == ([], "5")


@pytest.mark.parametrize(
    ("query", "status", "complaint"),
    [
        ("granules.umm_json?colour=blue", 400, "Parameter [colour] was not recognized."),
        ("collections.umm_json?colour=blue", 400, "Parameter [colour] was not recognized."),
        ("granules.umm_json?page_size=2001", 400, "page_size must be a number between 0 and 2000"),
        ("granules.umm_json?temporal=yesterday", 400, "[yesterday] is not a valid datetime"),
        ("granules.umm_json?polygon=0,0,0,1,1,1,1,0,0,0", 400, "wrong order"),
        ("granules.echo10", 404, "nothing at /search/granules.echo10"),
    ],
)
def test_refusals(query: str, status: int, complaint: str, repository: MetadataRepository) -> None:
    """What cannot be answered is refused with the reason, never answered with everything."""
    reply = _get(repository, query)
    assert reply.status == status
    assert complaint in _body(reply)["errors"][0]


def test_search_after_of_another_service(repository: MetadataRepository) -> None:
    """A header that was not given here is refused."""
    assert _get(repository, "granules.umm_json", CMR_Search_After="[1]").status == 400


def test_collections(repository: MetadataRepository) -> None:
    """There is one collection for each product and release, found by name, version and id."""
    reply = _body(_get(repository, "collections.umm_json?short_name=ATL06&cloud_hosted=true"))
    assert [(item["umm"]["ShortName"], item["umm"]["Version"]) for item in reply["items"]] == [
        ("ATL06", "006"),
        ("ATL06", "007"),
    ]
    assert reply["items"][0]["meta"]["granule-count"] == 3
    by_id = _body(_get(repository, "collections.umm_json?concept_id=C908000006-NSIDC_CPRD"))
    assert [item["umm"]["ShortName"] for item in by_id["items"]] == ["ATL08"]
    assert _body(_get(repository, "collections.umm_json?cloud_hosted=false"))["items"] == []


def test_granule_record(repository: MetadataRepository) -> None:
    """A record holds what clients read: addresses, size, checksum, times, orbit and outline."""
    record = _body(_get(repository, f"granules.umm_json?granule_ur={EAST}"))["items"][0]
    umm = record["umm"]
    path = f"nsidc-cumulus-prod-protected/ATLAS/ATL06/006/2018/01/02/{EAST}"
    assert {(url["Type"], url["URL"]) for url in umm["RelatedUrls"]} == {
        ("GET DATA", f"{HOST}/{path}"),
        ("GET DATA VIA DIRECT ACCESS", f"s3://{path}"),
        ("VIEW RELATED INFORMATION", f"{HOST}/s3credentials"),
    }
    assert record["meta"]["provider-id"] == "NSIDC_CPRD"
    (info,) = umm["DataGranule"]["ArchiveAndDistributionInformation"]
    assert (info["SizeInBytes"], info["Checksum"]) == (1000, {"Value": "0" * 32, "Algorithm": "MD5"})
    assert umm["TemporalExtent"]["RangeDateTime"] == {
        "BeginningDateTime": "2018-01-02T00:00:00.000Z",
        "EndingDateTime": "2018-01-02T00:01:40.000Z",
    }
    (orbit,) = umm["OrbitCalculatedSpatialDomains"]
    assert orbit == {
        "OrbitNumber": 4242,
        "EquatorCrossingLongitude": -12.5,
        "EquatorCrossingDateTime": "2018-01-01T23:59:00.000Z",
    }
    domain = umm["SpatialExtent"]["HorizontalSpatialDomain"]
    assert domain["Track"] == {"Cycle": 1, "Passes": [{"Pass": 1}]}
    points = domain["Geometry"]["GPolygons"][0]["Boundary"]["Points"]
    ring = [(point["Longitude"], point["Latitude"]) for point in points]
    assert shapely.LinearRing(ring).is_ccw
    assert shapely.Polygon(ring).equals(shapely.box(10, 60, 11, 70))


def test_record_names_the_dmrpp_that_is_served() -> None:
    """Where a granule's DMR++ is served too, its record names it as UMM-G does, beside the same data links."""
    beside = Learned(Path(f"/cache/{EAST}.dmrpp"), 10, "0" * 32, None, None)
    files = [_learned(name, shapely.box(10, 60, 11, 70), 1) for name in (EAST, WEST)]
    records = {
        one.file_name: one.record["umm"]["RelatedUrls"] for one in catalogue_granules([*files, beside], HOST)
    }
    path = f"nsidc-cumulus-prod-protected/ATLAS/ATL06/006/2018/01/02/{EAST}.dmrpp"

    named = [
        url for url in records[EAST] if url not in catalogue_granules(files, HOST)[0].record["umm"]["RelatedUrls"]
    ]
    assert named == [
        {"URL": f"{HOST}/{path}", "Type": "EXTENDED METADATA", "Subtype": "DMR++"},
        {"URL": f"s3://{path}", "Type": "EXTENDED METADATA", "Subtype": "DMR++"},
    ]
    assert len(records[EAST]) == len(records[WEST]) + 2
