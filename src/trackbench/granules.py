"""Granules: their names, where they can be had, and which one counts when there are several of the same data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

# ATL06_[yyyymmdd][hhmmss]_[ttttccnn]_[vvv]_[rr].h5 (NSIDC, ATL06 user guide, "File naming convention"). Services
# put words before it (processed_) and after it (_subsetted).
_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])(?P<product>ATL\d{2})_(?P<start>\d{14})_(?P<rgt>\d{4})(?P<cycle>\d{2})(?P<region>\d{2})"
    r"_(?P<release>\d{3})_(?P<revision>\d{2})(?!\d)",
    re.ASCII,
)
_LAST_RGT: Final = 1387
_LAST_REGION: Final = 14


@dataclass(frozen=True, slots=True, order=True)
class GranuleName:
    """What the name of a granule says.

    The name is the only reliable source of RGT and cycle: subsetted files may lack them in ``orbit_info``.

    Attributes
    ----------
    product
        Short name, such as ``ATL06``.
    start
        Time of the first datum (UTC).
    rgt
        Reference ground track, 1 to 1387.
    cycle
        Repeat cycle of 91 days, from 1.
    region
        Part of the orbit, 1 to 14.
    release, revision
        Version of the product, and revision of the granule within it.
    """

    product: str
    start: datetime
    rgt: int
    cycle: int
    region: int
    release: int
    revision: int

    @classmethod
    def parse(cls, text: str) -> GranuleName:
        """Read the name of a granule from a file name, a path or a URL.

        Raises
        ------
        InputError
            If `text` holds no granule name, or one with an impossible date, RGT, cycle or region.
        """
        found = _NAME.search(PurePosixPath(text.split("?", 1)[0]).name)
        if found is None:
            raise InputError(
                f"{text!r} is not the name of an ICESat-2 granule: expected"
                " ATL06_yyyymmddhhmmss_ttttccnn_vvv_rr.h5 (RGT tttt, cycle cc and region nn are read from it)."
            )
        try:
            start = datetime.strptime(found["start"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise InputError(f"{text!r} holds the impossible start time {found['start']}.") from None
        name = cls(
            found["product"],
            start,
            int(found["rgt"]),
            int(found["cycle"]),
            int(found["region"]),
            int(found["release"]),
            int(found["revision"]),
        )
        if not (1 <= name.rgt <= _LAST_RGT and 1 <= name.region <= _LAST_REGION and name.cycle >= 1):
            raise InputError(
                f"{text!r} holds RGT {name.rgt}, cycle {name.cycle} and region {name.region}: not ones of ICESat-2"
                f" (RGT 1 to {_LAST_RGT}, cycle from 1, region 1 to {_LAST_REGION})."
            )
        return name

    def __str__(self) -> str:
        """Return the file name that NSIDC gives the granule."""
        return (
            f"{self.product}_{self.start:%Y%m%d%H%M%S}_{self.rgt:04d}{self.cycle:02d}{self.region:02d}"
            f"_{self.release:03d}_{self.revision:02d}.h5"
        )

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return str(self).removesuffix(".h5")

    @property
    def data(self) -> tuple[str, int, int, int]:
        """Product, cycle, RGT and region: the same for each release and revision of the same data."""
        return (self.product, self.cycle, self.rgt, self.region)


@dataclass(frozen=True, slots=True)
class Granule:
    """One HDF5 file and where it can be had.

    Attributes
    ----------
    name
        What its name says.
    https, s3
        Addresses in the Earthdata cloud, where known.
    path
        Path on this machine, where it is local.
    size
        Bytes, where known.
    """

    name: GranuleName
    https: str | None = None
    s3: str | None = None
    path: str | None = None
    size: int | None = None

    @classmethod
    def locate(cls, place: str) -> Granule:
        """Make a granule of a path, an ``https://`` or an ``s3://`` address.

        Raises
        ------
        InputError
            If the place does not end in a granule's name.
        """
        name = GranuleName.parse(place)
        if place.startswith("s3://"):
            return cls(name, s3=place)
        if place.startswith(("https://", "http://")):
            return cls(name, https=place)
        return cls(name, path=place)


def newest[Named: (Granule, GranuleName)](granules: Iterable[Named]) -> tuple[Named, ...]:
    """Keep one granule of the same data: the newest revision of the newest release.

    NSIDC serves two releases side by side for months, and a search by short name alone finds both; counting both
    would double every row. The result is sorted by cycle, RGT and region.
    """
    best: dict[tuple[str, int, int, int], Named] = {}
    for granule in granules:
        name = granule.name if isinstance(granule, Granule) else granule
        held = best.get(name.data)
        held_name = held.name if isinstance(held, Granule) else held
        if held_name is None or (name.release, name.revision) > (held_name.release, held_name.revision):
            best[name.data] = granule
    return tuple(best[key] for key in sorted(best))
