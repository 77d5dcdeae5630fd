"""A running local cloud as it is told to whoever started it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from trackbench.localcloud.admin import Admin
from trackbench.session import Endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Running:
    """A cloud that listens.

    Attributes
    ----------
    endpoints
        What clients are told.
    admin
        How to run it.
    user, password
        The one user of its Earthdata Login, for clients that do not log in by token.
    """

    endpoints: Endpoints
    admin: Admin
    user: str
    password: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        told = self.endpoints
        return {
            "endpoints": {
                "cmr_url": told.cmr_url,
                "edl_host": told.edl_host,
                "s3_credentials": told.s3_credentials,
                "s3_endpoint": told.s3_endpoint,
                "stand_in": told.stand_in,
                "environment": dict(told.environment),
                "services": dict(told.services),
            },
            "admin": {"port": self.admin.port, "secret": self.admin.secret},
            "user": self.user,
            "password": self.password,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Running:
        """Read what `to_dict` wrote."""
        told = dict(values["endpoints"])
        told["environment"] = MappingProxyType(told["environment"])
        told["services"] = MappingProxyType(told["services"])
        return cls(Endpoints(**told), Admin(**values["admin"]), values["user"], values["password"])
