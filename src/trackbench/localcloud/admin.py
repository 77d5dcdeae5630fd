"""Running a local cloud from outside: reading its ledger, changing its network and its faults.

The line is a socket on the loopback of its own, one JSON object a line in each direction, opened with a secret. It
is neither shaped nor counted.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackbench.errors import FailedError, UnavailableError
from trackbench.localcloud.faults import Fault
from trackbench.localcloud.ledger import LedgerSnapshot
from trackbench.localcloud.profiles import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.localcloud.listener import Workings

_HOST = "127.0.0.1"
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Admin:
    """A way to a running local cloud; can be handed to another process.

    Attributes
    ----------
    port
        Of the loopback.
    secret
        What opens the line.
    """

    port: int
    secret: str

    def ledger(self) -> LedgerSnapshot:
        """Return what has crossed the wire since the last reset."""
        return LedgerSnapshot.from_dict(self._ask("ledger"))

    def reset_ledger(self) -> None:
        """Start counting from nothing."""
        self._ask("reset")

    def set_profile(self, profile: Profile) -> None:
        """Pretend another network from the next request on.

        Clients ask where they run only once, so a change into or out of the region needs a new client.
        """
        self._ask("profile", profile.to_dict())

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force, and none but these."""
        self._ask("faults", [fault.to_dict() for fault in faults])

    def _ask(self, what: str, value: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        question = json.dumps({"secret": self.secret, "ask": what, "value": value})
        try:
            with socket.create_connection((_HOST, self.port), timeout=_PATIENCE) as line:
                line.sendall(question.encode() + b"\n")
                text = line.makefile("r", encoding="utf-8").readline()
        except OSError as error:
            raise UnavailableError(f"The local cloud does not answer ({error}); has it been stopped?") from error
        if not text:
            raise UnavailableError("The local cloud hung up; its output says why.")
        answer = json.loads(text)
        if "error" in answer:
            raise FailedError(f"The local cloud refused: {answer['error']}")
        return answer["value"]


async def open_admin(workings: Workings) -> Admin:
    """Listen for questions about `workings`."""
    secret = secrets.token_urlsafe(16)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = json.loads(await reader.readline())
            if hmac.compare_digest(str(question.get("secret")).encode(), secret.encode()):
                answer = {"value": _do(workings, question["ask"], question["value"])}
            else:
                answer = {"error": "the secret is wrong"}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            answer = {"error": f"the question cannot be read: {error!r}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    server = await asyncio.start_server(converse, _HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    return Admin(port, secret)


def _do(workings: Workings, what: str, value: Any) -> Any:  # noqa: ANN401 - JSON in and out
    match what:
        case "ledger":
            return workings.ledger.snapshot().to_dict()
        case "reset":
            workings.ledger.reset()
        case "profile":
            workings.model.profile = Profile(**value)
        case "faults":
            workings.faults.replace([Fault.from_dict(fault) for fault in value])
        case _:
            raise ValueError(what)
    return None
