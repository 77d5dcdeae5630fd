"""The chunk index: ask it which chunks are needed, fetch just these, decode them without the HDF5 library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from trackbench.backends.protocol import Artifact, Variant
from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from trackbench.access import Access
    from trackbench.chunkindex.decode import Library
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


@dataclass(frozen=True, slots=True)
class Setting:
    """What a variant does.

    Attributes
    ----------
    description
        One line for people.
    where
        Whether the index lies on this machine or in the object store, from which it is then fetched each time.
    coordinates_first
        Whether other variables are fetched only of chunks in which rows were found.
    library
        What inflates.
    default, overview
        As of `trackbench.backends.protocol.Variant`.
    """

    description: str
    where: Literal["local", "remote"] = "local"
    coordinates_first: bool = False
    library: Library = "libdeflate"
    default: bool = True
    overview: bool = False


SETTINGS: Final[Mapping[str, Setting]] = {
    "local": Setting("the index on this machine; all variables of candidate chunks in one round", overview=True),
    "remote": Setting("the index in the object store, fetched for each subset", where="remote"),
    "latlon-first": Setting("coordinates first, then other variables only where rows are", coordinates_first=True),
    "zlib": Setting("as local, inflating with zlib instead of libdeflate", library="zlib", default=False),
}


class H3Index:
    """Look up the chunks that may hold rows in a GeoParquet index, and read nothing else.

    Neither the HDF5 library nor a search nor a service takes part.
    """

    name: ClassVar[str] = "h3-index"
    reads_local_files: ClassVar[bool] = True
    in_order: ClassVar[bool] = True
    variants: ClassVar[Mapping[str, Variant]] = {
        name: Variant(setting.description, setting.default, setting.overview) for name, setting in SETTINGS.items()
    }

    def __init__(self, variant: str) -> None:
        if variant not in SETTINGS:
            raise InputError(f"{self.name} has no variant {variant!r}. It has: {', '.join(SETTINGS)}.")
        self.variant = variant
        self._access: Access | None = None

    def prepare(self, request: SubsetRequest, session: Session) -> Artifact | None:
        """Build the index of the granules of a request, unless the session names one."""
        if session.index is not None:
            return None
        # Imported here: a subset needs none of what building does.
        from trackbench.backends.h3_index.prepare import build  # noqa: PLC0415

        return build(request, session)

    def subset(self, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the request, by cycle, RGT and region."""
        with session.timer.phase("startup"):
            from trackbench.backends.h3_index.subset import subset  # noqa: PLC0415 - part of what is timed

        yield from subset(SETTINGS[self.variant], request, session, self._log_in)

    def _log_in(self, session: Session) -> Access:
        """Log in once: credentials are asked for again when they are about to expire, wherever they are used."""
        from trackbench.backends.h3_index.login import log_in  # noqa: PLC0415 - part of what is timed

        local = session.granules is not None and all(granule.path is not None for granule in session.granules)
        if self._access is None or local:
            found = log_in(session)
            if local:
                return found
            self._access = found
        return self._access
