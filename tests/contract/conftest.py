"""A local cloud with small granules, and ways to drive it with real clients."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from tests.support_localcloud import BUCKET, Store, write_granule

from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support_localcloud import KeysOf, RunClient


@pytest.fixture(scope="session")
def granules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Granules by a word for what they are, and a file beside one of them."""
    folder = tmp_path_factory.mktemp("granules")
    files = {
        "greenland": folder / "ATL06_20191206203649_10840505_006_01.h5",
        "greenland-007": folder / "ATL06_20191206203649_10840505_007_01.h5",
        "antarctica": folder / "ATL06_20200103120000_01020612_006_02.h5",
    }
    write_granule(files["greenland"], longitude=-45.0, latitude=66.5, seconds=60900000.0)
    write_granule(files["greenland-007"], longitude=-45.0, latitude=66.5, seconds=60900000.0)
    write_granule(files["antarctica"], longitude=179.99, latitude=-81.0, seconds=63300000.0)
    files["sidecar"] = folder / "ATL06_20191206203649_10840505_006_01.h5.dmrpp"
    files["sidecar"].write_text("<Dataset/>")
    return files


@pytest.fixture(scope="session")
def running_cloud(granules: Mapping[str, Path]) -> Iterator[LocalCloud]:
    """One server for all tests."""
    with LocalCloud.start(CloudConfig(files=tuple(granules.values()))) as cloud:
        yield cloud
        assert cloud.complaints() == ""


@pytest.fixture
def cloud(running_cloud: LocalCloud) -> LocalCloud:
    """Give the server without faults, without a network, with nothing counted."""
    running_cloud.set_faults(())
    running_cloud.set_profile(PROFILES["loopback"])
    running_cloud.reset_ledger()
    return running_cloud


@pytest.fixture
def trust(cloud: LocalCloud) -> ssl.SSLContext:
    """Trust in the cloud's authority."""
    return ssl.create_default_context(cafile=cloud.endpoints.environment["SSL_CERT_FILE"])


@pytest.fixture(scope="session")
def keys_of() -> KeysOf:
    """Get temporary credentials of a cloud as a client gets them."""

    def get(cloud: LocalCloud) -> dict[str, str]:
        environment = cloud.endpoints.environment
        request = urllib.request.Request(
            cloud.endpoints.s3_credentials,
            headers={"Authorization": f"Bearer {environment['EARTHDATA_TOKEN']}"},
        )
        trust = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        with opener.open(request) as answer:
            keys: dict[str, str] = json.load(answer)
        return keys

    return get


@pytest.fixture
def s3_keys(cloud: LocalCloud, keys_of: KeysOf) -> dict[str, str]:
    """Temporary credentials."""
    keys = keys_of(cloud)
    cloud.reset_ledger()
    return keys


@pytest.fixture
def local_store(cloud: LocalCloud, s3_keys: dict[str, str], granules: Mapping[str, Path]) -> Store:
    """Give the cloud's object store and one granule in it."""
    assert cloud.endpoints.s3_endpoint is not None
    path = granules["greenland"]
    return Store(
        "local cloud",
        cloud.endpoints.s3_endpoint,
        BUCKET,
        f"ATLAS/ATL06/006/2019/12/06/{path.name}",
        path.read_bytes(),
        s3_keys["accessKeyId"],
        s3_keys["secretAccessKey"],
        s3_keys["sessionToken"],
    )


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """Run an independent object store."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _listed(client: Any) -> list[Any]:
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        return []
    listed: list[Any] = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return listed


@pytest.fixture(params=["local cloud", "moto"])
def store(request: pytest.FixtureRequest) -> Store:
    """Our object store, and an independent one that must be met by the same tests."""
    ours: Store = request.getfixturevalue("local_store")
    if request.param == "local cloud":
        return ours
    import boto3  # noqa: PLC0415 - slow to import

    endpoint = request.getfixturevalue("moto_endpoint")
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "aws_session_token": "token"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-west-2", **keys)
    if ours.key not in [entry["Key"] for entry in _listed(client)]:
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        client.put_object(Bucket=BUCKET, Key=ours.key, Body=ours.content)
        for other in ("ATLAS/ATL06/007/a.h5", "files/b.bin"):
            client.put_object(Bucket=BUCKET, Key=other, Body=b"other")
    return Store("moto", endpoint, BUCKET, ours.key, ours.content, *keys.values())


@pytest.fixture
def run_client(cloud: LocalCloud) -> RunClient:
    """Run Python code in a process of its own that sees the cloud, and return what it prints as JSON last."""

    def run(code: str, *arguments: str, **environment: str) -> Any:
        told = cloud.endpoints
        inherited = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        done = subprocess.run(
            [sys.executable, "-c", code, told.cmr_url, told.edl_host, *arguments],
            env={**inherited, **told.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


@pytest.fixture
def granule_cloud_with_short_keys(
    granules: Mapping[str, Path], keys_of: KeysOf
) -> Iterator[tuple[LocalCloud, Store]]:
    """Run a cloud whose keys have expired by the time they are used."""
    path = granules["greenland"]
    with LocalCloud.start(CloudConfig(files=(path,), credentials_ttl=0)) as cloud:
        keys = keys_of(cloud)
        cloud.reset_ledger()
        assert cloud.endpoints.s3_endpoint is not None
        yield (
            cloud,
            Store(
                "local cloud",
                cloud.endpoints.s3_endpoint,
                BUCKET,
                f"ATLAS/ATL06/006/2019/12/06/{path.name}",
                path.read_bytes(),
                keys["accessKeyId"],
                keys["secretAccessKey"],
                keys["sessionToken"],
            ),
        )
