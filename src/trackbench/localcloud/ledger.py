"""The ledger: what crossed the wire, counted at the server."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.localcloud.connection import Connection

type CountedBy = Literal["kernel", "estimate"]

PROXY: Final = "proxy"
"""Name of the role that answers for the machine itself, not for a service."""

_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class RoleCount:
    """What one role was asked.

    Attributes
    ----------
    requests
        Requests answered, or broken off by a fault.
    bytes
        Bytes of the bodies that it sent.
    connections
        Connections whose first request was for this role.
    """

    requests: int
    bytes: int
    connections: int


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """The ledger at one moment, since its last reset.

    Attributes
    ----------
    requests
        Requests of all roles.
    bytes_in, bytes_out
        Bytes from clients to server and back, with headers and TLS records. Of connections that are still open,
        what the kernel had sent at this moment; once all are closed the counts are exact.
    counted_by
        ``kernel`` (TCP_INFO), or ``estimate``: bodies and headers, without TLS.
    body_bytes
        Bytes of the bodies that were sent.
    connections
        Connections opened.
    open_connections
        Connections that are open now.
    by_role
        The same by role.
    errors
        How often each status of 400 and above was answered; 0 stands for connections broken off on purpose. The
        proxy's are left out: that no machine of the cloud is here is an answer, and refusals are counted below.
    refused
        Requests for other hosts that the proxy refused.
    cpu_seconds
        Processor time of the server.
    first_request, last_request
        When the first and the last request came (seconds, `time.monotonic`), or None.
    """

    requests: int
    bytes_in: int
    bytes_out: int
    counted_by: CountedBy
    body_bytes: int
    connections: int
    open_connections: int
    by_role: Mapping[str, RoleCount]
    errors: Mapping[int, int]
    refused: int
    cpu_seconds: float
    first_request: float | None
    last_request: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LedgerSnapshot:
        """Read what `to_dict` wrote, also after a way through JSON."""
        by_role = {name: RoleCount(**count) for name, count in values["by_role"].items()}
        errors = {int(status): count for status, count in values["errors"].items()}
        return cls(**{**values, "by_role": by_role, "errors": errors})


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    bytes: int = 0
    connections: int = 0


class Ledger:
    """Counts requests, bytes and connections as they happen."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._clear()

    def _clear(self) -> None:
        self._roles: dict[str, _Tally] = {}
        self._errors: Counter[int] = Counter()
        self._closed_in = 0
        self._closed_out = 0
        self._estimated_in = 0
        self._estimated_out = 0
        self._kernel = True
        self._connections = 0
        self._refused = 0
        self._first: float | None = None
        self._last: float | None = None
        self._cpu = time.process_time()

    def reset(self) -> None:
        """Start from nothing; connections that are open stay, but what they carried until now is forgotten."""
        self._clear()
        for connection in self._open:
            connection.reset()

    def opened(self, connection: Connection) -> None:
        """Note that a connection was made."""
        self._connections += 1
        self._open.add(connection)

    def closed(self, connection: Connection) -> None:
        """Note that a connection ended, and let its socket go."""
        self._open.discard(connection)
        counts = connection.bytes_since_reset(ending=True)
        connection.socket.close()
        if counts is None:
            self._kernel = False
            return
        self._closed_in += counts[0]
        self._closed_out += counts[1]

    def request(self, role: str, connection: Connection, header_bytes: int) -> None:
        """Note that a request for `role` has come."""
        tally = self._tally(role)
        tally.requests += 1
        if connection.role is None:
            connection.role = role
            tally.connections += 1
        self._estimated_in += header_bytes
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last

    def answered(self, role: str, status: int, head_bytes: int) -> None:
        """Note that an answer starts."""
        self._estimated_out += head_bytes
        if status >= _ERROR and role != PROXY:
            self._errors[status] += 1

    def broken_off(self) -> None:
        """Note that a connection is broken off on purpose, before or within an answer."""
        self._errors[0] += 1

    def sent(self, role: str, count: int) -> None:
        """Note that `count` bytes of a body are handed to the network."""
        self._tally(role).bytes += count

    def refused(self) -> None:
        """Note that the proxy refused to reach another host."""
        self._refused += 1

    def snapshot(self) -> LedgerSnapshot:
        """Return the counts as they are now."""
        live = [connection.bytes_since_reset() for connection in self._open]
        known = [counts for counts in live if counts is not None]
        kernel = self._kernel and len(known) == len(live)
        body_bytes = sum(tally.bytes for tally in self._roles.values())
        bytes_in, bytes_out = self._estimated_in, self._estimated_out + body_bytes
        if kernel:
            bytes_in = self._closed_in + sum(counts[0] for counts in known)
            bytes_out = self._closed_out + sum(counts[1] for counts in known)
        return LedgerSnapshot(
            requests=sum(tally.requests for tally in self._roles.values()),
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            counted_by="kernel" if kernel else "estimate",
            body_bytes=body_bytes,
            connections=self._connections,
            open_connections=len(self._open),
            by_role={
                name: RoleCount(tally.requests, tally.bytes, tally.connections)
                for name, tally in sorted(self._roles.items())
            },
            errors=dict(sorted(self._errors.items())),
            refused=self._refused,
            cpu_seconds=time.process_time() - self._cpu,
            first_request=self._first,
            last_request=self._last,
        )

    def _tally(self, role: str) -> _Tally:
        tally = self._roles.get(role)
        if tally is None:
            tally = self._roles[role] = _Tally()
        return tally
