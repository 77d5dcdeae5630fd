"""Find granules with the Common Metadata Repository, and get them with obstore."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import obstore
from obstore.exceptions import BaseError
from obstore.store import HTTPStore

from trackbench.errors import FailedError, UnavailableError
from trackbench.granules import Granule, GranuleName, newest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.request import SubsetRequest
    from trackbench.session import Endpoints

PAGE = 2000


def find(request: SubsetRequest, endpoints: Endpoints) -> tuple[Granule, ...]:
    """Return the granules of a request, each in its newest release.

    Raises
    ------
    UnavailableError
        If the search does not answer.
    """
    found = {
        granule.name: granule
        for part in request.region.parts
        for granule in _search(request, part.bounds, endpoints)
    }
    return tuple(found[name] for name in newest(found))


def _search(request: SubsetRequest, box: tuple[float, ...], endpoints: Endpoints) -> Iterator[Granule]:
    asked = {
        "short_name": request.product.name,
        "bounding_box": ",".join(str(edge) for edge in box),
        "temporal": f"{request.start.astype('datetime64[s]')}Z,{request.end.astype('datetime64[s]')}Z",
        "page_size": str(PAGE),
    }
    if request.release is not None:
        asked["version"] = f"{request.release:03d}"
    try:
        with urlopen(f"{endpoints.cmr_url}granules.umm_json?{urlencode(asked)}", timeout=30) as answer:
            items: list[dict[str, Any]] = json.load(answer)["items"]
    except (URLError, TimeoutError, json.JSONDecodeError) as error:
        raise UnavailableError(f"The search for granules failed: {error}") from error
    if len(items) == PAGE:
        raise FailedError(f"More than {PAGE} granules: ask for a smaller region or a shorter time.")
    for item in items:
        links = [link["URL"] for link in item["umm"]["RelatedUrls"] if link["Type"] == "GET DATA"]
        yield Granule(GranuleName.parse(links[0]), https=links[0])


def fetch(granule: Granule) -> bytes:
    """Return all bytes of a granule.

    Raises
    ------
    UnavailableError
        If the server does not give it out.
    FailedError
        If nobody said where it is.
    """
    if granule.path is not None:
        return Path(granule.path).read_bytes()
    if granule.https is None:
        raise FailedError(f"{granule.name} has no https address.")
    address = urlsplit(granule.https)
    token = os.environ.get("EARTHDATA_TOKEN", "")
    try:
        store = HTTPStore(
            f"{address.scheme}://{address.netloc}",
            client_options={"default_headers": {"Authorization": f"Bearer {token}"}, "timeout": "30s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )
        return bytes(obstore.get(store, address.path.lstrip("/")).bytes())
    except (BaseError, OSError) as error:
        raise UnavailableError(f"{granule.name} cannot be had: {error}") from error
