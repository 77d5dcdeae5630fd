"""Reads the table of what an ATL06 granule holds: groups, datasets, storage and attributes, release by release.

The table was measured from a released granule (release 3) and from the structure that a server publishes of one of
release 6. Long texts are kept as their length only: a granule made here says in its own words what it is.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

import numpy as np

BEAM: Final = "{beam}"
"""Stands for each beam in the paths of the table."""
_PAGED_SINCE: Final = 7

Storage = Literal["group", "compact", "contiguous", "chunked"]


@dataclass(frozen=True, slots=True)
class Item:
    """A group or a dataset.

    Attributes
    ----------
    path
        Path from the root; ``{beam}`` stands for a beam. ``/`` is the root.
    storage
        How the dataset is stored, or that it is a group.
    attributes
        By name: text, a number, a list of numbers, ``{"text": length}``, ``{"xml": length}``, or ``$name`` for
        what depends on the granule.
    dtype
        None for a group.
    shape
        Lengths, or what they depend on: ``segments``, ``dense``, ``histogram``, ``qa``.
    chunk
        Shape of a chunk in elements, empty where it is not chunked.
    level
        Level of gzip, None where it is not compressed. Integers are shuffled before, floats never.
    fill
        HDF5 fill value where one is set; then it is the attribute ``_FillValue`` as well.
    scale
        The dataset is a dimension scale.
    dims
        Paths of the dimension scales of its axes.
    """

    path: str
    storage: Storage
    attributes: dict[str, Any]
    dtype: np.dtype[Any] | None = None
    shape: tuple[str, ...] = ()
    chunk: tuple[int, ...] = ()
    level: int | None = None
    fill: float | None = None
    scale: bool = False
    dims: tuple[str, ...] = ()

    @property
    def shuffled(self) -> bool:
        """Whether the bytes of integers are shuffled before they are compressed."""
        return self.level is not None and self.dtype is not None and self.dtype.kind == "i"


def load_layout(release: int) -> tuple[Item, ...]:
    """Read what a granule of a release holds, groups before what is in them."""
    text = files(__package__).joinpath("atl06_layout.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(
        _item(row, release) for row in rows if int(row["since"] or 0) <= release <= int(row["until"] or release)
    )


def _item(row: dict[str, str], release: int) -> Item:
    attributes: dict[str, Any] = json.loads(row["attributes"])
    paged = release >= _PAGED_SINCE
    if row["storage"] == "group":
        if paged and "Description" in attributes:
            attributes["description"] = attributes.pop("Description")
        return Item(row["path"], "group", attributes)
    storage: Any = "contiguous" if paged and row["storage"] == "compact" else row["storage"]
    dtype = np.dtype(row["dtype"])
    return Item(
        row["path"],
        storage,
        attributes,
        dtype,
        tuple(row["shape"].split()),
        tuple(int(side) for side in row["chunk"].split("x")) if row["chunk"] else (),
        int(row["gzip"]) if row["gzip"] else None,
        float(row["fill"]) if row["fill"] else None,
        row["scale"] == "1",
        tuple(row["dims"].split()),
    )
