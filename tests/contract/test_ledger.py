"""The ledger counts what crosses the wire, to the byte."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests
from tests.support_localcloud import Line

from trackbench.localcloud import CloudConfig, LedgerSnapshot, LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support_localcloud import KeysOf

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the bytes of a connection")


SIZE = 300_000


@pytest.fixture(scope="module")
def quiet_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Run a cloud that no other test has open connections to."""
    path = tmp_path_factory.mktemp("quiet") / "object.bin"
    path.write_bytes(bytes(SIZE))
    with LocalCloud.start(CloudConfig(files=(path,))) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def quiet_keys(quiet_cloud: LocalCloud, keys_of: KeysOf) -> dict[str, str]:
    """Get keys to it."""
    return keys_of(quiet_cloud)


@pytest.fixture
def zeroed(quiet_cloud: LocalCloud) -> LocalCloud:
    """Wait until the cloud is alone, and let it count from nothing."""
    _settled(quiet_cloud)
    quiet_cloud.reset_ledger()
    return quiet_cloud


def _settled(cloud: LocalCloud) -> LedgerSnapshot:
    """Return the ledger once the server has noticed that its clients are gone."""
    end = time.monotonic() + 5
    while (ledger := cloud.ledger()).open_connections and time.monotonic() < end:
        time.sleep(0.01)
    assert ledger.open_connections == 0
    return ledger


@linux
def test_bytes_are_exact(zeroed: LocalCloud, quiet_keys: dict[str, str]) -> None:
    """Once all connections are closed, the bytes in both directions are those that the client counted."""
    sent = received = 0
    for size in (1, 1000, SIZE):
        with Line(zeroed, quiet_keys) as line:
            line.read(size)
            line.read(size)
            sent += line.sent
            received += line.received
    ledger = _settled(zeroed)
    assert ledger.counted_by == "kernel"
    assert (ledger.bytes_in, ledger.bytes_out) == (sent, received)
    assert ledger.body_bytes == 2 * (1001 + SIZE)
    assert ledger.requests == 6
    assert ledger.connections == 3
    assert ledger.by_role["s3"].connections == 3


@linux
def test_reset_forgets_what_open_connections_carried(zeroed: LocalCloud, quiet_keys: dict[str, str]) -> None:
    """After a reset a connection that stays open counts from there."""
    with Line(zeroed, quiet_keys) as line:
        line.read(10_000)
        zeroed.reset_ledger()
        sent, received = line.sent, line.received
        line.read(500)
        live = zeroed.ledger()
        assert (live.bytes_in, live.bytes_out) == (line.sent - sent, line.received - received)
        assert (live.requests, live.connections, live.open_connections) == (1, 0, 1)
    assert _settled(zeroed).bytes_out == line.received - received


@linux
def test_tls_records_are_counted(zeroed: LocalCloud) -> None:
    """Over TLS more crosses the wire than the bodies and heads: the handshake and the records."""
    environment = zeroed.endpoints.environment
    with requests.Session() as session:
        session.verify = environment["SSL_CERT_FILE"]
        session.trust_env = False
        token = {"Authorization": f"Bearer {environment['EARTHDATA_TOKEN']}"}
        body_bytes = len(session.get(zeroed.endpoints.s3_credentials, headers=token).content)
    ledger = _settled(zeroed)
    assert ledger.by_role["data-host"].bytes == ledger.body_bytes == body_bytes
    assert ledger.counted_by == "kernel"
    assert ledger.bytes_out > body_bytes + 500
    assert ledger.bytes_in > 500


def test_ledger_tells_times_and_survives_json(zeroed: LocalCloud) -> None:
    """First and last request are on the clock of this machine, and the record goes through JSON unchanged."""
    empty = zeroed.ledger()
    assert (empty.requests, empty.first_request, empty.last_request) == (0, None, None)
    before = time.monotonic()
    for _ in range(2):
        requests.get(f"{zeroed.endpoints.cmr_url}nothing", timeout=10)
    ledger = zeroed.ledger()
    assert ledger.first_request is not None
    assert ledger.last_request is not None
    assert before <= ledger.first_request < ledger.last_request <= time.monotonic()
    assert ledger.errors == {404: 2}
    assert ledger.cpu_seconds > 0
    assert LedgerSnapshot.from_dict(json.loads(json.dumps(ledger.to_dict()))) == ledger
