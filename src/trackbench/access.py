"""How a process reaches granules: S3 in region, HTTPS elsewhere, this machine's own files."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.store import HTTPStore, LocalStore, S3Store

from trackbench.errors import FailedError, UnavailableError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Credential

    from trackbench.granules import Granule

REGION: Final = "us-west-2"
"""Where NASA keeps the granules."""

_MARGIN: Final = timedelta(minutes=5)
# obstore tries ten times within three minutes by default; a server that does not answer is better said so.
_RETRIES: Final[RetryConfig] = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}
_CLIENT: Final[ClientConfig] = {"connect_timeout": timedelta(seconds=10), "timeout": timedelta(seconds=60)}


@dataclass(frozen=True, slots=True)
class S3Key:
    """Temporary credentials for S3."""

    access_key: str
    secret_key: str
    session_token: str
    expires: datetime

    def to_obstore(self) -> S3Credential:
        """Return the credentials as obstore wants them."""
        return {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "token": self.session_token,
            "expires_at": self.expires,
        }


@dataclass(frozen=True, slots=True)
class Access:
    """How a process reaches the granules; it can be handed to another process.

    Attributes
    ----------
    token
        Bearer token of Earthdata Login; None where only local files are read.
    s3_credentials
        Address that gives out S3 credentials.
    s3_endpoint
        Address of the object store, or None for AWS.
    in_region
        Whether to read straight from S3.
    key
        S3 credentials that were given out already, so that not every process asks for its own.
    """

    token: str | None = None
    s3_credentials: str = ""
    s3_endpoint: str | None = None
    in_region: bool = False
    key: S3Key | None = None


def with_key(access: Access) -> Access:
    """Return an access with S3 credentials, asked for now."""
    return replace(access, key=_new_key(access))


def fresh_key(access: Access) -> S3Key:
    """Return S3 credentials, those at hand as long as they live for some minutes more."""
    if access.key is None or access.key.expires < datetime.now(UTC) + _MARGIN:
        return _new_key(access)
    return access.key


def _new_key(access: Access) -> S3Key:
    # Imported here: who reads local files needs neither.
    import requests  # noqa: PLC0415
    from obstore.auth.earthdata import NasaEarthdataCredentialProvider  # noqa: PLC0415

    provider = NasaEarthdataCredentialProvider(access.s3_credentials, auth=access.token)
    try:
        given = provider()
    except requests.RequestException as error:
        raise UnavailableError(
            f"S3 credentials cannot be had from {access.s3_credentials}: {type(error).__name__}."
        ) from error
    finally:
        provider.close()
    token, expires = given.get("token"), given["expires_at"]
    assert token is not None
    assert expires is not None
    return S3Key(given["access_key_id"], given["secret_access_key"], token, expires)


def address(granule: Granule, access: Access) -> str:
    """Return where a granule is read from, as the address that references hold.

    Raises
    ------
    FailedError
        If the granule has no address of the kind that can be used here.
    """
    if granule.path is not None:
        return Path(granule.path).absolute().as_uri()
    link = granule.s3 if access.in_region and granule.s3 is not None else granule.https
    if link is None:
        kind = "S3" if access.in_region else "HTTPS"
        raise FailedError(f"{granule.name} has no address for {kind} access. Name it by another address.")
    return link


def store_for(url: str, access: Access) -> ObjectStore:
    """Return the store that holds an address, the same one for each address of a host."""
    parts = urlsplit(url)
    return _store(parts.scheme, parts.netloc, access)


@lru_cache(maxsize=8)
def _store(scheme: str, host: str, access: Access) -> ObjectStore:
    # One store for a process: its connections are used again for each granule.
    if scheme == "file":
        return LocalStore()
    if scheme == "s3" and access.token is None:
        # A bucket that anyone may read, unless the environment holds keys for it.
        return S3Store(
            host,
            region=REGION,
            endpoint=access.s3_endpoint,
            virtual_hosted_style_request=access.s3_endpoint is None,
            skip_signature="AWS_ACCESS_KEY_ID" not in os.environ,
            client_options={**_CLIENT, "allow_http": access.s3_endpoint is not None},
            retry_config=_RETRIES,
        )
    if scheme == "s3":
        return S3Store(
            host,
            region=REGION,
            endpoint=access.s3_endpoint,
            virtual_hosted_style_request=access.s3_endpoint is None,
            client_options={**_CLIENT, "allow_http": access.s3_endpoint is not None},
            retry_config=_RETRIES,
            credential_provider=lambda: fresh_key(access).to_obstore(),
        )
    # The token stays behind when the data host sends on to another host: obstore drops it there.
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    return HTTPStore(
        f"{scheme}://{host}",
        client_options={**_CLIENT, "default_headers": headers, "allow_http": scheme == "http"},
        retry_config=_RETRIES,
    )
