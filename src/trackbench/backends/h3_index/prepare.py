"""Build the index of a request's granules beforehand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trackbench.backends.h3_index.login import log_in
from trackbench.backends.h3_index.places import folder_of
from trackbench.backends.protocol import Artifact
from trackbench.chunkindex.build import build_index, known_granules, write_empty
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from trackbench.access import Access
    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


_FEW: Final = 8
_WORKERS: Final = 8
"""Processes that read from a store: most of the time they wait for it."""


def build(request: SubsetRequest, session: Session) -> Artifact:
    """Build the index, or bring the one that is there up to date.

    Raises
    ------
    UnavailableError
        If the search, the login or the store cannot be had.
    FailedError
        If a granule cannot be indexed: rows would be missing without a word.
    """
    begin = time.perf_counter()
    access = log_in(session)
    granules = _granules(request, session, access)
    place = folder_of(request, session, in_region=access.in_region)
    if not granules:
        write_empty(place, request.product)
        return Artifact(str(place), time.perf_counter() - begin, bytes_read=0, bytes_stored=0, requests=0)
    report = build_index(
        granules,
        place,
        access=access,
        product=request.product,
        # Starting processes takes longer than reading a few granules one after the other.
        executor="threads" if len(granules) <= _FEW else "processes",
        workers=None if access.token is None else _WORKERS,
        append=known_granules(place) <= {str(granule.name) for granule in granules},
        progress=session.progress,
    )
    if report.skipped:
        name, reason = report.skipped[0]
        raise FailedError(f"{len(report.skipped)} granules cannot be indexed. {name}: {reason}")
    return Artifact(
        str(place),
        time.perf_counter() - begin,
        bytes_read=0,  # counted at the wire
        bytes_stored=report.bytes_stored,
        requests=0,
    )


def _granules(request: SubsetRequest, session: Session, access: Access) -> list[Granule]:
    found: tuple[Granule, ...]
    if session.granules is not None:
        found = session.granules
    else:
        from trackbench.backends import earthdata  # noqa: PLC0415 - slow, and not needed with named granules

        earthdata.ensure_login(session.endpoints)
        found = tuple(each.granule for each in earthdata.search(request))
    if access.in_region:
        # What is read over S3 needs no other address, and those of a local cloud do not last.
        return [replace(each, https=None) if each.s3 is not None else each for each in found]
    return list(found)
