"""The stores that references point into, as VirtualiZarr wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obspec_utils.registry import ObjectStoreRegistry

from trackbench.access import store_for

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from trackbench.access import Access


def registry_for(url: str, access: Access) -> ObjectStoreRegistry[ObjectStore]:
    """Return the registry that finds the store of an address."""
    parts = urlsplit(url)
    return ObjectStoreRegistry({f"{parts.scheme}://{parts.netloc}": store_for(url, access)})
