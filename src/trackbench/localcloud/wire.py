"""What the kernel knows of a TCP connection, and how to break one."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Final

# struct tcp_info (include/uapi/linux/tcp.h): tcpi_state at 0, tcpi_bytes_received at 128, tcpi_notsent_bytes at
# 144, tcpi_bytes_sent at 200, tcpi_bytes_retrans at 208 (Linux 4.19 and later).
_RECEIVED: Final = 128
_NOT_SENT: Final = 144
_SENT: Final = 200
_RETRANSMITTED: Final = 208
_LENGTH: Final = 216
_CLOSED_BY_PEER: Final = frozenset((6, 8, 9, 11))  # TIME_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING
_CLOSED: Final = 7
_ABORT: Final = struct.pack("ii", 1, 0)

KERNEL_COUNTS: Final = sys.platform == "linux"
"""Whether the kernel counts, so that nothing need be estimated."""


def kernel_bytes(connection: socket.socket, *, ending: bool = False) -> tuple[int, int] | None:
    """Return how many bytes of payload a TCP connection has received and sent.

    The kernel counts what crossed the wire once: headers and TLS records included, TCP's own headers and
    retransmissions not.

    Parameters
    ----------
    connection
        The server's end.
    ending
        Whether the server has given the kernel its last byte: what still waits there is on its way then, unless
        the peer has closed.

    Returns
    -------
    tuple of int or None
        Bytes received and bytes sent; None where the kernel does not tell.
    """
    if not KERNEL_COUNTS:
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return None
    if len(info) < _LENGTH:
        return None
    state = info[0]
    (received,) = struct.unpack_from("Q", info, _RECEIVED)
    (sent,) = struct.unpack_from("Q", info, _SENT)
    (again,) = struct.unpack_from("Q", info, _RETRANSMITTED)
    (waiting,) = struct.unpack_from("I", info, _NOT_SENT)
    # The peer's FIN takes a place in the sequence, so it counts as a byte received.
    received -= state in _CLOSED_BY_PEER and received > 0
    if ending and state != _CLOSED and state not in _CLOSED_BY_PEER:
        sent += waiting
    return received, sent - again


def make_close_a_reset(connection: socket.socket) -> None:
    """Let the close of a connection send RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
