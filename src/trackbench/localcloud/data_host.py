"""The data host: what NSIDC's Thin Egress App does in front of the object store.

A request is let in by a bearer token or by the cookie of an earlier one, sent to Earthdata Login otherwise, and
answered with 303 to a signed address of the content delivery network (asfadmin/thin-egress-app).
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from trackbench.localcloud.object_store import REGION
from trackbench.localcloud.objects import BUCKET, ObjectTable
from trackbench.localcloud.reply import Reply, json_reply, redirect, text_reply

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from trackbench.localcloud.credentials import Credentials

CDN_PREFIX: Final = f"/s3-local/{BUCKET}.s3.{REGION}.amazonaws.com"
"""Where the content delivery network keeps the bucket."""

_COOKIE: Final = "asf-urs"
_CODE: Final = "local-code"
_HEAD_START: Final = 60  # seconds that a client may keep a redirect less than its signature lives


@dataclass(slots=True)
class DataHost:
    """Lets users of Earthdata Login in and sends them on to the data."""

    objects: ObjectTable
    credentials: Credentials
    address: str
    login_address: str
    cdn_address: str
    name: str = "data-host"

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer ``/login``, ``/s3credentials`` or an object's path."""
        path = request.path
        if path == "/login":
            return self._login(request)
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            if not self.credentials.knows_bearer(authorization):
                return text_reply("The token is not one of Earthdata Login.", 403)
        elif not self._has_cookie(request):
            query = {
                "client_id": "local",
                "response_type": "code",
                "redirect_uri": f"{self.address}/login",
                "state": path,
            }
            return redirect(f"{self.login_address}/oauth/authorize?{urlencode(query)}")
        if path == "/s3credentials":
            return json_reply(self.credentials.issue_s3_key().to_dict(), Set_Cookie=self._set_cookie())
        return self._send_on(request, path)

    def _login(self, request: BaseRequest) -> Reply:
        if request.query.get("code") != _CODE:
            return text_reply("The login was not completed.", 400)
        state = request.query.get("state", "/")
        return redirect(f"{self.address}{quote(state)}", 301, Set_Cookie=self._set_cookie())

    def _send_on(self, request: BaseRequest, path: str) -> Reply:
        bucket, _, key = path[1:].partition("/")
        if bucket != BUCKET or self.objects.get(key) is None:
            return text_reply(f"There is no object {path}", 404)
        if request.method not in ("GET", "HEAD"):
            return text_reply("Only GET and HEAD are allowed.", 405)
        place = f"{CDN_PREFIX}/{key}"
        kept = max(0, int(self.credentials.ttl) - _HEAD_START)
        return redirect(
            f"{self.cdn_address}{quote(place)}?{self.credentials.sign(request.method, place)}",
            303,
            Cache_Control=f"private, max-age={kept}",
            Set_Cookie=self._set_cookie(),
        )

    def _set_cookie(self) -> str:
        return f"{_COOKIE}={self.credentials.cookie}; Path=/; Secure"

    def _has_cookie(self, request: BaseRequest) -> bool:
        try:
            cookies = SimpleCookie(request.headers.get("Cookie", ""))
        except CookieError:
            return False
        return _COOKIE in cookies and cookies[_COOKIE].value == self.credentials.cookie


def authorization_code() -> str:
    """Return the code with which Earthdata Login sends a user back."""
    return _CODE
