"""S3 clients read from our object store as they read from an independent one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import boto3
import h5py
import obstore
import pytest
import s3fs
from botocore.exceptions import ClientError
from obstore.fsspec import FsspecStore
from obstore.store import S3Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support_localcloud import Store

    from trackbench.localcloud import LocalCloud


def _settings(store: Store) -> dict[str, Any]:
    return {
        "endpoint": store.endpoint,
        "region": "us-west-2",
        "access_key_id": store.access_key,
        "secret_access_key": store.secret_key,
        "session_token": store.session_token,
        "client_options": {"allow_http": True},
    }


def _obstore(store: Store, **changed: Any) -> S3Store:
    return S3Store(store.bucket, **{**_settings(store), **changed})


def _boto3(store: Store, **changed: Any) -> Any:
    keys = {
        "aws_access_key_id": store.access_key,
        "aws_secret_access_key": store.secret_key,
        "aws_session_token": store.session_token,
        **changed,
    }
    return boto3.client("s3", endpoint_url=store.endpoint, region_name="us-west-2", **keys)


def _s3fs(store: Store) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=store.access_key,
        secret=store.secret_key,
        token=store.session_token,
        endpoint_url=store.endpoint,
        skip_instance_cache=True,
    )


def _mean(file: Any) -> float:
    with h5py.File(file) as granule:
        return float(granule["gt1l/land_ice_segments/h_li"][1000:2000].mean())


def test_obstore_reads_objects_and_ranges(store: Store) -> None:
    """Whole objects, ranges, suffixes and metadata are those of the file."""
    remote = _obstore(store)
    content = store.content
    size = len(content)
    assert bytes(obstore.get(remote, store.key).bytes()) == content
    assert bytes(obstore.get_range(remote, store.key, start=100, length=50)) == content[100:150]
    ranges = obstore.get_ranges(remote, store.key, starts=[0, 5000, size - 10], lengths=[10, 20, 10], coalesce=0)
    assert [bytes(part) for part in ranges] == [content[:10], content[5000:5020], content[-10:]]
    suffix = obstore.get(remote, store.key, options={"range": {"suffix": 77}})
    assert bytes(suffix.bytes()) == content[-77:]
    assert obstore.head(remote, store.key)["size"] == size


def test_obstore_conditions(store: Store) -> None:
    """A read that is bound to a version succeeds for that version and fails for another."""
    remote = _obstore(store)
    tag = obstore.head(remote, store.key)["e_tag"]
    assert bytes(obstore.get(remote, store.key, options={"if_match": tag}).bytes()) == store.content
    with pytest.raises(obstore.exceptions.PreconditionError):
        obstore.get(remote, store.key, options={"if_match": '"another"'})
    with pytest.raises(obstore.exceptions.NotModifiedError):
        obstore.get(remote, store.key, options={"if_none_match": tag})


def test_obstore_lists(store: Store) -> None:
    """Listing finds keys below a prefix, and the folders right below it."""
    remote = _obstore(store)
    folder = store.key.rpartition("/")[0]
    listed = {entry["path"]: entry["size"] for entry in obstore.list(remote, prefix=folder).collect()}
    assert listed[store.key] == len(store.content)
    assert set(obstore.list_with_delimiter(remote, "ATLAS/ATL06")["common_prefixes"]) == {
        "ATLAS/ATL06/006",
        "ATLAS/ATL06/007",
    }


def test_obstore_reports_what_is_missing(store: Store) -> None:
    """A key that is not there, and a range behind the end, are errors of their own."""
    remote = _obstore(store)
    with pytest.raises(FileNotFoundError):
        obstore.head(remote, "ATLAS/nothing.h5")
    with pytest.raises(FileNotFoundError):
        obstore.get(remote, "ATLAS/nothing.h5")
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.get_range(remote, store.key, start=len(store.content) + 10, length=5)


def test_boto3_reads_and_lists(store: Store) -> None:
    """GetObject, HeadObject and ListObjectsV2 with pages answer as Amazon documents."""
    client = _boto3(store)
    place = {"Bucket": store.bucket, "Key": store.key}
    head = client.head_object(**place)
    assert head["ContentLength"] == len(store.content)
    answer = client.get_object(**place, Range="bytes=10-19")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes 10-19/{len(store.content)}"
    assert answer["Body"].read() == store.content[10:20]
    assert answer["ETag"] == head["ETag"]
    assert client.get_object(**place, Range="bytes=-5")["Body"].read() == store.content[-5:]
    whole = client.list_objects_v2(Bucket=store.bucket)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket, PaginationConfig={"PageSize": 1})
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert keys == sorted(entry["Key"] for entry in whole["Contents"])
    assert len(keys) >= 3
    with pytest.raises(ClientError) as refused:
        client.get_object(**place, Range=f"bytes={len(store.content)}-")
    assert refused.value.response["Error"]["Code"] == "InvalidRange"
    with pytest.raises(ClientError) as missing:
        client.get_object(Bucket=store.bucket, Key="no/such.h5")
    assert missing.value.response["Error"]["Code"] == "NoSuchKey"


def test_s3fs_reads_and_lists(store: Store) -> None:
    """Listing, ranges of several files and a file object for h5py work."""
    files = _s3fs(store)
    path = f"{store.bucket}/{store.key}"
    assert files.info(path)["size"] == len(store.content)
    assert path in files.ls(path.rpartition("/")[0])
    assert files.cat_ranges([path, path], [0, 500], [10, 600]) == [store.content[:10], store.content[500:600]]
    with files.open(path, "rb", cache_type="background", block_size=1 << 16) as file:
        assert _mean(file) == _mean(io.BytesIO(store.content))
    with pytest.raises(FileNotFoundError):
        files.info(f"{store.bucket}/no/such.h5")


def test_h5py_through_obstore(store: Store) -> None:
    """h5py reads through obstore's file object."""
    settings = _settings(store)
    files = FsspecStore("s3", **settings)
    with files.open(f"{store.bucket}/{store.key}", "rb") as file:
        assert _mean(file) == _mean(io.BytesIO(store.content))


