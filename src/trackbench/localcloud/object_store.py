"""The object store: the read half of the Amazon S3 REST API, in path style and with virtual hosts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from trackbench.localcloud.credentials import Standing
from trackbench.localcloud.objects import ARTIFACTS, BUCKET, ObjectTable, StoredObject
from trackbench.localcloud.reply import Reply, s3_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp.web import BaseRequest

    from trackbench.localcloud.credentials import Credentials

REGION: Final = "us-west-2"
_MOST_KEYS: Final = 1000
_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(slots=True)
class ObjectStore:
    """Serves the objects to whoever shows credentials that were issued here.

    The access key and the session token are checked on every request. The signature is not computed again: what it
    protects against, someone changing the request on its way, does not happen on the loopback.
    """

    objects: ObjectTable
    credentials: Credentials
    artifacts: ObjectTable | None = None
    name: str = "s3"

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer GetObject, HeadObject, HeadBucket, GetBucketLocation or ListObjectsV2."""
        if self.artifacts is not None and request.path.startswith(f"/{ARTIFACTS}/"):
            return self._artifact(request, self.artifacts)
        return self._refuse(request) or self._granule(request)

    def _granule(self, request: BaseRequest) -> Reply:
        bodiless = request.method == "HEAD"
        if request.method not in ("GET", "HEAD"):
            return s3_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        if request.host.startswith(f"{BUCKET}."):
            bucket, key = BUCKET, request.path[1:]
        else:
            bucket, _, key = request.path[1:].partition("/")
        if bucket != BUCKET:
            return s3_error(404, "NoSuchBucket", f"There is no bucket {bucket!r} here.", bodiless=bodiless)
        if not key:
            return self._bucket(request)
        stored = self.objects.get(key)
        if stored is None:
            return s3_error(404, "NoSuchKey", f"The specified key does not exist: {key}", bodiless=bodiless)
        return self.objects.reply(stored, request)

    @staticmethod
    def _artifact(request: BaseRequest, artifacts: ObjectTable) -> Reply:
        bodiless = request.method == "HEAD"
        if request.method not in ("GET", "HEAD"):
            return s3_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        key = request.path[len(ARTIFACTS) + 2 :]
        stored = artifacts.get(key)
        if stored is None:
            return s3_error(404, "NoSuchKey", f"The specified key does not exist: {key}", bodiless=bodiless)
        return artifacts.reply(stored, request)

    def _refuse(self, request: BaseRequest) -> Reply | None:
        bodiless = request.method == "HEAD"
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            scope = authorization.partition("Credential=")[2]
            token = request.headers.get("x-amz-security-token")
        elif "X-Amz-Credential" in request.query:
            scope = request.query["X-Amz-Credential"]
            token = request.query.get("X-Amz-Security-Token")
        else:
            return s3_error(403, "AccessDenied", "Access Denied", bodiless=bodiless)
        standing = self.credentials.standing(scope.partition("/")[0], token)
        if standing is Standing.VALID:
            return None
        if standing is Standing.EXPIRED:
            return s3_error(400, "ExpiredToken", "The provided token has expired.", bodiless=bodiless)
        return s3_error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            bodiless=bodiless,
        )

    def _bucket(self, request: BaseRequest) -> Reply:
        if request.method == "HEAD":
            return Reply(200, {"x-amz-bucket-region": REGION, "Content-Type": "application/xml"})
        if "location" in request.query:
            body = f'<LocationConstraint xmlns="{_NAMESPACE}">{REGION}</LocationConstraint>'
            return Reply(200, {"Content-Type": "application/xml"}, body.encode())
        try:
            listed = list_objects(self.objects.listing, request.query)
        except (ValueError, binascii.Error):
            return s3_error(400, "InvalidArgument", "max-keys or continuation-token cannot be read.")
        return Reply(200, {"Content-Type": "application/xml", "x-amz-bucket-region": REGION}, listed, data=True)


def list_objects(listing: Iterable[StoredObject], query: Mapping[str, str]) -> bytes:
    """Return the XML of ListObjectsV2 (Amazon S3 API reference).

    Parameters
    ----------
    listing
        Objects in the order of their keys.
    query
        ``prefix``, ``delimiter``, ``max-keys``, ``start-after``, ``continuation-token`` and ``encoding-type``.

    Raises
    ------
    ValueError
        If ``max-keys`` is no number or the token was not made here.
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
    token = query.get("continuation-token")
    after = query.get("start-after", "") if token is None else base64.b64decode(token, validate=True).decode()
    show = quote if query.get("encoding-type") == "url" else escape
    contents: list[str] = []
    folders: list[str] = []
    last, truncated = "", False
    for stored in listing:
        key = stored.key
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        folder = key[: cut + len(delimiter)] if cut >= 0 else ""
        mark = folder or key
        if mark <= after or (folder and folders and folders[-1] == folder):
            continue
        if len(contents) + len(folders) >= most:
            truncated = True
            break
        last = mark
        if folder:
            folders.append(folder)
        else:
            contents.append(_contents(stored, show(key)))
    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{_NAMESPACE}">',
        f"<Name>{BUCKET}</Name><Prefix>{show(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>",
        f"<KeyCount>{len(contents) + len(folders)}</KeyCount><IsTruncated>{str(truncated).lower()}</IsTruncated>",
    ]
    if delimiter:
        parts.append(f"<Delimiter>{show(delimiter)}</Delimiter>")
    if "encoding-type" in query:
        parts.append("<EncodingType>url</EncodingType>")
    if truncated and most:
        following = base64.b64encode(last.encode()).decode()
        parts.append(f"<NextContinuationToken>{following}</NextContinuationToken>")
    parts += contents
    parts += [f"<CommonPrefixes><Prefix>{show(folder)}</Prefix></CommonPrefixes>" for folder in folders]
    return ("".join(parts) + "</ListBucketResult>").encode()


def _contents(stored: StoredObject, shown: str) -> str:
    modified = datetime.fromtimestamp(stored.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f"<Contents><Key>{shown}</Key><LastModified>{modified}</LastModified><ETag>{escape(stored.etag)}</ETag>"
        f"<Size>{stored.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
