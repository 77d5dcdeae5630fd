"""Earthdata Login: tokens, the profile page, and the authorization that the data host asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from trackbench.localcloud.credentials import USER
from trackbench.localcloud.data_host import authorization_code
from trackbench.localcloud.reply import Reply, json_reply, redirect, text_reply

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from trackbench.localcloud.credentials import Credentials

_EXPIRES = "12/31/2099"


@dataclass(slots=True)
class EarthdataLogin:
    """Knows one user, by name and password or by token."""

    credentials: Credentials
    address: str
    data_host_address: str
    name: str = "login"

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer the calls that clients and the data host make (urs.earthdata.nasa.gov/documentation)."""
        authorization = request.headers.get("Authorization", "")
        basic, bearer = self.credentials.knows_basic(authorization), self.credentials.knows_bearer(authorization)
        token = {"access_token": self.credentials.token, "token_type": "Bearer", "expiration_date": _EXPIRES}
        match request.method, request.path:
            case ("POST", "/api/users/find_or_create_token" | "/api/users/token"):
                return json_reply(token) if basic else _challenge()
            case ("GET", "/api/users/tokens"):
                return json_reply([token]) if basic else _challenge()
            case ("GET", "/oauth/authorize"):
                return self._authorize(request) if basic or bearer else _challenge()
            case ("GET", "/profile"):
                return redirect(f"{self.address}/home")
            case ("GET", "/home"):
                session = "_urs-gui_session=local; path=/; Secure; HttpOnly"
                return text_reply(f"Earthdata Login of the local cloud, user {USER}", Set_Cookie=session)
            case _:
                return json_reply({"error": "not_found"}, 404)

    def _authorize(self, request: BaseRequest) -> Reply:
        back = request.query.get("redirect_uri", "")
        if not back.startswith(f"{self.data_host_address}/"):
            return json_reply({"error": "invalid_request", "error_description": "Unknown redirect_uri"}, 400)
        query = urlencode({"code": authorization_code(), "state": request.query.get("state", "/")})
        return redirect(f"{back}?{query}")


def _challenge() -> Reply:
    return json_reply(
        {"error": "invalid_credentials", "error_description": "Invalid user credentials"},
        401,
        WWW_Authenticate='Basic realm="Please enter your Earthdata Login credentials. If you do not have a'
        ' Earthdata Login, create one at https://urs.earthdata.nasa.gov//users/new"',
    )
