"""The same with mistakes that are easily made, to see that the conformance kit notices each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from trackbench.backends.protocol import Variant
from trackbench.errors import FailedError
from trackbench.region import Region
from trackbench_whole import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest


class Careless(Whole):
    """Makes the mistake that its variant is called after."""

    name: ClassVar[str] = "careless"
    variants: ClassVar[Mapping[str, Variant]] = {
        "bounding-box": Variant("takes the region's bounding box for the region", default=False),
        "one-stretch": Variant("reads a track from its first row in the region to its last", default=False),
        "drops-fill": Variant("leaves out rows without a height", default=False),
        "open-range": Variant("takes the end of the time range as not belonging to it", default=False),
        "whole-days": Variant("takes the time range as whole days", default=False),
        "goes-on": Variant("leaves out granules that cannot be read", default=False),
    }

    def select(
        self,
        request: SubsetRequest,
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        delta_time: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """Return which rows belong to the request, or nearly."""
        if self.variant == "bounding-box":
            request = dataclasses.replace(request, region=Region.from_bbox(*request.region.bounds))
        if self.variant == "open-range":
            request = dataclasses.replace(request, end=request.end - np.timedelta64(1, "ns"))
        if self.variant == "whole-days":
            day = request.start.astype("datetime64[D]")
            request = dataclasses.replace(request, start=day.astype("datetime64[ns]"))
        rows = super().select(request, latitude, longitude, delta_time)
        if self.variant == "one-stretch" and rows.size:
            return np.arange(rows[0], rows[-1] + 1)
        return rows

    def read(self, granule: Granule, content: bytes, request: SubsetRequest) -> list[pa.RecordBatch]:
        """Return the rows of one granule, or nearly."""
        try:
            batches = super().read(granule, content, request)
        except FailedError:
            if self.variant == "goes-on":
                return []
            raise
        if self.variant == "drops-fill":
            return [batch.filter(batch.column("h_li").is_valid()) for batch in batches]
        return batches
