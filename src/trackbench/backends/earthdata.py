"""Log in to Earthdata and find granules with earthaccess, live or against a local cloud."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import earthaccess
import requests
from earthaccess.exceptions import LoginAttemptFailure, LoginStrategyUnavailable
from earthaccess.system import PROD, CMRBaseURL, EDLHostname, System

from trackbench.errors import FailedError, UnavailableError
from trackbench.granules import Granule, GranuleName, newest
from trackbench.session import LIVE

if TYPE_CHECKING:
    import numpy as np
    from earthaccess.results import DataGranule

    from trackbench.region import Region
    from trackbench.request import SubsetRequest
    from trackbench.session import Endpoints

_SEARCHES: Final = 8
"""Most searches at a time, one for each part of a region."""

HOW_TO_LOG_IN: Final = (
    "Get a free account at https://urs.earthdata.nasa.gov, then set EARTHDATA_TOKEN, or EARTHDATA_USERNAME and"
    " EARTHDATA_PASSWORD, or add a line for urs.earthdata.nasa.gov to ~/.netrc."
)


def login(endpoints: Endpoints) -> None:
    """Log this process in, with what the environment or a netrc file holds. Nothing is ever asked.

    Raises
    ------
    UnavailableError
        If there are no credentials, they are refused, or Earthdata Login does not answer.
    """
    system = System(
        cmr_base_url=CMRBaseURL(endpoints.cmr_url),
        # earthaccess asks for the status of services only when told to, which trackbench never does.
        status_url=PROD.status_url,
        status_api_url=PROD.status_api_url,
        edl_hostname=EDLHostname(endpoints.edl_host),
    )
    for strategy in ("environment", "netrc"):
        try:
            authentication = earthaccess.login(strategy=strategy, system=system)
        except LoginStrategyUnavailable:
            continue
        except LoginAttemptFailure as error:
            raise UnavailableError(
                f"Earthdata Login at {endpoints.edl_host} refused the credentials from the {strategy}: {error}"
                f" {HOW_TO_LOG_IN}"
            ) from error
        except requests.RequestException as error:
            raise UnavailableError(
                f"Earthdata Login at {endpoints.edl_host} does not answer: {type(error).__name__}."
            ) from error
        if authentication.authenticated:
            return
    raise UnavailableError(f"No Earthdata credentials were found. {HOW_TO_LOG_IN}")


def ensure_login(endpoints: Endpoints) -> None:
    """Log this process in, unless it is: earthaccess keeps its session in module state, for one process.

    Raises
    ------
    UnavailableError
        As `login` does.
    """
    if not earthaccess.__auth__.authenticated:
        login(endpoints)


@dataclass(frozen=True, slots=True)
class Found:
    """A granule with what the search said of it, as earthaccess wants it back."""

    granule: Granule
    result: DataGranule


def _bounding_boxes(region: Region) -> tuple[tuple[float, float, float, float], ...]:
    # CMR takes the edges of a polygon as great circles, a region's are straight in longitude and latitude: between
    # the two lie points that a search by polygon would lose. A bounding box loses none.
    return tuple(part.bounds for part in region.parts)


def search(request: SubsetRequest) -> tuple[Found, ...]:
    """Find the granules of a request, the newest release and revision of each, by cycle, RGT and region.

    Raises
    ------
    UnavailableError
        If the Common Metadata Repository does not answer, or answers with an error.
    """
    terms: dict[str, Any] = {
        "short_name": request.product.name,
        "temporal": (_iso_second(request.start), _iso_second(request.end)),
    }
    if request.release is not None:
        terms["version"] = f"{request.release:03d}"
    boxes = _bounding_boxes(request.region)
    try:
        with ThreadPoolExecutor(min(_SEARCHES, len(boxes))) as threads:
            answers = list(threads.map(lambda box: earthaccess.search_data(bounding_box=box, **terms), boxes))
    except (RuntimeError, requests.RequestException) as error:
        raise UnavailableError(f"The search for granules failed: {error}") from error
    results = (_found(result) for answer in answers for result in answer)
    found = {each.granule.name: each for each in results}
    return tuple(found[name] for name in newest(found))


def _iso_second(moment: np.datetime64) -> str:
    # A search in whole seconds: CMR knows no more of a granule, and a few granules too many do no harm.
    return f"{moment.astype('datetime64[s]')}Z"


def _found(result: DataGranule) -> Found:
    links = {access: result.data_links(access=access) for access in ("direct", "external")}
    https = next((link for link in links["external"] if link.endswith(".h5")), None)
    s3 = next((link for link in links["direct"] if link.endswith(".h5")), None)
    place = https or s3
    if place is None:
        raise FailedError(f"The search found {result['umm'].get('GranuleUR')}, which has no link to an HDF5 file.")
    granule = Granule(GranuleName.parse(place), https=https, s3=s3, size=int(result.size * 2**20))
    return Found(granule, result)


def in_region() -> bool:
    """Tell whether this process runs beside the data, as earthaccess sees it."""
    return bool(earthaccess.__store__.in_region)


def credentials_found() -> tuple[str, ...]:
    """Name the places in which Earthdata credentials stand, without reading them."""
    places = []
    if os.environ.get("EARTHDATA_TOKEN"):
        places.append("EARTHDATA_TOKEN")
    if os.environ.get("EARTHDATA_USERNAME") and os.environ.get("EARTHDATA_PASSWORD"):
        places.append("EARTHDATA_USERNAME and EARTHDATA_PASSWORD")
    netrc = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    with contextlib.suppress(OSError):
        if LIVE.edl_host in netrc.read_text(encoding="utf-8"):
            places.append("netrc")
    return tuple(places)
