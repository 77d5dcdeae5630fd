"""How many ranged GETs a second the local cloud answers when nothing is modelled.

Run by hand: ``python benchmarks/localcloud_throughput.py``. The client is a process of its own and shares the
machine with the server, so the numbers are a floor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import tempfile
import time
import urllib.request
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from trackbench.localcloud import CloudConfig, LocalCloud

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_SIZE = 256 << 20
_RANGE = 64 << 10
_BUCKET = "nsidc-cumulus-prod-protected"


def _s3_keys(cloud: LocalCloud) -> dict[str, str]:
    environment = cloud.endpoints.environment
    context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    request = urllib.request.Request(  # noqa: S310 - the address is the local cloud's
        cloud.endpoints.s3_credentials, headers={"Authorization": f"Bearer {environment['EARTHDATA_TOKEN']}"}
    )
    with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
        keys: dict[str, str] = json.load(answer)
    return keys


async def _raw(cloud: LocalCloud, keys: dict[str, str], connections: int, seconds: float) -> tuple[int, float]:
    """Count answers to plain sockets: the least that a client can spend."""
    assert cloud.endpoints.s3_endpoint is not None
    host, _, port = cloud.endpoints.s3_endpoint.removeprefix("http://").partition(":")
    random = Random(1)  # noqa: S311 - not a secret
    end = time.perf_counter() + seconds
    done = 0

    async def read() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        while time.perf_counter() < end:
            start = random.randrange(_SIZE - _RANGE)
            writer.write(
                (
                    f"GET /{_BUCKET}/files/object.bin HTTP/1.1\r\nHost: {host}:{port}\r\n"
                    f"Range: bytes={start}-{start + _RANGE - 1}\r\n"
                    f"Authorization: AWS4-HMAC-SHA256 Credential={keys['accessKeyId']}/20260101/us-west-2/s3/x\r\n"
                    f"x-amz-security-token: {keys['sessionToken']}\r\n\r\n"
                ).encode()
            )
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_RANGE)
            done += 1
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(read() for _ in range(connections)))
    return done, time.perf_counter() - begin


async def _obstore(cloud: LocalCloud, keys: dict[str, str], connections: int, seconds: float) -> tuple[int, float]:
    """Count answers to obstore, which signs each request."""
    assert cloud.endpoints.s3_endpoint is not None
    store = S3Store(
        _BUCKET,
        endpoint=cloud.endpoints.s3_endpoint,
        region="us-west-2",
        access_key_id=keys["accessKeyId"],
        secret_access_key=keys["secretAccessKey"],
        session_token=keys["sessionToken"],
        client_options={"allow_http": True},
    )
    random = Random(1)  # noqa: S311 - not a secret
    end = time.perf_counter() + seconds
    done = 0

    async def read() -> None:
        nonlocal done
        while time.perf_counter() < end:
            start = random.randrange(_SIZE - _RANGE)
            await obstore.get_range_async(store, "files/object.bin", start=start, length=_RANGE)
            done += 1

    begin = time.perf_counter()
    await asyncio.gather(*(read() for _ in range(connections)))
    return done, time.perf_counter() - begin


def main() -> None:
    """Measure both clients at several numbers of connections and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    seconds = parser.parse_args().seconds
    clients: dict[str, Callable[[LocalCloud, dict[str, str], int, float], Awaitable[tuple[int, float]]]] = {
        "raw": _raw,
        "obstore": _obstore,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object.bin"
        path.write_bytes(os.urandom(1 << 20) * (_SIZE >> 20))
        with LocalCloud.start(CloudConfig(files=(path,))) as cloud:
            keys = _s3_keys(cloud)
            for name, client in clients.items():
                for connections in (1, 16, 64):
                    cloud.reset_ledger()
                    done, took = asyncio.run(_timed(client(cloud, keys, connections, seconds)))
                    cpu = cloud.ledger().cpu_seconds
                    print(
                        f"{name:8} {connections:3} connections: {done / took:6.0f} GET/s of 64 KiB,"
                        f" {done * _RANGE / took / 1e6:5.0f} MB/s, {1e6 * cpu / done:4.0f} us of server CPU each"
                    )


async def _timed(measured: Awaitable[tuple[int, float]]) -> tuple[int, float]:
    return await measured


if __name__ == "__main__":
    main()
