"""The guards of conftest.py: what a test cannot reach."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443, 0, 0)])
def test_connections_beyond_the_loopback_are_refused(address: tuple[str, int]) -> None:
    """No socket of a test reaches another machine, and the refusal is not an OSError that a client would retry."""
    family = socket.AF_INET6 if len(address) > 2 else socket.AF_INET
    with socket.socket(family) as outside, pytest.raises(RuntimeError, match=address[0]):
        outside.connect(address)


def test_names_beyond_the_loopback_are_not_looked_up() -> None:
    """Not even the resolver is asked for another machine."""
    with pytest.raises(RuntimeError, match=r"data\.nsidc\.earthdatacloud\.nasa\.gov"):
        socket.getaddrinfo("data.nsidc.earthdatacloud.nasa.gov", 443)


def test_the_loopback_is_open() -> None:
    """A server of a test can be reached, by address and by name, blocking and from an event loop."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port)).close()

        async def connect() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()

        asyncio.run(connect())


def test_the_users_files_are_not_touched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Caches go to a folder of the session; no credentials of the user's are found."""
    assert Path(os.environ["TRACKBENCH_CACHE"]).is_relative_to(tmp_path_factory.getbasetemp())
    assert not Path(os.environ["NETRC"]).exists()
    assert "EARTHDATA_TOKEN" not in os.environ
