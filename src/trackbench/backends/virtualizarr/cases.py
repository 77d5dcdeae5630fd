"""Stores that hold the references of all granules of one request: where they are kept, and what they say.

``<cache>/virtualizarr/<variant>/<request>/about.json`` lists the granules; beside it lie the references.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from trackbench.backends.protocol import Artifact
from trackbench.errors import FailedError
from trackbench.granules import Granule, GranuleName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trackbench.request import SubsetRequest
    from trackbench.session import Session

_ABOUT: Final = "about.json"
_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A granule in a store of references.

    Attributes
    ----------
    granule
        The granule.
    url
        The address that its references hold.
    tracks
        The ground tracks that hold rows, each a group of the store.
    """

    granule: Granule
    url: str
    tracks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A store of references.

    Attributes
    ----------
    folder
        Where it lies.
    cloud
        Which cloud its references lead to.
    entries
        Its granules.
    build_seconds
        How long making it took.
    """

    folder: Path
    cloud: str
    entries: tuple[Entry, ...]
    build_seconds: float = 0.0

    @property
    def references(self) -> Path:
        """Where the references themselves lie."""
        return self.folder / "references"

    @property
    def artifact(self) -> Artifact:
        """What it is and what it cost; what was read is counted on the wire."""
        stored = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        return Artifact(str(self.folder), self.build_seconds, bytes_read=0, bytes_stored=stored, requests=0)


def folder_of(variant: str, request: SubsetRequest, session: Session) -> Path:
    """Return where the store of a request is kept; one for named granules is another."""
    named = "" if session.granules is None else ",".join(sorted(str(each.name) for each in session.granules))
    mark = f"-{hashlib.blake2b(named.encode(), digest_size=6).hexdigest()}" if named else ""
    return session.cache / "virtualizarr" / variant / f"{request.digest}{mark}"


def cloud_of(session: Session) -> str:
    """Name the cloud of a session: references into another one lead nowhere."""
    return f"{session.endpoints.s3_credentials} {session.endpoints.s3_endpoint or ''}".strip()


def open_case(variant: str, request: SubsetRequest, session: Session) -> Case:
    """Open the store of references of a request.

    Raises
    ------
    FailedError
        If it was not built, or for another cloud.
    """
    case = _read(folder_of(variant, request, session))
    if case is None or case.cloud != cloud_of(session):
        raise FailedError(
            f"virtualizarr:{variant} reads from a store of references that is built beforehand, and there is none"
            " for this request and this cloud. Build it first: call `prepare`, as `trackbench subset` and"
            " `trackbench run` do."
        )
    return case


def find_case(variant: str, request: SubsetRequest, session: Session, urls: Sequence[str]) -> Case | None:
    """Return the store of a request if it is there and holds exactly these addresses."""
    case = _read(folder_of(variant, request, session))
    if case is None or case.cloud != cloud_of(session) or [entry.url for entry in case.entries] != list(urls):
        return None
    return case


@contextmanager
def building(variant: str, request: SubsetRequest, session: Session) -> Iterator[Case]:
    """Yield an empty store to fill; it takes its place when it is whole, and leaves nothing when it fails."""
    place = folder_of(variant, request, session)
    staging = place.with_name(f"{place.name}.{uuid4().hex[:8]}.part")
    case = Case(staging, cloud_of(session), ())
    case.references.mkdir(parents=True)
    try:
        yield case
        shutil.rmtree(place, ignore_errors=True)
        staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def finish(case: Case, entries: Sequence[Entry], begin: float) -> None:
    """Write what a store says of itself, with the seconds since `begin` (of `time.perf_counter`)."""
    about = {
        "schema": _SCHEMA,
        "cloud": case.cloud,
        "build_seconds": time.perf_counter() - begin,
        "granules": [
            {**asdict(entry), "granule": {**asdict(entry.granule), "name": str(entry.granule.name)}}
            for entry in entries
        ],
    }
    (case.folder / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _read(folder: Path) -> Case | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if about.get("schema") != _SCHEMA:
        return None
    entries = tuple(
        Entry(_granule(each["granule"]), each["url"], tuple(each["tracks"])) for each in about["granules"]
    )
    return Case(folder, about["cloud"], entries, about["build_seconds"])


def _granule(told: Mapping[str, Any]) -> Granule:
    return Granule(**{**told, "name": GranuleName.parse(told["name"])})
