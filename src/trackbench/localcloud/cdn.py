"""The content delivery network: objects at signed addresses, as CloudFront serves them for the data host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackbench.localcloud.data_host import CDN_PREFIX
from trackbench.localcloud.reply import Reply, s3_error

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from trackbench.localcloud.credentials import Credentials
    from trackbench.localcloud.objects import ObjectTable


@dataclass(slots=True)
class ContentDelivery:
    """Serves an object to anyone whose address carries a signature of the data host."""

    objects: ObjectTable
    credentials: Credentials
    name: str = "cdn"

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer GET or HEAD of a signed address.

        A request that brings an Authorization field as well is refused, as the store behind the real one does: a
        client must not carry its token across the redirect.
        """
        bodiless = request.method == "HEAD"
        if "Authorization" in request.headers:
            text = "Only one auth mechanism allowed"
            return s3_error(400, "InvalidArgument", text, bodiless=bodiless)
        query = request.query
        signed = self.credentials.signature_holds(
            request.method, request.path, query.get("Expires", ""), query.get("Signature", "")
        )
        if not signed:
            return s3_error(403, "AccessDenied", "Access denied", bodiless=bodiless)
        stored = self.objects.get(request.path.removeprefix(f"{CDN_PREFIX}/"))
        if stored is None:
            return s3_error(404, "NoSuchKey", "The specified key does not exist.", bodiless=bodiless)
        return self.objects.reply(stored, request)
