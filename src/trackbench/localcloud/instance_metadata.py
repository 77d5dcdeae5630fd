"""The proxy that clients are pointed at, and the instance metadata that it answers for.

Clients find out whether they run in us-west-2 by asking 169.254.169.254. That request comes here because the
environment names this proxy; any other that comes here would have left the machine, so it is refused and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trackbench.localcloud.ledger import PROXY
from trackbench.localcloud.object_store import REGION
from trackbench.localcloud.reply import Reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import BaseRequest

ADDRESS: Final = "169.254.169.254"
_TOKEN: Final = "local-instance-token"  # noqa: S105 - not a secret: anyone on the machine may ask for it


@dataclass(slots=True)
class FailClosedProxy:
    """Answers for the instance metadata service (IMDSv2) and refuses everything else."""

    in_region: Callable[[], bool]
    refused: Callable[[], None]
    name: str = PROXY

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer a request in absolute form, or CONNECT."""
        target = str(request.rel_url) if request.method != "CONNECT" else ""
        host = urlsplit(target).hostname or request.host.partition(":")[0]
        if request.method == "CONNECT" or host != ADDRESS:
            self.refused()
            return text_reply(
                f"{request.host} is not part of the local cloud; nothing leaves this machine.\n", 403
            )
        path = urlsplit(target).path
        if not self.in_region():
            return text_reply("This is no virtual machine of the cloud.", 404)
        if request.method == "PUT" and path == "/latest/api/token":
            return text_reply(_TOKEN)
        if request.headers.get("X-aws-ec2-metadata-token") != _TOKEN:
            return text_reply("", 401)
        if path == "/latest/meta-data/placement/region":
            return text_reply(REGION)
        return text_reply("", 404)
