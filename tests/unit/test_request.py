"""Requests: times, columns, and how a request is kept."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackbench.errors import InputError
from trackbench.products import ATL06
from trackbench.region import Region
from trackbench.request import SubsetRequest, parse_time

BOX = Region.from_bbox(-50, 66, -45, 68)
CROSSING = Region.from_bbox(170, -85, -170, -80)
HOLED = Region.parse("POLYGON((-50 66,-45 66,-45 68,-50 68,-50 66),(-48 66.5,-47 66.5,-47 67,-48 67,-48 66.5))")


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("2018-10-13", False, "2018-10-13T00:00:00.000000000"),
        ("2018-10-13", True, "2018-10-13T23:59:59.999999999"),
        ("2020-02-29", True, "2020-02-29T23:59:59.999999999"),
        ("2018-10-13T04:05", True, "2018-10-13T04:05:00.000000000"),
        ("2018-10-13T00:00:00Z", True, "2018-10-13T00:00:00.000000000"),
        ("2018-10-13 04:05:06z", False, "2018-10-13T04:05:06.000000000"),
        ("2018-10-13T04:05:06.1Z", False, "2018-10-13T04:05:06.100000000"),
        ("2018-10-13T04:05:06.123456789Z", True, "2018-10-13T04:05:06.123456789"),
        ("2261-12-31", True, "2261-12-31T23:59:59.999999999"),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, end: bool, expected: str) -> None:  # noqa: FBT001
    """A date that closes a range means the whole day; a time means itself."""
    moment = parse_time(text, end=end)

    assert moment == np.datetime64(expected)
    assert moment.dtype == np.dtype("datetime64[ns]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2018-10",
        "2018-02-30",
        "20181013",
        "2018-10-13Z",
        "2018-10-13T04:05:06+01:00",
        "2018-10-13T24:00:00Z",
        "2018-10-13T04:05:06.1234567890Z",
        "NaT",
        "2018-10-13\n",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """An offset, a truncated date or a day that never was is an error that says what to write."""
    with pytest.raises(InputError, match="is not a date or time: write 2018-10-13"):
        parse_time(text)


@pytest.mark.parametrize("text", ["0001-01-01", "1677-12-31", "2262-01-01", "9999-12-31T23:59:59Z"])
def test_times_that_nanoseconds_cannot_hold_are_refused(text: str) -> None:
    """A far date does not wrap around into another century."""
    with pytest.raises(InputError, match="outside of the years 1678 to 2261"):
        parse_time(text, end=True)


def test_without_dates_a_request_takes_the_whole_mission() -> None:
    """From the first day of science data on, with no end that matters."""
    request = SubsetRequest.build("atl06", BOX)

    assert request.start == np.datetime64("2018-10-13T00:00:00", "ns")
    assert request.end > np.datetime64("2200-01-01", "ns")
    assert request.product is ATL06


def test_a_range_may_be_one_instant_but_not_less() -> None:
    """Start and end belong to the range; an end before the start is refused, and so is no time at all."""
    moment = "2019-01-01T00:00:00Z"

    assert SubsetRequest.build("ATL06", BOX, moment, moment).start == np.datetime64("2019-01-01", "ns")
    with pytest.raises(InputError, match="before it starts"):
        SubsetRequest.build("ATL06", BOX, "2019-01-02", "2019-01-01")
    with pytest.raises(InputError, match="before it starts"):
        SubsetRequest(ATL06, BOX, np.datetime64("NaT", "ns"), np.datetime64("2019-01-01", "ns"))


def test_variables_follow_the_products_own() -> None:
    """Further variables come last, in the order in which they were asked for."""
    request = SubsetRequest.build("ATL06", BOX, variables=("segment_id", "dem/dem_h"))

    assert [each.column for each in request.columns] == [
        "h_li",
        "h_li_sigma",
        "atl06_quality_summary",
        "segment_id",
        "dem_h",
    ]


@pytest.mark.parametrize("variables", [("segment_id", "segment_id"), ("dem/dem_h", "land_ice_segments/dem/dem_h")])
def test_two_columns_of_one_name_are_refused(variables: tuple[str, ...]) -> None:
    """However a variable is written, it can be asked for once."""
    with pytest.raises(InputError, match="Two variables would make the column"):
        SubsetRequest.build("ATL06", BOX, variables=variables)


moments = st.integers(
    int(np.datetime64("2018-10-13", "ns").astype(np.int64)),
    int(np.datetime64("2261-12-31", "ns").astype(np.int64)),
).map(lambda count: np.datetime64(count, "ns"))


@st.composite
def requests(draw: st.DrawFn) -> SubsetRequest:
    """Draw requests with any times and variables, over a few regions."""
    start, end = sorted((draw(moments), draw(moments)))
    paths = draw(st.lists(st.sampled_from(sorted(ATL06.further)), unique=True, max_size=4))
    release = draw(st.none() | st.integers(1, 999))
    region = draw(st.sampled_from([BOX, CROSSING, HOLED]))
    return SubsetRequest(ATL06, region, start, end, tuple(ATL06.further[path] for path in paths), release)


@given(requests())
def test_a_request_reads_back_from_json(request: SubsetRequest) -> None:
    """Nothing is lost on the way through JSON: the request and its digest are the same."""
    back = SubsetRequest.from_dict(json.loads(json.dumps(request.to_dict(), allow_nan=False)))

    assert back == request
    assert back.digest == request.digest


def test_a_request_can_be_sent_to_another_process() -> None:
    """Workers get requests by pickle."""
    request = SubsetRequest.build("ATL06", HOLED, variables=("segment_id",), release=6)

    assert pickle.loads(pickle.dumps(request)) == request


def test_the_digest_is_the_same_on_any_machine() -> None:
    """Cached references and artifacts are found by it, so it must not change with the release or the process."""
    assert SubsetRequest.build("ATL06", BOX, "2019-01-01", "2019-12-31").digest == "1fb2cf1904208e30"


def test_the_digest_tells_requests_apart() -> None:
    """Each part of a request counts, and how a region was written does not."""
    base = SubsetRequest.build("ATL06", BOX, "2019-01-01", "2019-12-31")
    others = [
        SubsetRequest.build("ATL06", CROSSING, "2019-01-01", "2019-12-31"),
        SubsetRequest.build("ATL06", BOX, "2019-01-02", "2019-12-31"),
        SubsetRequest.build("ATL06", BOX, "2019-01-01", "2019-12-31T00:00:00Z"),
        SubsetRequest.build("ATL06", BOX, "2019-01-01", "2019-12-31", variables=("segment_id",)),
        SubsetRequest.build("ATL06", BOX, "2019-01-01", "2019-12-31", release=6),
    ]
    same = SubsetRequest.build("ATL06", Region.parse("-50,66,-45,68"), "2019-01-01T00:00Z", "2019-12-31")

    assert len({base.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert same.digest == base.digest
