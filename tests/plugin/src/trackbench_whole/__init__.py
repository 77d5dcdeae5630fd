"""A backend that gets each granule whole with obstore, into memory, and reads it there with h5py."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

import h5py
import numpy as np

from trackbench.backends.protocol import Artifact, Variant
from trackbench.errors import FailedError
from trackbench.products import BEAMS
from trackbench.table import canonical_batch, select_rows
from trackbench_whole.finding import fetch, find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest
    from trackbench.session import Session


class Whole:
    """Gets every granule of a request whole."""

    name: ClassVar[str] = "whole"
    reads_local_files: ClassVar[bool] = True
    variants: ClassVar[Mapping[str, Variant]] = {"memory": Variant("each granule in one GET, read from memory")}

    def __init__(self, variant: str) -> None:
        self.variant = variant

    def prepare(self, request: SubsetRequest, session: Session) -> Artifact | None:  # noqa: ARG002 - the protocol's
        """Return None: nothing is needed beforehand."""
        return None

    def subset(self, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the request, granule by granule."""
        with session.timer.phase("discover"):
            granules = find(request, session.endpoints) if session.granules is None else session.granules
        begin = time.perf_counter()
        with ThreadPoolExecutor(session.concurrency) as pool:
            for done, (granule, content) in enumerate(
                zip(granules, pool.map(fetch, granules), strict=True), start=1
            ):
                batches = self.read(granule, content, request)
                if batches:
                    session.sources.add(granule.name)
                session.progress(done, len(granules), str(granule.name))
                yield from batches
        session.timer.share(time.perf_counter() - begin, {})

    def read(self, granule: Granule, content: bytes, request: SubsetRequest) -> list[pa.RecordBatch]:
        """Return the rows of one granule.

        Raises
        ------
        FailedError
            If it cannot be read.
        """
        try:
            with h5py.File(io.BytesIO(content), "r") as file:
                batches = [self.read_beam(file, beam, granule, request) for beam in BEAMS]
        except (OSError, KeyError, RuntimeError) as error:
            raise FailedError(f"{granule.name} cannot be read: {error}. Get it again.") from error
        return [batch for batch in batches if batch is not None]

    def read_beam(
        self, file: h5py.File, beam: str, granule: Granule, request: SubsetRequest
    ) -> pa.RecordBatch | None:
        """Return the rows of one beam, or None where it has none."""
        product = request.product
        if f"{beam}/{product.latitude.path}" not in file:
            return None
        latitude, longitude, delta_time = (file[f"{beam}/{each.path}"][:] for each in product.coordinates)
        rows = self.select(request, latitude, longitude, delta_time)
        if rows.size == 0:
            return None
        return canonical_batch(
            request,
            granule.name,
            beam,
            latitude=latitude[rows],
            longitude=longitude[rows],
            delta_time=delta_time[rows],
            values={each.column: file[f"{beam}/{each.path}"][:][rows] for each in request.columns},
        )

    def select(
        self,
        request: SubsetRequest,
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        delta_time: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """Return which rows belong to the request."""
        return np.flatnonzero(
            select_rows(
                request.region,
                request.start,
                request.end,
                latitude=latitude,
                longitude=longitude,
                delta_time=delta_time,
            )
        )
