"""Log in to Earthdata without earthaccess, whose import takes longer than many a subset through an index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from trackbench.access import REGION, Access, with_key

if TYPE_CHECKING:
    from trackbench.session import Session

# Instance metadata service, version 2 (Amazon EC2 user guide, "Access instance metadata").
_METADATA: Final = "http://169.254.169.254/latest"
_LIFETIME: Final = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
_PATIENCE: Final = 1.0


def log_in(session: Session) -> Access:
    """Return how to reach the granules, with S3 credentials where this machine is beside them.

    Nothing is asked where every granule is on this machine.

    Raises
    ------
    UnavailableError
        If there are no credentials, or they are refused.
    """
    if session.granules is not None and all(granule.path is not None for granule in session.granules):
        return Access()
    access = Access(
        token=_token(session),
        s3_credentials=session.endpoints.s3_credentials,
        s3_endpoint=session.endpoints.s3_endpoint,
        in_region=beside_the_data(),
    )
    return with_key(access) if access.in_region else access


def _token(session: Session) -> str:
    token = os.environ.get("EARTHDATA_TOKEN")
    if token:
        return token
    # A user and a password are changed for a token, as earthaccess does it.
    import earthaccess  # noqa: PLC0415 - slow, and not needed with a token

    from trackbench.backends import earthdata  # noqa: PLC0415

    earthdata.login(session.endpoints)
    given: str = earthaccess.__auth__.token["access_token"]
    return given


def beside_the_data() -> bool:
    """Tell whether this machine runs in the region of the granules; one that does not answer is elsewhere."""
    import requests  # noqa: PLC0415 - local files need none

    try:
        with requests.Session() as asking:
            token = asking.put(f"{_METADATA}/api/token", headers=_LIFETIME, timeout=_PATIENCE)
            token.raise_for_status()
            region = asking.get(
                f"{_METADATA}/meta-data/placement/region",
                headers={"X-aws-ec2-metadata-token": token.text},
                timeout=_PATIENCE,
            )
    except requests.RequestException:
        return False
    return region.ok and region.text == REGION
