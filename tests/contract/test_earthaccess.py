"""Unmodified earthaccess logs in, searches, opens and downloads as it does from NASA."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trackbench.localcloud import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from trackbench.localcloud import LocalCloud

_LOGIN = """
import json, sys
import earthaccess, h5py
from earthaccess.system import System

cmr, edl = sys.argv[1:3]
system = System(cmr_base_url=cmr, status_url=cmr, status_api_url=cmr, edl_hostname=edl)
said = {"authenticated": earthaccess.login(strategy="environment", system=system).authenticated}
said["in_region"] = earthaccess.__store__.in_region
"""

_SEARCH = """
def names(**query):
    found = earthaccess.search_data(short_name="ATL06", **query)
    return sorted(granule["umm"]["GranuleUR"] for granule in found)

greenland = (-46.0, 66.0, -44.0, 68.0)
said["all"] = names()
said["limited"] = len(names(count=2))
said["version"] = names(version="007")
said["box"] = names(version="006", bounding_box=greenland)
said["elsewhere"] = names(bounding_box=(-46.0, 70.0, -44.0, 71.0))
said["dateline"] = names(bounding_box=(179.0, -82.0, -179.0, -80.0))
said["polygon"] = names(version="006", polygon=[(-46, 66), (-44, 66), (-44, 68), (-46, 68), (-46, 66)])
said["temporal"] = names(temporal=("2020-01-01", "2020-02-01"))
said["after"] = names(temporal=("2021-01-01", None))
said["name"] = names(granule_name="ATL06_20191206*_006_01.h5")
said["wrong_name"] = names(granule_name="ATL06_2018*")
said["concept"] = sorted(
    granule["umm"]["GranuleUR"]
    for collection in earthaccess.search_datasets(short_name="ATL06", version="007", cloud_hosted=True)
    for granule in earthaccess.search_data(concept_id=collection.concept_id)
)
"""

_READ = """
granules = earthaccess.search_data(short_name="ATL06", version="006", bounding_box=(-46.0, 66.0, -44.0, 68.0))
file = earthaccess.open(granules)[0]
said["links"] = {access: granules[0].data_links(access=access) for access in ("direct", "external")}
said["dmrpp"] = [url["URL"] for url in granules[0]["umm"]["RelatedUrls"] if url.get("Subtype") == "DMR++"]
said["opened"] = type(file.f).__name__
with h5py.File(file) as granule:
    said["mean"] = float(granule["gt1l/land_ice_segments/h_li"][:].mean())
"""

_DOWNLOAD = """
said["keys"] = sorted(earthaccess.get_s3_credentials(results=granules))
said["downloaded"] = [str(path) for path in earthaccess.download(granules, sys.argv[3])]
"""

_SAY = "print(json.dumps(said))"


def _mean(path: Path) -> float:
    import h5py  # noqa: PLC0415 - as in the client

    with h5py.File(path) as granule:
        return float(granule["gt1l/land_ice_segments/h_li"][:].mean())


def test_earthaccess_over_https(
    cloud: LocalCloud, granules: Mapping[str, Path], tmp_path: Path, run_client: Callable[..., Any]
) -> None:
    """From outside the region, search finds by every term, and files are read and downloaded over HTTPS."""
    said = run_client(_LOGIN + _SEARCH + _READ + _DOWNLOAD + _SAY, str(tmp_path))
    greenland, later, antarctica = (granules[word].name for word in ("greenland", "greenland-007", "antarctica"))
    assert said["authenticated"]
    assert not said["in_region"]
    assert said["all"] == [greenland, later, antarctica]
    assert said["limited"] == 2
    assert said["version"] == said["concept"] == [later]
    assert said["box"] == said["polygon"] == said["name"] == [greenland]
    assert said["dateline"] == said["temporal"] == [antarctica]
    assert said["elsewhere"] == said["after"] == said["wrong_name"] == []
    assert said["opened"] == "HTTPFile"
    links = [*said["links"]["external"], *said["links"]["direct"]]
    assert [link.partition(":")[0] for link in links] == ["https", "s3"]
    assert all(link.endswith(greenland) for link in links)
    assert said["dmrpp"] == [f"{link}.dmrpp" for link in links]
    assert said["mean"] == _mean(granules["greenland"])
    assert said["keys"] == ["accessKeyId", "expiration", "secretAccessKey", "sessionToken"]
    downloaded = tmp_path / greenland
    assert said["downloaded"] == [str(downloaded)]
    assert downloaded.read_bytes() == granules["greenland"].read_bytes()
    ledger = cloud.ledger()
    assert ledger.by_role["cdn"].bytes >= 2 * downloaded.stat().st_size
    assert "s3" not in ledger.by_role
    assert ledger.refused == 0


def test_earthaccess_over_s3(
    cloud: LocalCloud, granules: Mapping[str, Path], run_client: Callable[..., Any]
) -> None:
    """In the region earthaccess finds that out by itself and reads over S3."""
    cloud.set_profile(replace(PROFILES["loopback"], in_region=True))
    said = run_client(_LOGIN + _READ + _SAY)
    assert said["in_region"]
    assert said["opened"] == "S3File"
    assert said["mean"] == _mean(granules["greenland"])
    ledger = cloud.ledger()
    assert ledger.by_role["s3"].bytes >= granules["greenland"].stat().st_size
    assert "cdn" not in ledger.by_role
    assert ledger.errors == {}


def test_earthaccess_by_password(cloud: LocalCloud, tmp_path: Path, run_client: Callable[..., Any]) -> None:
    """A user who logs in with name and password from a netrc file gets a token."""
    netrc = tmp_path / "netrc"
    host = cloud.endpoints.edl_host
    netrc.write_text(
        "".join(
            f"machine {machine} login {cloud.user} password {cloud.password}\n"
            for machine in (host, host.partition(":")[0])
        )
    )
    netrc.chmod(0o600)
    code = _LOGIN.replace('"environment"', '"netrc"') + "said['token'] = earthaccess.__auth__.token\n" + _SAY
    said = run_client(code, NETRC=str(netrc))
    assert said["authenticated"]
    assert said["token"]["access_token"] == cloud.endpoints.environment["EARTHDATA_TOKEN"]