def test_virtual_hosts(local_store: Store, cloud: LocalCloud) -> None:
    """The bucket may be part of the host, as Amazon prefers."""
    import http.client  # noqa: PLC0415 - only here: no client resolves such names on the loopback

    connection = http.client.HTTPConnection(local_store.endpoint.removeprefix("http://"))
    scope = f"{local_store.access_key}/20260101/us-west-2/s3/aws4_request"
    fields = {
        "Host": f"{local_store.bucket}.s3.us-west-2.amazonaws.com",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        "x-amz-security-token": local_store.session_token,
        "Range": "bytes=0-7",
    }
    connection.request("GET", f"/{local_store.key}", headers=fields)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (206, local_store.content[:8])
    connection.close()
    assert cloud.ledger().by_role["s3"].requests == 1


def test_wrong_keys_are_refused(local_store: Store) -> None:
    """Keys that were not issued here, and a wrong session token, open nothing."""
    for changed in ({"aws_access_key_id": "ASIAWRONG"}, {"aws_session_token": "wrong"}):
        with pytest.raises(ClientError) as refused:
            _boto3(local_store, **changed).get_object(Bucket=local_store.bucket, Key=local_store.key)
        assert refused.value.response["Error"]["Code"] == "InvalidAccessKeyId"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(obstore.exceptions.PermissionDeniedError):
        obstore.get(_obstore(local_store, skip_signature=True), local_store.key)


def test_sidecar_files_are_served(local_store: Store, granules: Mapping[str, Path]) -> None:
    """A file that belongs to a granule lies beside it."""
    body = obstore.get(_obstore(local_store), f"{local_store.key}.dmrpp").bytes()
    assert bytes(body) == granules["sidecar"].read_bytes()


def test_obstore_fetches_keys_by_itself(
    cloud: LocalCloud, local_store: Store, run_client: Callable[..., Any]
) -> None:
    """Obstore's own provider of Earthdata credentials gets keys by token and reads with them."""
    code = """
import json, os, sys
import obstore
from obstore.auth.earthdata import NasaEarthdataCredentialProvider
from obstore.fsspec import FsspecStore
from obstore.store import S3Store

provider = NasaEarthdataCredentialProvider(sys.argv[3], auth=os.environ["EARTHDATA_TOKEN"])
store = S3Store(sys.argv[4], region="us-west-2", credential_provider=provider)
print(json.dumps(obstore.head(store, sys.argv[5])["size"]))
"""
    size = run_client(code, cloud.endpoints.s3_credentials, local_store.bucket, local_store.key)
    assert size == len(local_store.content)
    assert cloud.ledger().by_role["data-host"].requests == 1
