"""Clients under faults: which of them try again, and how the ledger shows it.

What each client makes of each fault is what it was seen to do; a release that does better fails here and tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import fsspec
import obstore
import pytest
import requests
import s3fs
from obstore.store import HTTPStore, S3Store

from trackbench.localcloud import Fault

if TYPE_CHECKING:
    import ssl

    from tests.support_localcloud import Store

    from trackbench.localcloud import LocalCloud

START, LENGTH = 1000, 65536
TWICE: dict[str, Any] = {"role": "s3", "match": r"\.h5$", "first": 2}


def _boto3(store: Store) -> bytes:
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name="us-west-2",
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
        aws_session_token=store.session_token,
    )
    span = f"bytes={START}-{START + LENGTH - 1}"
    body: bytes = client.get_object(Bucket=store.bucket, Key=store.key, Range=span)["Body"].read()
    return body


def _obstore(store: Store) -> bytes:
    remote = S3Store(
        store.bucket,
        endpoint=store.endpoint,
        region="us-west-2",
        access_key_id=store.access_key,
        secret_access_key=store.secret_key,
        session_token=store.session_token,
        client_options={"allow_http": True},
    )
    return bytes(obstore.get(remote, store.key, options={"range": (START, START + LENGTH)}).bytes())


def _s3fs(store: Store) -> bytes:
    files = s3fs.S3FileSystem(
        key=store.access_key,
        secret=store.secret_key,
        token=store.session_token,
        endpoint_url=store.endpoint,
        skip_instance_cache=True,
    )
    content: bytes = files.cat_file(f"{store.bucket}/{store.key}", start=START, end=START + LENGTH)
    return content


CLIENTS = {"boto3": _boto3, "obstore": _obstore, "s3fs": _s3fs}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["slow-down", "internal-error", "reset"])
def test_clients_try_again(client: str, kind: Any, cloud: LocalCloud, local_store: Store) -> None:
    """After two failures before any answer the third request brings the bytes."""
    cloud.set_faults([Fault(kind, **TWICE)])
    assert CLIENTS[client](local_store) == local_store.content[START : START + LENGTH]
    ledger = cloud.ledger()
    assert ledger.by_role["s3"].requests == 3
    assert ledger.errors == {{"slow-down": 503, "internal-error": 500, "reset": 0}[kind]: 2}


@pytest.mark.parametrize("kind", ["truncation", "reset-in-body"])
def test_obstore_resumes_within_a_body(kind: Any, cloud: LocalCloud, local_store: Store) -> None:
    """A body that breaks off is read on from where it broke, so no byte comes twice."""
    cloud.set_faults([Fault(kind, **TWICE, after=20_000)])
    assert _obstore(local_store) == local_store.content[START : START + LENGTH]
    count = cloud.ledger().by_role["s3"]
    assert count.requests == 3
    assert cloud.ledger().errors == {0: 2}
    if kind == "truncation":
        assert count.bytes == LENGTH


@pytest.mark.parametrize("kind", ["truncation", "reset-in-body"])
def test_boto3_gives_up_within_a_body(kind: Any, cloud: LocalCloud, local_store: Store) -> None:
    """A body that breaks off is an error to boto3: short data are never taken for the whole."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - beside its client

    cloud.set_faults([Fault(kind, **TWICE)])
    with pytest.raises((BotoCoreError, ConnectionError)):
        _boto3(local_store)
    assert cloud.ledger().by_role["s3"].requests == 1


@pytest.mark.parametrize(
    ("kind", "status"), [("expired-token", 400), ("wrong-signature", 403)], ids=["expired", "signature"]
)
def test_refusals_are_final(kind: Any, status: int, cloud: LocalCloud, local_store: Store) -> None:
    """No client tries again with credentials that were refused."""
    cloud.set_faults([Fault(kind, role="s3")])
    for client, error in ((_boto3, Exception), (_obstore, obstore.exceptions.BaseError), (_s3fs, PermissionError)):
        cloud.reset_ledger()
        with pytest.raises(error):
            client(local_store)
        assert cloud.ledger().errors == {status: 1}


