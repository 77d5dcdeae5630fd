"""Where the arrays of a granule's ground tracks stand in Zarr stores, and opening them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zarr.api import asynchronous as zarr_async

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from trackbench.backends.virtualizarr.reading import Arrays


@dataclass(frozen=True, slots=True)
class Place:
    """An array: a store, and the path of the array in it."""

    store: Store
    path: str


type Places = Mapping[str, Mapping[str, Place]]
"""The arrays of each ground track that holds rows at all, by the path of their variable."""


async def open_arrays(places: Places) -> dict[str, Arrays]:
    """Open the arrays of each ground track; where the store is in memory, nothing is fetched for that."""
    return {
        track: {
            path: await zarr_async.open_array(store=place.store, path=place.path, mode="r")
            for path, place in arrays.items()
        }
        for track, arrays in places.items()
    }
