"""What a variant does: look up, fetch, decode."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from trackbench.access import Access
from trackbench.backends.h3_index.places import folder_of, place_of
from trackbench.chunkindex.lookup import Index
from trackbench.chunkindex.read import Manner, Spent, read_rows
from trackbench.chunkindex.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from trackbench.backends.h3_index import Setting
    from trackbench.chunkindex.model import Selection
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


def subset(
    setting: Setting, request: SubsetRequest, session: Session, log_in: Callable[[Session], Access]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a request, by cycle, RGT and region.

    Raises
    ------
    UnavailableError
        If the login or a store cannot be had.
    FailedError
        If the index or a granule is damaged, or a granule has changed since it was indexed.
    InputError
        If there is no index.
    """
    if session.granules == ():
        return
    trace = Trace(on=session.trace is not None)
    access, selection = _prepared(setting, request, session, log_in, trace)
    spent, waited, begin = Spent(), 0.0, time.perf_counter()
    manner = Manner(coordinates_first=setting.coordinates_first, library=setting.library)
    try:
        rows = read_rows(
            selection, request, access, manner=manner, trace=trace, spent=spent, progress=session.progress
        )
        for granule, batch in rows:
            if batch is None:
                continue
            session.sources.add(granule.granule.name)
            # While the caller writes, this waits, and the next granules come.
            waited += time.perf_counter() - begin
            yield batch
            end = time.perf_counter()
            if trace.on:
                trace.add("write", str(granule.granule.name), begin, end)
            begin = end
    finally:
        parts = {each: spent.seconds[each] for each in ("coordinates", "read")}
        parts |= {"filter": spent.seconds["filter"] + spent.seconds["decode"]}
        session.timer.share(waited + time.perf_counter() - begin, parts)
        if session.trace is not None:
            trace.write(session.trace)


def _prepared(
    setting: Setting, request: SubsetRequest, session: Session, log_in: Callable[[Session], Access], trace: Trace
) -> tuple[Access, Selection]:
    """Log in and look up, the one while the other waits."""
    if session.index is not None and Path(session.index).is_dir():
        with session.timer.phase("discover"), trace.timed("lookup", "index"):
            found = _selection(Index.open(session.index), request, session)
        if all(granule.granule.path is not None for granule in found.granules):
            return Access(), found
        with session.timer.phase("startup"), trace.timed("login", "credentials"):
            return log_in(session), found
    with ThreadPoolExecutor(1) as aside:
        # Logging in waits for the network; what can be looked up on this machine is looked up meanwhile.
        login = aside.submit(log_in, session)
        with session.timer.phase("discover"), trace.timed("lookup", "index"):
            early = _early(setting, request, session)
        with session.timer.phase("startup"), trace.timed("login", "what was left of it"):
            access = login.result()
        if early is not None:
            return access, early
        with session.timer.phase("discover"), trace.timed("lookup", "index in the store"):
            return access, _lookup(setting, request, session, access)


def _early(setting: Setting, request: SubsetRequest, session: Session) -> Selection | None:
    """Look up where the index lies on this machine and it does not matter how granules will be reached."""
    if setting.where == "remote" or session.index is not None:
        return None
    folders = [folder_of(request, session, in_region=region) for region in (True, False)]
    there = [folder for folder in folders if folder.is_dir()]
    return _selection(Index.open(there[0]), request, session) if len(there) == 1 else None


def _lookup(setting: Setting, request: SubsetRequest, session: Session, access: Access) -> Selection:
    place = place_of(setting, request, session, in_region=access.in_region)
    # The index is no granule of NASA's: Earthdata credentials are not for its store.
    return _selection(Index.open(place, Access(s3_endpoint=access.s3_endpoint)), request, session)


def _selection(index: Index, request: SubsetRequest, session: Session) -> Selection:
    named = None if session.granules is None else {granule.name for granule in session.granules}
    return index.lookup(request, paths=[each.path for each in request.variables], granules=named)
