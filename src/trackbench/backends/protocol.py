"""The one interface that every access method implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from trackbench.request import SubsetRequest
    from trackbench.session import Session


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a backend built beforehand, and what that cost.

    Attributes
    ----------
    place
        Path or address of the artifact.
    build_seconds
        Wall time of building it.
    bytes_read, requests
        What building it read from the store, as far as the backend can tell.
    bytes_stored
        Its size.
    """

    place: str
    build_seconds: float
    bytes_read: int
    bytes_stored: int
    requests: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One setting of a backend.

    Attributes
    ----------
    description
        What is special about it, in one line.
    default
        Whether it is measured when the user names the backend and no variant. Slow, naive ones are not.
    overview
        Whether it stands for its backend when every backend is measured, so that an overview stays quick. Where no
        variant does, all default ones do.
    """

    description: str
    default: bool = True
    overview: bool = False


@runtime_checkable
class Backend(Protocol):
    """A way of getting the rows of a request.

    A backend is made with the name of one of its variants. `reads_local_files` says whether it can read granules
    from a path, without a server. `subset` may yield its batches in any order of rows
    and granules: the writer sorts. Each batch has the schema of `trackbench.table.schema` and holds only rows of
    the request, chosen by `trackbench.table.select_rows`.
    """

    name: ClassVar[str]
    variants: ClassVar[Mapping[str, Variant]]
    reads_local_files: ClassVar[bool]
    variant: str

    def __init__(self, variant: str) -> None: ...

    def prepare(self, request: SubsetRequest, session: Session) -> Artifact | None:
        """Build what `subset` needs beforehand, or return None where nothing is needed."""

    def subset(self, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the request."""
