"""What proves who a client is: the login's token, the data host's cookie, S3 keys, and signatures of addresses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import urlencode

USER = "trackbench"


class Standing(Enum):
    """What the store thinks of a key."""

    VALID = "valid"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class S3Key:
    """Temporary credentials as the credentials service hands them out.

    Attributes
    ----------
    access_key, secret_key, session_token
        The three parts that a client needs.
    expires
        Seconds since 1970.
    """

    access_key: str
    secret_key: str
    session_token: str
    expires: float

    def to_dict(self) -> dict[str, str]:
        """Return the answer of ``/s3credentials`` (Thin Egress App)."""
        return {
            "accessKeyId": self.access_key,
            "secretAccessKey": self.secret_key,
            "sessionToken": self.session_token,
            "expiration": str(datetime.fromtimestamp(int(self.expires), UTC)),
        }


@dataclass(slots=True)
class Credentials:
    """All secrets of one local cloud; new at each start."""

    ttl: float
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    token: str = field(default_factory=lambda: f"eyLocal.{secrets.token_urlsafe(24)}")
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _signing_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _keys: dict[str, S3Key] = field(default_factory=dict)

    def knows_basic(self, authorization: str) -> bool:
        """Return whether an Authorization field holds the user's name and password."""
        if not authorization.startswith("Basic "):
            return False
        try:
            given = base64.b64decode(authorization.removeprefix("Basic "), validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given, f"{USER}:{self.password}".encode())

    def knows_bearer(self, authorization: str) -> bool:
        """Return whether an Authorization field holds the login's token."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode())

    def issue_s3_key(self) -> S3Key:
        """Make temporary credentials."""
        key = S3Key(
            access_key=f"ASIA{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_urlsafe(30),
            session_token=secrets.token_urlsafe(48),
            expires=time.time() + self.ttl,
        )
        self._keys[key.access_key] = key
        return key

    def standing(self, access_key: str, session_token: str | None) -> Standing:
        """Say whether credentials were issued here and still live."""
        key = self._keys.get(access_key)
        if key is None or key.session_token != session_token:
            return Standing.UNKNOWN
        return Standing.VALID if time.time() < key.expires else Standing.EXPIRED

    def sign(self, method: str, path: str) -> str:
        """Return the query that lets anyone `method` the `path` of the content delivery network for a while."""
        expires = int(time.time() + self.ttl)
        fields = {"A-userid": USER, "Expires": str(expires), "Key-Pair-Id": "LOCAL"}
        return urlencode({**fields, "Signature": self._signature(method, path, expires)})

    def signature_holds(self, method: str, path: str, expires: str, signature: str) -> bool:
        """Return whether a signed address is as it was signed and still lives.

        An address is good for the one method that it was signed for.
        """
        if not expires.isdecimal() or int(expires) <= time.time():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(method, path, int(expires)).encode())

    def _signature(self, method: str, path: str, expires: int) -> str:
        text = f"{method}\n{path}\n{USER}\n{expires}".encode()
        return hmac.new(self._signing_key, text, hashlib.sha256).hexdigest()
