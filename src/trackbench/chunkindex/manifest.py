"""What an index says of itself: version, layouts, and the files of its partitions. One small JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from trackbench.chunkindex.model import Layout, Storage
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.chunkindex.model import Filter

FORMAT: Final = "trackbench-chunk-index"
VERSION: Final = 1
FILE_NAME: Final = "index.json"


@dataclass(frozen=True, slots=True)
class Partition:
    """A file of chunks that lie, at least in part, in one cell; and its twin with the further variables.

    Attributes
    ----------
    cell
        The H3 cell, in hexadecimal; ``nowhere`` holds the chunks without a valid point.
    part
        Number of the file among those of the cell: an append adds one.
    rows
        How many chunks it has.
    size, further_size
        Bytes of the file and of its twin.
    circle
        Longitude, latitude and radius in kilometres; no point of a chunk that lies in the cell is outside of it.
    bounds
        West, south, east, north of all its chunks; None for ``nowhere``.
    times
        First and last nanosecond since 1970; None without any.
    """

    cell: str
    part: int
    rows: int
    size: int
    further_size: int
    circle: tuple[float, float, float] | None
    bounds: tuple[float, float, float, float] | None
    times: tuple[int, int] | None

    @property
    def file(self) -> str:
        """Place of the file below the index."""
        return f"chunks/{self.cell}-{self.part:04d}.parquet"

    @property
    def further_file(self) -> str:
        """Place of the twin, whose rows are in the same order."""
        return f"variables/{self.cell}-{self.part:04d}.parquet"


@dataclass(frozen=True, slots=True)
class Manifest:
    """An index in short.

    Attributes
    ----------
    product
        Short name.
    granules, chunks
        How many it holds; a chunk counts once however many cells it crosses.
    h3_resolution, partition_resolution
        Of the cells listed for each chunk, and of those that files are made for.
    layouts
        How granules store their variables.
    partitions
        The files.
    """

    product: str
    granules: int
    chunks: int
    h3_resolution: int
    partition_resolution: int
    layouts: tuple[Layout, ...]
    partitions: tuple[Partition, ...]

    def to_json(self) -> str:
        """Return the manifest as JSON; `parse` reads it back."""
        layouts = [{path: asdict(storage) for path, storage in layout.storages.items()} for layout in self.layouts]
        head = {
            "format": FORMAT,
            "version": VERSION,
            "product": self.product,
            "granules": self.granules,
            "chunks": self.chunks,
            "h3_resolution": self.h3_resolution,
            "partition_resolution": self.partition_resolution,
            "layouts": layouts,
            "partitions": [asdict(partition) for partition in self.partitions],
        }
        return json.dumps(head, separators=(",", ":"), allow_nan=False)

    @classmethod
    def parse(cls, text: str | bytes, place: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises
        ------
        FailedError
            If the text is no manifest, or one of a version that this release does not read.
        """
        try:
            told = json.loads(text)
        except ValueError:
            told = None
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise FailedError(f"{place} is no chunk index: its {FILE_NAME} is not one. Build it again.")
        if told["version"] != VERSION:
            raise FailedError(
                f"{place} is a chunk index of version {told['version']}, and this release reads {VERSION}."
                " Build it again, or use the release that made it."
            )
        return cls(
            told["product"],
            told["granules"],
            told["chunks"],
            told["h3_resolution"],
            told["partition_resolution"],
            tuple(Layout({path: _storage(each) for path, each in layout.items()}) for layout in told["layouts"]),
            tuple(_partition(each) for each in told["partitions"]),
        )


def _storage(told: Mapping[str, Any]) -> Storage:
    return Storage(**{**told, "filters": cast("tuple[Filter, ...]", tuple(told["filters"]))})


def _partition(told: Mapping[str, Any]) -> Partition:
    pairs = {key: None if told[key] is None else tuple(told[key]) for key in ("circle", "bounds", "times")}
    return Partition(**{**told, **pairs})
