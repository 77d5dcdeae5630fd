"""The server's end of one TCP connection: what the network model and the ledger remember of it."""

from __future__ import annotations

import os
import socket
from typing import Final

from trackbench.localcloud.wire import kernel_bytes

INITIAL_WINDOW: Final = 14_600
"""Bytes that a connection may send in its first round trip: ten segments of 1,460 bytes (RFC 6928)."""


class Connection:
    """One connection.

    It holds the socket a second time: an event loop closes its own before it tells that a connection is lost, and
    only an open socket can be asked what it has carried.

    Attributes
    ----------
    socket
        The server's end.
    role
        Name of the role that its first request was for; None before that.
    window
        Congestion window of the network model, bytes.
    free_at
        When its modelled bandwidth has carried all that was given to it (seconds of the event loop's clock).
    last_used
        When its last answer had gone out (same clock).
    """

    __slots__ = ("_counted_in", "_counted_out", "free_at", "last_used", "role", "socket", "window")

    def __init__(self, file_descriptor: int) -> None:
        self.socket = socket.socket(fileno=os.dup(file_descriptor))
        self.role: str | None = None
        self.window: float = INITIAL_WINDOW
        self.free_at = 0.0
        self.last_used = 0.0
        self._counted_in = 0
        self._counted_out = 0

    def bytes_since_reset(self, *, ending: bool = False) -> tuple[int, int] | None:
        """Return bytes received and sent since the ledger's last reset; None where the kernel does not tell."""
        counts = kernel_bytes(self.socket, ending=ending)
        return None if counts is None else (counts[0] - self._counted_in, counts[1] - self._counted_out)

    def reset(self) -> None:
        """Count from here."""
        counts = kernel_bytes(self.socket)
        self._counted_in, self._counted_out = counts or (0, 0)
