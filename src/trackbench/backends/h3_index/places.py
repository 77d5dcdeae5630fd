"""Where the index of a request is kept, and where a client finds it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trackbench.errors import UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.backends.h3_index import Setting
    from trackbench.request import SubsetRequest
    from trackbench.session import Session

SERVICE = "artifacts"
"""Name, among the session's services, of the address at which the cache folder can be read from the store."""


def folder_of(request: SubsetRequest, session: Session, *, in_region: bool) -> Path:
    """Return the folder of the index; one of named granules is another, and one of other addresses too."""
    named = "" if session.granules is None else ",".join(sorted(str(each.name) for each in session.granules))
    mark = f"-{hashlib.blake2b(named.encode(), digest_size=6).hexdigest()}" if named else ""
    kind = "s3" if in_region else "https"
    return session.cache / "artifacts" / "h3-index" / f"{request.digest}-{kind}{mark}"


def place_of(setting: Setting, request: SubsetRequest, session: Session, *, in_region: bool) -> str:
    """Return where the index is read from.

    Raises
    ------
    UnsupportedError
        If it must be read from a store, and there is none that holds it.
    """
    if session.index is not None:
        return session.index
    folder = folder_of(request, session, in_region=in_region)
    if setting.where == "local":
        return str(folder)
    base = session.endpoints.services.get(SERVICE)
    if base is None:
        raise UnsupportedError(
            "h3-index:remote reads an index from an object store, and none was named. Put one there and name it:"
            " --index s3://BUCKET/PREFIX. On this machine, h3-index:local does."
        )
    return f"{base.rstrip('/')}/{folder.relative_to(session.cache / 'artifacts')}"
