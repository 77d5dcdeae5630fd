"""One listening socket and the roles behind it: from a request to its answer on the wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from trackbench.localcloud.connection import Connection
from trackbench.localcloud.delivery import Courier, break_off
from trackbench.localcloud.faults import Break, FaultBook, faulty_break, faulty_reply
from trackbench.localcloud.ledger import Ledger
from trackbench.localcloud.reply import s3_error
from trackbench.localcloud.wire import KERNEL_COUNTS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from aiohttp.web_protocol import RequestHandler

    from trackbench.localcloud.network import NetworkModel
    from trackbench.localcloud.reply import Role

_BACKLOG = 1024
_KEEP_ALIVE = 75.0  # seconds


@dataclass(frozen=True, slots=True)
class Workings:
    """What all listeners of a cloud share."""

    ledger: Ledger
    model: NetworkModel
    faults: FaultBook
    courier: Courier

    @classmethod
    def assemble(cls, model: NetworkModel, seed: int) -> Workings:
        """Make a ledger and a book of faults around `model`."""
        ledger = Ledger()
        return cls(ledger, model, FaultBook(seed), Courier(ledger, model))


class Listener(web.Server):
    """Accepts connections and hands each request to the role that it is for."""

    def __init__(
        self, workings: Workings, choose: Callable[[web.BaseRequest], Role], *, modelled: bool = True
    ) -> None:
        """Answer with the role that `choose` names; `modelled` says whether the network model applies."""
        super().__init__(self._handle, access_log=None, keepalive_timeout=_KEEP_ALIVE)
        self._workings = workings
        self._choose = choose
        self._modelled = modelled
        self._known: dict[RequestHandler, Connection] = {}

    async def listen(self, address: str, context: ssl.SSLContext | None = None) -> int:
        """Listen at a loopback address, with TLS if there is a context, and return the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self, address, 0, ssl=context, backlog=_BACKLOG)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Keep the connection's state beside aiohttp's."""
        super().connection_made(handler, transport)
        connection = Connection(transport.get_extra_info("socket").fileno())
        self._known[handler] = connection
        self._workings.ledger.opened(connection)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Take the kernel's last counts."""
        connection = self._known.pop(handler, None)
        if connection is not None:
            self._workings.ledger.closed(connection)
        super().connection_lost(handler, exc)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        workings, arrived = self._workings, asyncio.get_running_loop().time()
        connection = self._known.get(request.protocol)
        if connection is None:
            return workings.courier.broken  # the client went while its request was being read
        role = self._choose(request)
        reply = await role.answer(request)
        fault = workings.faults.pick(role.name, request.method, request.path)
        if fault is not None:
            reply = faulty_reply(fault, request.method) or reply
        elif reply.prefix is not None and not workings.model.allows(reply.prefix, arrived):
            bodiless = request.method == "HEAD"
            reply = s3_error(503, "SlowDown", "Please reduce your request rate.", bodiless=bodiless)
        leaves_at: float | None = None
        if self._modelled and workings.model.shaped:
            leaves_at = workings.model.first_byte(reply, connection, arrived)
        header_bytes = 0 if KERNEL_COUNTS else _header_bytes(request)
        workings.ledger.request(role.name, connection, header_bytes)
        broken: Break | None = None
        if fault is not None:
            if fault.kind == "reset":
                workings.ledger.broken_off()
                await break_off(request, connection, Break(reset=True))
                return workings.courier.broken
            if fault.kind == "delay":
                leaves_at = (arrived if leaves_at is None else leaves_at) + fault.seconds
            broken = faulty_break(fault, len(reply.body))
        return await workings.courier.deliver(
            request, reply, role.name, connection, leaves_at=leaves_at, broken=broken
        )


def _header_bytes(request: web.BaseRequest) -> int:
    # Only an estimate, for systems whose kernel does not count: the names and values, their separators, the line.
    fields = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    return fields + len(request.method) + len(request.path_qs) + 13
