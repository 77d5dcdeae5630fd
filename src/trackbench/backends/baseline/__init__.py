"""The baseline: search and open with earthaccess, read with h5py or xarray, filter with shapely."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from trackbench.backends.baseline.forks import start_fork_server
from trackbench.backends.baseline.opening import OPENINGS
from trackbench.backends.protocol import Artifact, Variant
from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from trackbench.request import SubsetRequest
    from trackbench.session import Session


class Baseline:
    """What a user of earthaccess does today: open each granule and read the tracks whole.

    Granules are read in parallel processes, since HDF5's global lock makes threads wait for each other.
    """

    name: ClassVar[str] = "baseline"
    reads_local_files: ClassVar[bool] = True
    variants: ClassVar[Mapping[str, Variant]] = {
        name: Variant(opening.description, opening.default, opening.overview) for name, opening in OPENINGS.items()
    }

    def __init__(self, variant: str) -> None:
        if variant not in OPENINGS:
            raise InputError(f"{self.name} has no variant {variant!r}. It has: {', '.join(OPENINGS)}.")
        self.variant = variant

    def prepare(self, request: SubsetRequest, session: Session) -> Artifact | None:  # noqa: ARG002 - the protocol's
        """Return None: the baseline needs nothing built beforehand."""
        return None

    def subset(self, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the request, granule by granule as they are read."""
        opening = OPENINGS[self.variant]
        with session.timer.phase("startup"):
            start_fork_server(*(("xarray", "h5netcdf") if opening.library == "xarray" else ()))
            # Imported here so that listing the variants needs none of the clients.
            from trackbench.backends.baseline.pool import read_granules  # noqa: PLC0415

        yield from read_granules(opening, request, session)
