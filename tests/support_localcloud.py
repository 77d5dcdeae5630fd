"""What the tests of the local cloud share: a small granule, a store and its keys, and a plain client."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np

from trackbench.localcloud import LocalCloud

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

type RunClient = Callable[..., Any]
type KeysOf = Callable[[LocalCloud], dict[str, str]]

BUCKET = "nsidc-cumulus-prod-protected"


@dataclass(frozen=True, slots=True)
class Store:
    """An object store with one object, and the keys to it."""

    kind: str
    endpoint: str
    bucket: str
    key: str
    content: bytes
    access_key: str
    secret_key: str
    session_token: str


def write_granule(path: Path, *, longitude: float, latitude: float, seconds: float) -> None:
    """Write a small ATL06 granule: two beams of 4,000 segments northwards from a point."""
    count = 4000
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        for number, beam in enumerate(("gt1l", "gt3r")):
            group = file.create_group(f"{beam}/land_ice_segments")
            step = np.arange(count)
            columns = {
                "latitude": latitude + step * 1.8e-4,
                "longitude": longitude + 0.03 * number - step * 2e-5,
                "delta_time": seconds + step * 0.0028,
                "h_li": np.float32(1000.0) + np.random.default_rng(number).random(count, dtype=np.float32),
            }
            for name, values in columns.items():
                group.create_dataset(name, data=values, chunks=(1000,), compression="gzip")


class Line:
    """One connection to the object store that reads ranges and takes the time."""

    def __init__(self, cloud: LocalCloud, keys: dict[str, str], key: str = "files/object.bin") -> None:
        assert cloud.endpoints.s3_endpoint is not None
        self._host, _, port = cloud.endpoints.s3_endpoint.removeprefix("http://").partition(":")
        self._port = int(port)
        self._head = (
            f"GET /{BUCKET}/{key} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential={keys['accessKeyId']}/1/2/s3/x\r\n"
            f"x-amz-security-token: {keys['sessionToken']}\r\n"
        )
        self._buffer = memoryview(bytearray(1 << 20))
        self.received = 0
        self.sent = 0
        self.socket = socket.create_connection((self._host, self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, size: int) -> tuple[float, float]:
        """Read the first `size` bytes; return seconds to the first byte and to the last."""
        begin = time.perf_counter()
        question = f"{self._head}Range: bytes=0-{size - 1}\r\n\r\n".encode()
        self.socket.sendall(question)
        self.sent += len(question)
        got = self.socket.recv_into(self._buffer)
        first = time.perf_counter() - begin
        head = bytes(self._buffer[:got]).partition(b"\r\n\r\n")[0]
        assert b" 206 " in head, head
        left = len(head) + 4 + size - got
        while left > 0:
            left -= self.socket.recv_into(self._buffer)
        assert left == 0
        self.received += len(head) + 4 + size
        return first, time.perf_counter() - begin

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
