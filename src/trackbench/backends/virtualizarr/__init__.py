"""Chunk manifests: read the chunks of HDF5 granules with Zarr, by references that VirtualiZarr makes or opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from trackbench.backends.protocol import Artifact, Variant
from trackbench.backends.virtualizarr.forks import start_fork_server
from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from trackbench.request import SubsetRequest
    from trackbench.session import Session


class VirtualiZarr:
    """Open each granule as a Zarr store of references into it, and read only the chunks that hold rows.

    Coordinates are read first, of all ground tracks at once; then of the other variables the chunks with rows.
    Granules are read in parallel processes: decoding and parsing take processor time.
    """

    name: ClassVar[str] = "virtualizarr"
    reads_local_files: ClassVar[bool] = False  # earthaccess takes none
    variants: ClassVar[Mapping[str, Variant]] = {
        "dmrpp": Variant(
            "the DMR++ that stands beside each granule, hierarchical or flattened, read in one go", overview=True
        ),
        "hdf": Variant("VirtualiZarr's HDF parser at read time, ground track by ground track; no sidecar needed"),
        "kerchunk": Variant("references of all granules in Kerchunk's Parquet form, built beforehand"),
        "icechunk": Variant("references of all granules in one Icechunk repository, built beforehand"),
        "earthaccess": Variant("earthaccess.virtualize, group by group; chunks read through its references"),
        "naive": Variant(
            "as a first tutorial: each whole granule opened as a tree, every value loaded",
            default=False,
        ),
    }

    def __init__(self, variant: str) -> None:
        if variant not in self.variants:
            raise InputError(f"{self.name} has no variant {variant!r}. It has: {', '.join(self.variants)}.")
        self.variant = variant

    def prepare(self, request: SubsetRequest, session: Session) -> Artifact | None:
        """Build the references of all granules where the variant reads from such, or return None."""
        with session.timer.phase("startup"):
            start_fork_server()
            # Imported here so that listing the variants needs none of the clients.
            from trackbench.backends.virtualizarr.subsets import build  # noqa: PLC0415

        return build(self.variant, request, session)

    def subset(self, request: SubsetRequest, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the request, granule by granule as they are read."""
        with session.timer.phase("startup"):
            start_fork_server()
            from trackbench.backends.virtualizarr.subsets import subset  # noqa: PLC0415 - as above

        yield from subset(self.variant, request, session)
