"""The server comes up or says why not, and goes with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from trackbench.errors import FailedError, InputError, UnavailableError
from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PARENT = """
import json, sys, time
from pathlib import Path
from trackbench.localcloud import CloudConfig, LocalCloud

cloud = LocalCloud.start(CloudConfig(files=(Path(sys.argv[1]),)))
print(json.dumps([cloud.pid, cloud.endpoints.environment["SSL_CERT_FILE"]]), flush=True)
time.sleep(60)
"""


def _soon(happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not happens() and time.monotonic() < end:
        time.sleep(0.02)
    return happens()


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_server_ends_with_its_parent(granules: Mapping[str, Path]) -> None:
    """A parent that is killed leaves no server and no file behind."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(granules["sidecar"])], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, authority = json.loads(parent.stdout.readline())
        assert Path(authority).exists()
        parent.kill()
    assert _soon(lambda: _gone(pid))
    assert not Path(authority).parent.exists()


def test_stop_leaves_nothing(granules: Mapping[str, Path]) -> None:
    """Stopping, also twice, ends the process and removes its files; questions then say so."""
    cloud = LocalCloud.start(CloudConfig(files=(granules["sidecar"],)))
    authority = Path(cloud.endpoints.environment["SSL_CERT_FILE"])
    cloud.stop()
    cloud.stop()
    assert _gone(cloud.pid)
    assert not authority.parent.exists()
    with pytest.raises(UnavailableError, match="has it been stopped"):
        cloud.ledger()


def test_server_outlives_the_thread_that_started_it(granules: Mapping[str, Path]) -> None:
    """Only the end of the parent ends the server, not that of one of its threads; a signal does."""
    with ThreadPoolExecutor(1) as pool:
        cloud = pool.submit(LocalCloud.start, CloudConfig(files=(granules["sidecar"],))).result()
    with cloud:
        time.sleep(0.2)
        cloud.check()
        assert cloud.ledger().requests == 0
        os.kill(cloud.pid, signal.SIGTERM)
        assert _soon(lambda: _gone(cloud.pid))
        with pytest.raises(UnavailableError, match="ended by itself"):
            cloud.check()


def test_files_that_cannot_be_served(tmp_path: Path) -> None:
    """A file that is named like a granule but is none is named in the error, and no server stays."""
    wrong = tmp_path / "ATL06_20191206203649_10840505_006_01.h5"
    wrong.write_text("no HDF5")
    with pytest.raises(InputError, match="named like a granule but cannot be read"):
        LocalCloud.start(CloudConfig(files=(wrong,)))


def test_nothing_listens_beyond_the_loopback(cloud: LocalCloud) -> None:
    """Every socket of the server listens on 127.0.0.0/8."""
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(cloud.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5
    assert all(address.startswith("127.") for address in listening)


def test_admin_needs_the_secret(cloud: LocalCloud) -> None:
    """Without the secret nothing is told and nothing changed."""
    with pytest.raises(FailedError, match="secret is wrong"):
        replace(cloud.admin, secret="guess").ledger()


def test_object_store_over_tls(
    granules: Mapping[str, Path], keys_of: Callable[[LocalCloud], dict[str, str]]
) -> None:
    """The object store can be had over TLS as well, and learns of its files once."""
    path = granules["greenland"]
    cache = path.parent / "cache"
    with LocalCloud.start(CloudConfig(files=(path,), cache_dir=cache, s3_tls=True)) as cloud:
        keys = keys_of(cloud)
        answer = requests.get(
            f"{cloud.endpoints.s3_endpoint}/nsidc-cumulus-prod-protected/ATLAS/ATL06/006/2019/12/06/{path.name}",
            headers={
                "Authorization": f"AWS4-HMAC-SHA256 Credential={keys['accessKeyId']}/x",
                "x-amz-security-token": keys["sessionToken"],
            },
            verify=cloud.endpoints.environment["SSL_CERT_FILE"],
            timeout=10,
        )
        assert answer.content == path.read_bytes()
    assert len(list(cache.iterdir())) == 1


def test_description_can_be_followed(cloud: LocalCloud, tmp_path: Path) -> None:
    """The printed lines are shell that sets each variable, and the Python in them logs in."""
    text = describe(cloud.endpoints)
    shell = tmp_path / "exports.sh"
    shell.write_text(text)
    command = f". {shell}; {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    environment = json.loads(said)
    assert cloud.endpoints.environment.items() <= environment.items()
    lines = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    python = "\n".join(line for line in lines if "open(" not in line)
    code = f"{python}\nprint(len(granules), earthaccess.__auth__.authenticated)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "3 True"


def test_every_profile_says_where_its_numbers_come_from() -> None:
    """Profiles have their name, a description and sources; only loopback models nothing."""
    assert list(PROFILES) == ["loopback", "in-region", "in-region-busy", "campus", "laptop"]
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.description
        assert profile.sources
        assert profile.shaped == (name != "loopback")
        assert profile.in_region == name.startswith("in-region")
