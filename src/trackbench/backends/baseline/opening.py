"""The baseline's variants: how a granule is opened and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Opening:
    """How a variant opens a granule and reads it.

    Attributes
    ----------
    description
        One line for people.
    how
        ``earthaccess`` opens by `earthaccess.open`, ``fsspec`` by the file system that earthaccess makes but with
        that file system's own defaults, ``download`` copies the whole file first.
    options
        For `earthaccess.open`: the cache and its block size.
    access
        ``auto`` lets earthaccess choose (S3 in region, HTTPS elsewhere); ``s3`` and ``https`` insist.
    library
        What reads the HDF5.
    coordinates_first
        Whether only the span of rows that is needed is read of the other variables.
    default, overview
        As of `trackbench.backends.protocol.Variant`.
    """

    description: str
    how: Literal["earthaccess", "fsspec", "download"] = "earthaccess"
    options: Mapping[str, Any] = field(default_factory=dict)
    access: Literal["auto", "s3", "https"] = "auto"
    library: Literal["h5py", "xarray"] = "h5py"
    coordinates_first: bool = False
    default: bool = False
    overview: bool = False


OPENINGS: Final[Mapping[str, Opening]] = MappingProxyType(
    {
        "background": Opening(
            "earthaccess.open as it is today (background cache, blocks of 4 to 16 MiB), whole tracks read",
            default=True,
            overview=True,
        ),
        "slice": Opening(
            "as background, but coordinates first and then only the rows needed",
            coordinates_first=True,
        ),
        "blockcache": Opening(
            "earthaccess.open with fsspec's blockcache (4 MiB blocks), whole tracks read",
            options={"cache_type": "blockcache", "block_size": 4 * _MIB},
            default=True,
        ),
        "download": Opening(
            "earthaccess.download, then the local files read",
            how="download",
            coordinates_first=True,
            default=True,
        ),
        "fsspec-default": Opening(
            "the file system's own default cache (readahead of 5 MiB), whole tracks read", how="fsspec"
        ),
        "xarray": Opening("xarray with the h5netcdf engine over earthaccess.open", library="xarray"),
        "s3": Opening("earthaccess.open, only ever straight from S3 (in region)", access="s3"),
        "https": Opening("earthaccess.open, always over HTTPS with its redirects, in region too", access="https"),
    }
)
