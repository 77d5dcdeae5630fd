"""The ledger counts what crosses the wire, to the byte."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests
from tests.support_localcloud import Line

from trackbench.localcloud import LedgerSnapshot

if TYPE_CHECKING:
    from tests.support_localcloud import Store

    from trackbench.localcloud import LocalCloud

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the bytes of a connection")


def _settled(cloud: LocalCloud) -> LedgerSnapshot:
    """Return the ledger once the server has noticed that its clients are gone."""
    end = time.monotonic() + 5
    while (ledger := cloud.ledger()).open_connections and time.monotonic() < end:
        time.sleep(0.01)
    assert ledger.open_connections == 0
    return ledger


@linux
def test_bytes_are_exact(cloud: LocalCloud, local_store: Store) -> None:
    """Once all connections are closed, the bytes in both directions are those that the client counted."""
    keys = {"accessKeyId": local_store.access_key, "sessionToken": local_store.session_token}
    sent = received = 0
    for size in (1, 1000, len(local_store.content)):
        with Line(cloud, keys, local_store.key) as line:
            line.read(size)
            line.read(size)
            sent += line.sent
            received += line.received
    ledger = _settled(cloud)
    assert ledger.counted_by == "kernel"
    assert (ledger.bytes_in, ledger.bytes_out) == (sent, received)
    assert ledger.body_bytes == 2 * (1001 + len(local_store.content))
    assert ledger.requests == 6
    assert ledger.connections == 3
    assert ledger.by_role["s3"].connections == 3


@linux
def test_reset_forgets_what_open_connections_carried(cloud: LocalCloud, local_store: Store) -> None:
    """After a reset a connection that stays open counts from there."""
    keys = {"accessKeyId": local_store.access_key, "sessionToken": local_store.session_token}
    with Line(cloud, keys, local_store.key) as line:
        line.read(10_000)
        cloud.reset_ledger()
        sent, received = line.sent, line.received
        line.read(500)
        live = cloud.ledger()
        assert (live.bytes_in, live.bytes_out) == (line.sent - sent, line.received - received)
        assert (live.requests, live.connections, live.open_connections) == (1, 0, 1)
    assert _settled(cloud).bytes_out == line.received - received


@linux
def test_tls_records_are_counted(cloud: LocalCloud) -> None:
    """Over TLS more crosses the wire than the bodies and heads: the handshake and the records."""
    environment = cloud.endpoints.environment
    with requests.Session() as session:
        session.verify = environment["SSL_CERT_FILE"]
        session.trust_env = False
        token = {"Authorization": f"Bearer {environment['EARTHDATA_TOKEN']}"}
        body_bytes = len(session.get(cloud.endpoints.s3_credentials, headers=token).content)
    ledger = _settled(cloud)
    assert ledger.by_role["data-host"].bytes == ledger.body_bytes == body_bytes
    assert ledger.counted_by == "kernel"
    assert ledger.bytes_out > body_bytes + 500
    assert ledger.bytes_in > 500


def test_ledger_tells_times_and_survives_json(cloud: LocalCloud) -> None:
    """First and last request are on the clock of this machine, and the record goes through JSON unchanged."""
    empty = cloud.ledger()
    assert (empty.requests, empty.first_request, empty.last_request) == (0, None, None)
    before = time.monotonic()
    for _ in range(2):
        requests.get(f"{cloud.endpoints.cmr_url}nothing", timeout=10)
    ledger = cloud.ledger()
    assert ledger.first_request is not None
    assert ledger.last_request is not None
    assert before <= ledger.first_request < ledger.last_request <= time.monotonic()
    assert ledger.errors == {404: 2}
    assert ledger.cpu_seconds > 0
    assert LedgerSnapshot.from_dict(json.loads(json.dumps(ledger.to_dict()))) == ledger
