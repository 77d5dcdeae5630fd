"""Fetch byte ranges of granules, many at a time, and notice a granule that has changed."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from trackbench.access import address, store_for
from trackbench.errors import FailedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from obstore.store import ObjectStore

    from trackbench.access import Access
    from trackbench.chunkindex.model import IndexedGranule
    from trackbench.chunkindex.plan import Key, Span


class Fetcher(Protocol):
    """Gets stretches of a granule."""

    async def fetch(self, granule: IndexedGranule, spans: Sequence[Span]) -> Mapping[Key, memoryview]:
        """Return the bytes of each chunk of the stretches."""


def fetcher_for(granule: IndexedGranule, access: Access) -> Fetcher:
    """Return what gets the bytes of a granule: from this machine where it has a path, else from its store."""
    return LocalFetcher() if granule.granule.path is not None else StoreFetcher(access)


class LocalFetcher:
    """Reads a file of this machine."""

    async def fetch(self, granule: IndexedGranule, spans: Sequence[Span]) -> Mapping[Key, memoryview]:
        """Return the bytes of each chunk.

        Raises
        ------
        FailedError
            If the file is gone, has another size than when it was indexed, or cannot be read.
        """
        return await asyncio.to_thread(_read_file, granule, spans)


def _read_file(granule: IndexedGranule, spans: Sequence[Span]) -> Mapping[Key, memoryview]:
    path = granule.granule.path
    assert path is not None
    parts: dict[Key, memoryview] = {}
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            _check_size(granule, os.fstat(handle).st_size)
            for span in spans:
                parts |= span.split(_whole(granule, span, os.pread(handle, span.stop - span.start, span.start)))
        finally:
            os.close(handle)
    except OSError as error:
        raise FailedError(f"{path} cannot be read: {error.strerror}.") from error
    return parts


@dataclass(slots=True)
class StoreFetcher:
    """Reads from an object store over connections that are kept.

    The first stretch of a granule is asked for on the condition that the granule is as it was indexed; the others
    go out at the same time.
    """

    access: Access
    _checked: set[str] = field(default_factory=set)

    async def fetch(self, granule: IndexedGranule, spans: Sequence[Span]) -> Mapping[Key, memoryview]:
        """Return the bytes of each chunk.

        Raises
        ------
        FailedError
            If the granule is gone or has changed since it was indexed, or the server sends less than it was asked.
        UnavailableError
            If the store cannot be reached, or refuses.
        """
        import obstore  # noqa: PLC0415 - local files need none
        from obstore.exceptions import BaseError, PreconditionError  # noqa: PLC0415

        url = address(granule.granule, self.access)
        store, key = store_for(url, self.access), url.split("://", 1)[1].split("/", 1)[1]
        name = str(granule.granule.name)
        first = [] if name in self._checked else spans[:1]
        others = spans[len(first) :]
        try:
            answers = await asyncio.gather(
                *(_first(store, key, granule, span) for span in first),
                obstore.get_ranges_async(
                    store,
                    key,
                    starts=[span.start for span in others],
                    ends=[span.stop for span in others],
                    coalesce=0,
                )
                if others
                else _nothing(),
            )
        except FileNotFoundError:
            raise FailedError(f"{name} is not at {url} any more. Build the index again.") from None
        except PreconditionError:
            raise _changed(granule) from None
        except (BaseError, OSError) as error:
            said = str(error).split("\n", 1)[0]
            raise UnavailableError(f"{name} cannot be had: {type(error).__name__}: {said}") from error
        self._checked.add(name)
        parts: dict[Key, memoryview] = {}
        for span, data in zip((*first, *others), (*answers[:-1], *answers[-1]), strict=True):
            parts |= span.split(_whole(granule, span, data))
        return parts


async def _nothing() -> list[Any]:
    return []


async def _first(store: ObjectStore, key: str, granule: IndexedGranule, span: Span) -> Any:  # noqa: ANN401 - a buffer
    import obstore  # noqa: PLC0415 - as above

    options: Any = {"range": (span.start, span.stop)}
    if granule.etag is not None:
        options["if_match"] = granule.etag
    answer = await obstore.get_async(store, key, options=options)
    _check_size(granule, answer.meta["size"])
    return await answer.bytes_async()


def _check_size(granule: IndexedGranule, size: int) -> None:
    if granule.granule.size is not None and size != granule.granule.size:
        raise _changed(granule)


def _whole(granule: IndexedGranule, span: Span, data: Any) -> memoryview:  # noqa: ANN401 - a buffer
    view = memoryview(data)
    if len(view) != span.stop - span.start:
        raise FailedError(
            f"{granule.granule.name} is cut short: bytes {span.start} to {span.stop} were asked for and"
            f" {len(view)} came. Fetch it again, or build the index again."
        )
    return view


def _changed(granule: IndexedGranule) -> FailedError:
    return FailedError(
        f"{granule.granule.name} has been replaced since it was indexed. Bring the index up to date:"
        " `trackbench index build --append`."
    )
