"""VirtualiZarr's own parser reads granules through the DMR++ that the local cloud serves beside them."""

from __future__ import annotations

import ssl
import urllib.request
import warnings
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import obstore
import pytest
from obstore.store import S3Store
from tests.support_localcloud import BUCKET

from trackbench.bench.sidecars import SUFFIXES, make_sidecars
from trackbench.granulegen import GranuleSpec, write_granule
from trackbench.localcloud import CloudConfig, LocalCloud
from trackbench.localcloud.objects import object_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support_localcloud import KeysOf

GROUP = "gt2l/land_ice_segments"


@pytest.fixture(scope="module")
def granule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a short granule."""
    spec = GranuleSpec(1039, 6, 3, segments=1500)
    path = tmp_path_factory.mktemp("granules") / str(spec.name)
    write_granule(spec, path)
    return path


@pytest.fixture(scope="module")
def sidecars(granule: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Describe it in both dialects, in a folder elsewhere, as for files of a user."""
    return make_sidecars((granule,), cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def serving(granule: Path, sidecars: tuple[Path, ...]) -> Iterator[LocalCloud]:
    """Serve granule and DMR++."""
    with LocalCloud.start(CloudConfig(files=(granule, *sidecars))) as cloud:
        yield cloud
        assert cloud.complaints() == ""


@pytest.fixture
def s3(serving: LocalCloud, keys_of: KeysOf) -> S3Store:
    """Open the bucket."""
    keys = keys_of(serving)
    return S3Store(
        BUCKET,
        endpoint=serving.endpoints.s3_endpoint,
        access_key_id=keys["accessKeyId"],
        secret_access_key=keys["secretAccessKey"],
        session_token=keys["sessionToken"],
        region="us-west-2",
        client_options={"allow_http": True},
    )


def test_both_dialects_stand_beside_the_granule(
    serving: LocalCloud, s3: S3Store, granule: Path, sidecars: tuple[Path, ...]
) -> None:
    """Over S3 and from the data host they are had under the granule's address with a suffix."""
    key = object_key(granule.name)
    host = serving.endpoints.s3_credentials.removesuffix("/s3credentials")
    trust = ssl.create_default_context(cafile=serving.endpoints.environment["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    for suffix, path in zip(SUFFIXES.values(), sidecars, strict=True):
        request = urllib.request.Request(f"{host}/{BUCKET}/{key}{suffix}")
        request.add_unredirected_header(
            "Authorization", f"Bearer {serving.endpoints.environment['EARTHDATA_TOKEN']}"
        )
        with opener.open(request) as answer:
            assert answer.read() == path.read_bytes()
        assert bytes(obstore.get(s3, f"{key}{suffix}").bytes()) == path.read_bytes()


def test_virtualizarr_reads_what_hdf5_reads(s3: S3Store, granule: Path) -> None:
    """Every array of a group, opened by the public parser at the granule's address, has the right values."""
    pytest.importorskip("virtualizarr")
    import zarr  # noqa: PLC0415 - slow to import
    from obspec_utils.registry import ObjectStoreRegistry  # noqa: PLC0415
    from virtualizarr.parsers import DMRPPParser  # noqa: PLC0415

    registry: Any = ObjectStoreRegistry({f"s3://{BUCKET}": s3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = DMRPPParser(group=GROUP)(f"s3://{BUCKET}/{object_key(granule.name)}.dmrpp", registry)
    arrays: dict[str, Any] = dict(zarr.open_group(made, mode="r", zarr_format=3).arrays())

    with h5py.File(granule) as file:
        assert set(arrays) == {name for name, node in file[GROUP].items() if isinstance(node, h5py.Dataset)}
        for name, array in arrays.items():
            np.testing.assert_array_equal(array[...], file[GROUP][name][...])
