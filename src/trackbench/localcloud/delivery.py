"""Sending an answer through the network model, and breaking it off where a fault says so."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from aiohttp import web

from trackbench.localcloud.wire import make_close_a_reset

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from trackbench.localcloud.connection import Connection
    from trackbench.localcloud.faults import Break
    from trackbench.localcloud.ledger import Ledger
    from trackbench.localcloud.network import NetworkModel
    from trackbench.localcloud.reply import Reply

# Event loops wake in milliseconds, mostly late. A shorter wait would cost more than it tells; what goes out early
# is not lost to the model, since its clocks run on from the moments that it computed.
_TICK: Final = 0.001
_SLICE: Final = 1 << 20  # bytes handed over at a time where nothing is modelled


class Delivered(web.StreamResponse):
    """Tells aiohttp that the answer has gone out already.

    Writing the head and slices of the mapped file straight to the connection takes half the processor time of
    aiohttp's own responses, and lets a fault break off anywhere.
    """

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open."""
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing: the head has been sent."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body has been sent."""


class Courier:
    """Carries answers to clients."""

    def __init__(self, ledger: Ledger, model: NetworkModel) -> None:
        self._ledger = ledger
        self._model = model
        self._clock = _HttpClock()
        self._stay = Delivered(keep_alive=True)
        self._close = Delivered(keep_alive=False)

    @property
    def broken(self) -> Delivered:
        """What to tell aiohttp of a connection that is no more."""
        return self._close

    async def deliver(
        self,
        request: web.BaseRequest,
        reply: Reply,
        role: str,
        connection: Connection,
        *,
        leaves_at: float | None = None,
        broken: Break | None = None,
    ) -> Delivered:
        """Send `reply`.

        Parameters
        ----------
        request, connection
            What is answered, and where to.
        reply, role
            The answer, and whose bytes to count it as.
        leaves_at
            When the first byte arrives (event loop's clock), with the network modelled; None sends at once.
        broken
            Where and how the connection breaks, if it does.
        """
        keep = request.keep_alive and broken is None
        head = reply.head(self._clock.now(), close=not keep)
        self._ledger.answered(role, reply.status, len(head))
        end = len(reply.body) if broken is None else min(broken.after, len(reply.body))
        try:
            if leaves_at is None:
                await self._at_once(request, head, reply, role=role, end=end)
            else:
                await self._modelled(request, head, reply, connection, leaves_at, role=role, end=end)
        except ConnectionError:
            return self._close  # the client has gone
        if broken is not None:
            self._ledger.broken_off()
            await break_off(request, connection, broken)
        return self._stay if keep else self._close

    async def _at_once(self, request: web.BaseRequest, head: bytes, reply: Reply, *, role: str, end: int) -> None:
        writer = request.writer
        await writer.write(head)
        body = reply.body
        for start in range(0, end, _SLICE):
            piece = body[start : min(start + _SLICE, end)]
            self._ledger.sent(role, len(piece))
            await writer.write(piece)

    async def _modelled(
        self,
        request: web.BaseRequest,
        head: bytes,
        reply: Reply,
        connection: Connection,
        leaves_at: float,
        *,
        role: str,
        end: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        model, writer, body = self._model, request.writer, reply.body
        await _until(loop, leaves_at)
        ready, sent, flown = leaves_at, 0, 0.0
        size = min(model.piece(connection, flown), end)
        if size < end:
            # A long answer starts with its head; a short one goes out in one piece when it has been carried.
            await writer.write(head)
            head = b""
        while True:
            arrives = model.carried(size, connection, ready) if size else ready
            await _until(loop, arrives)
            self._ledger.sent(role, size)
            if head:
                await writer.write(head)
                head = b""
            if size:
                await writer.write(body[sent : sent + size])
            sent += size
            if sent >= end:
                break
            flown, ready = model.acknowledge(connection, flown + size, arrives)
            await _until(loop, ready)
            size = min(model.piece(connection, flown), end - sent)
        connection.last_used = loop.time()


async def break_off(request: web.BaseRequest, connection: Connection, broken: Break) -> None:
    """End a connection: stay silent for a while, then close it in order or with a reset."""
    await asyncio.sleep(broken.stall)
    transport = request.transport
    if transport is None:
        return
    if broken.reset:
        make_close_a_reset(connection.socket)
        transport.abort()
    else:
        transport.close()


class _HttpClock:
    """Writes the date as HTTP wants it, once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


async def _until(loop: asyncio.AbstractEventLoop, moment: float) -> None:
    wait = moment - loop.time()
    if wait > _TICK:
        await asyncio.sleep(wait)
