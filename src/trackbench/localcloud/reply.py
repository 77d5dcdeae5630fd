"""Answers of a role before they meet the network: status, headers and body."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.web import BaseRequest

type Body = bytes | memoryview

EMPTY: Final = b""


@dataclass(slots=True)
class Reply:
    """One HTTP answer.

    Attributes
    ----------
    status
        HTTP status.
    headers
        Header fields; Content-Length is added when the answer is sent.
    body
        What follows; empty for HEAD.
    length
        Content-Length where it differs from the body's: the answer to HEAD.
    data
        Whether the answer comes from the object store's disks (charged its time to the first byte), not from a
        service at the edge.
    prefix
        The object store's prefix whose request limit the request counts against.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY
    length: int | None = None
    data: bool = False
    prefix: str | None = None

    def head(self, date: str, *, close: bool) -> bytes:
        """Return the status line and header fields as sent (RFC 9112) at `date`."""
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status not in _BODILESS:
            lines.append(f"Content-Length: {len(self.body) if self.length is None else self.length}")
        lines.append(f"Date: {date}")
        if close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Role(Protocol):
    """One part that the local cloud plays: an object store, a login, a search."""

    name: str
    """What the ledger calls it."""

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer one request as the real service would, without regard to the network."""
        ...


_PHRASES: Final[Mapping[int, str]] = {status.value: status.phrase for status in HTTPStatus}
_BODILESS: Final = frozenset((204, 304))


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:  # noqa: ANN401 - any JSON value
    """Answer with JSON; header names are given with underscores."""
    fields = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Reply(status, fields, json.dumps(value).encode())


def text_reply(text: str, status: int = 200, **headers: str) -> Reply:
    """Answer with plain text; header names are given with underscores."""
    fields = {"Content-Type": "text/plain; charset=utf-8"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return Reply(status, fields, text.encode())


def redirect(location: str, status: int = 302, **headers: str) -> Reply:
    """Send the client elsewhere; header names are given with underscores."""
    return Reply(status, {"Location": location} | {k.replace("_", "-"): v for k, v in headers.items()})


def s3_error(status: int, code: str, message: str, *, bodiless: bool = False) -> Reply:
    """Answer with an error of the object store (AWS, Amazon S3 API reference, "REST error responses").

    `bodiless` answers HEAD, which gets the status alone.
    """
    if bodiless:
        return Reply(status, {"Content-Type": "application/xml"}, data=True)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>"
        "<RequestId>LOCAL</RequestId><HostId>local</HostId></Error>"
    )
    return Reply(status, {"Content-Type": "application/xml"}, body.encode(), data=True)
