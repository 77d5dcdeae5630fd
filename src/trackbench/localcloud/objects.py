"""The objects that are served: files mapped into memory under their keys."""

from __future__ import annotations

import hashlib
import mmap
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from trackbench.errors import InputError
from trackbench.granules import GranuleName
from trackbench.localcloud.ranges import UnsatisfiableRangeError, etag_matches, parse_range
from trackbench.localcloud.reply import EMPTY, Reply, s3_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aiohttp.web import BaseRequest

BUCKET: Final = "nsidc-cumulus-prod-protected"
"""The bucket that NSIDC keeps ICESat-2 granules in."""


ARTIFACTS: Final = "trackbench-artifacts"
"""The bucket of what is built beforehand. Anyone may read it."""


def object_key(file_name: str) -> str:
    """Return the key of a file in the bucket, laid out like NSIDC's: ``ATLAS/ATL06/006/2019/12/02/<name>``.

    A file that is named after no granule goes below ``files/``.
    """
    try:
        name = GranuleName.parse(file_name)
    except InputError:
        return f"files/{file_name}"
    return f"ATLAS/{name.product}/{name.release:03d}/{name.start:%Y/%m/%d}/{file_name}"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object.

    Attributes
    ----------
    key
        Name in the bucket.
    content
        All its bytes.
    etag
        Quoted MD5, as of an object that was put in one part.
    modified
        Seconds since 1970.
    """

    key: str
    content: memoryview
    etag: str
    modified: float

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    @property
    def prefix(self) -> str:
        """The key without its last part."""
        return self.key.rpartition("/")[0]


class ObjectTable:
    """Objects by key, in the order of keys."""

    def __init__(self, files: Iterable[tuple[Path, str]]) -> None:
        """Map each file, given with its quoted MD5.

        Raises
        ------
        InputError
            If two files would have the same key.
        """
        self._objects: dict[str, StoredObject] = {}
        self._headers: dict[str, dict[str, str]] = {}
        for path, etag in files:
            key = object_key(path.name)
            if key in self._objects:
                raise InputError(f"Two files are named {path.name}; the cloud can hold only one of them.")
            self._add(key, path, etag)
        self.listing: tuple[StoredObject, ...] = tuple(self._objects[key] for key in sorted(self._objects))

    def _add(self, key: str, path: Path, etag: str) -> StoredObject:
        stored = StoredObject(key, _map(path), etag, path.stat().st_mtime)
        self._objects[key] = stored
        self._headers[key] = {
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Last-Modified": formatdate(stored.modified, usegmt=True),
            "Content-Type": "application/x-hdf5" if key.endswith(".h5") else "binary/octet-stream",
        }
        return stored

    def get(self, key: str) -> StoredObject | None:
        """Return the object at `key`, if there is one."""
        return self._objects.get(key)

    def reply(self, stored: StoredObject, request: BaseRequest) -> Reply:
        """Answer GET or HEAD for `stored`: whole, a range, or a failed precondition."""
        fields = request.headers
        head = request.method == "HEAD"
        wanted = fields.get("If-Match")
        if wanted is not None and not etag_matches(wanted, stored.etag):
            return s3_error(412, "PreconditionFailed", "The object has changed.", bodiless=head)
        known = fields.get("If-None-Match")
        headers: Mapping[str, str] = self._headers[stored.key]
        if known is not None and etag_matches(known, stored.etag):
            return Reply(304, headers, prefix=stored.prefix, data=True)
        try:
            span = parse_range(fields.get("Range"), stored.size)
        except UnsatisfiableRangeError as error:
            refused = s3_error(416, "InvalidRange", str(error), bodiless=head)
            refused.headers = {**refused.headers, "Content-Range": f"bytes */{stored.size}"}
            return refused
        status = 200
        start, stop = 0, stored.size
        if span is not None:
            status = 206
            start, stop = span
            headers = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{stored.size}"}
        body = EMPTY if head else stored.content[start:stop]
        return Reply(status, headers, body, length=stop - start, data=True, prefix=stored.prefix)


class FolderTable(ObjectTable):
    """The files of a folder, by their paths below it, as they are when they are asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(())
        self._folder = folder.resolve()

    def get(self, key: str) -> StoredObject | None:
        """Return the file at `key`, if there is one inside the folder."""
        path = (self._folder / key).resolve()
        try:
            if not path.is_relative_to(self._folder) or not path.is_file():
                return None
            status = path.stat()
            etag = f'"{hashlib.md5(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()}"'  # noqa: S324 - as S3's tags look
            held = self._objects.get(key)
            return held if held is not None and held.etag == etag else self._add(key, path, etag)
        except OSError:
            return None


def _map(path: Path) -> memoryview:
    if path.stat().st_size == 0:
        return memoryview(b"")
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
