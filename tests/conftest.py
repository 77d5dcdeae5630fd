"""What every test has: no network but the loopback, nothing of the user's, real files where there are any."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

# The tests of a package that is installed only where test_plugin_package.py installs it.
collect_ignore = ["plugin"]

# A developer's own settings must not decide what a test finds.
USERS_OWN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "EARTHDATA_PASSWORD",
    "EARTHDATA_TOKEN",
    "EARTHDATA_USERNAME",
)


class OutsideError(RuntimeError):
    """A test reached beyond the loopback.

    It is no `OSError`, so that a client which takes the network for unreliable cannot hide it.
    """


def _is_loopback(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_address(host: str | bytes) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to look up a name or to connect outside the loopback (see "Audit events table" in Python's docs)."""
    if event == "socket.connect":
        address = arguments[1]
        # Sockets between processes of this machine have a path for an address.
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise OutsideError(f"A test may not connect to {address[0]}.")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
        if host and not _is_address(host) and not _is_loopback(host):
            raise OutsideError(f"A test may not look up {host!r}.")


def pytest_configure() -> None:
    """Close the network for this process, as long as it lives: an audit hook cannot be taken back."""
    sys.addaudithook(_guard)


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep caches and credentials of whoever runs the tests out of them."""
    nowhere = str(tmp_path_factory.mktemp("home") / "none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NETRC"):
            patch.setenv(name, nowhere)
        for name in USERS_OWN:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real product files: `TRACKBENCH_REAL_DATA`, else ``../shared/data`` beside the checkout."""
    named = os.environ.get("TRACKBENCH_REAL_DATA")
    folder = Path(named).expanduser() if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real product files: set TRACKBENCH_REAL_DATA to a folder that holds atl06/*.h5")
    return folder


@pytest.fixture(scope="session")
def real_atl06(real_data: Path) -> tuple[Path, ...]:
    """Real ATL06 granules, by name."""
    granules = tuple(sorted((real_data / "atl06").glob("*ATL06_*.h5")))
    if not granules:
        pytest.skip(f"no real ATL06 granules in {real_data.name}/atl06")
    return granules
