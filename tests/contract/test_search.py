"""The search answers other clients than earthaccess: python-cmr, and forms that are posted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from cmr import CollectionQuery, GranuleQuery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trackbench.localcloud import LocalCloud


def test_python_cmr(cloud: LocalCloud, granules: Mapping[str, Path]) -> None:
    """The plain client counts and finds collections and granules."""
    query = GranuleQuery(mode=cloud.endpoints.cmr_url).short_name("ATL06").bounding_box(-46, 66, -44, 68)
    assert query.format("umm_json").hits() == 2
    (found,) = (
        GranuleQuery(mode=cloud.endpoints.cmr_url)
        .short_name("ATL06")
        .version("006")
        .readable_granule_name("*_10840505_*")
        .format("umm_json")
        .get_all()
    )
    assert granules["greenland"].name in found
    collections = CollectionQuery(mode=cloud.endpoints.cmr_url).short_name("ATL06").format("umm_json")
    assert collections.hits() == 2


def test_posted_forms(cloud: LocalCloud, granules: Mapping[str, Path]) -> None:
    """A form may hold what is too long for an address: a polygon of many points."""
    ring = [(-46 + 2 * step / 500, 66.0) for step in range(500)] + [(-44, 66), (-44, 68), (-46, 68), (-46, 66)]
    form = {
        "short_name": "ATL06",
        "version": "006",
        "polygon[]": ",".join(f"{x:.6f},{y:.6f}" for x, y in ring),
        "page_size": "5",
    }
    found = requests.post(f"{cloud.endpoints.cmr_url}granules.umm_json", data=form, timeout=10)
    assert [item["umm"]["GranuleUR"] for item in found.json()["items"]] == [granules["greenland"].name]
    refused = requests.post(f"{cloud.endpoints.cmr_url}granules.umm_json", json=form, timeout=10)
    assert refused.status_code == 415