def test_keys_expire(granule_cloud_with_short_keys: tuple[LocalCloud, Store]) -> None:
    """Keys that have outlived their time are refused as Amazon does it."""
    cloud, store = granule_cloud_with_short_keys
    with pytest.raises(PermissionError, match="expired"):
        _s3fs(store)
    assert cloud.ledger().errors == {400: 1}


def test_too_many_requests_and_delay(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 says when to come back, and a delayed answer is late but right."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", cloud.endpoints.environment["SSL_CERT_FILE"])
    token = {"Authorization": f"Bearer {cloud.endpoints.environment['EARTHDATA_TOKEN']}"}
    cloud.set_faults([Fault("too-many-requests", role="cmr", first=1, seconds=7)])
    search = f"{cloud.endpoints.cmr_url}granules.umm_json?short_name=ATL06"
    refused = requests.get(search, timeout=10)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert requests.get(search, timeout=10).json()["hits"] == 3
    cloud.set_faults([Fault("delay", role="data-host", seconds=0.3)])
    answer = requests.get(cloud.endpoints.s3_credentials, headers=token, timeout=10)
    assert answer.elapsed.total_seconds() >= 0.3
    assert set(answer.json()) >= {"accessKeyId", "sessionToken"}


def test_stalled_body(cloud: LocalCloud, local_store: Store) -> None:
    """A body that stalls leaves the client waiting for the rest until its own patience ends."""
    cloud.set_faults([Fault("stall", role="s3", after=10, seconds=30)])
    remote = S3Store(
        local_store.bucket,
        endpoint=local_store.endpoint,
        region="us-west-2",
        access_key_id=local_store.access_key,
        secret_access_key=local_store.secret_key,
        session_token=local_store.session_token,
        client_options={"allow_http": True, "timeout": "300ms"},
        retry_config={"max_retries": 0},
    )
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.get(remote, local_store.key).bytes()
    assert cloud.ledger().by_role["s3"].bytes == 10


def test_http_clients_under_faults(
    cloud: LocalCloud, local_store: Store, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTPS obstore tries again and fsspec gives up."""
    monkeypatch.setenv("SSL_CERT_FILE", cloud.endpoints.environment["SSL_CERT_FILE"])
    host = cloud.endpoints.s3_credentials.removesuffix("/s3credentials")
    path = f"{local_store.bucket}/{local_store.key}"
    token = {"Authorization": f"Bearer {cloud.endpoints.environment['EARTHDATA_TOKEN']}"}
    wanted = local_store.content[START : START + LENGTH]
    over_https = {**TWICE, "role": "cdn"}

    cloud.set_faults([Fault("slow-down", **over_https)])
    remote = HTTPStore(host, client_options={"default_headers": token})
    assert bytes(obstore.get_range(remote, path, start=START, length=LENGTH)) == wanted
    assert cloud.ledger().by_role["cdn"].requests == 3

    cloud.reset_ledger()
    cloud.set_faults([Fault("slow-down", **over_https)])
    files = fsspec.filesystem(
        "https", ssl=trust, client_kwargs={"headers": token, "trust_env": False}, skip_instance_cache=True
    )
    with pytest.raises(Exception, match="503"):
        files.cat_file(f"{host}/{path}", start=START, end=START + LENGTH)
    assert cloud.ledger().by_role["cdn"].requests == 1


def test_probability_is_repeatable(cloud: LocalCloud) -> None:
    """A fault by chance happens to the same requests each time."""

    def statuses() -> list[int]:
        cloud.set_faults([Fault("internal-error", role="cmr", probability=0.5)])
        search = f"{cloud.endpoints.cmr_url}granules.umm_json?page_size=0"
        return [requests.get(search, timeout=10).status_code for _ in range(20)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 500}
