"""What the requests and the transfer of a subset cost at list prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.bench.records import CostRecord

if TYPE_CHECKING:
    from trackbench.bench.records import Wire

_GIGABYTE: Final = 1e9


@dataclass(frozen=True, slots=True)
class Prices:
    """List prices in US dollars.

    Attributes
    ----------
    per_get
        One GET or HEAD request to the object store.
    per_gigabyte_out
        Transfer from the region to the internet, for 10^9 bytes.
    priced_on
        When they were read.
    source
        Where.
    """

    per_get: float
    per_gigabyte_out: float
    priced_on: str
    source: str


AWS_US_WEST_2: Final = Prices(
    per_get=0.0004 / 1000,
    per_gigabyte_out=0.09,
    priced_on="2026-11",
    source="Amazon S3 pricing, US West (Oregon): GET requests; first 10 TB a month to the internet",
)

_OBJECT_STORE_ROLES: Final = ("s3", "cdn")


def cost(wire: Wire, *, in_region: bool, prices: Prices = AWS_US_WEST_2) -> CostRecord:
    """Price what crossed the wire. NASA, which owns the buckets, pays it, not the user.

    Transfer within the region is free.
    """
    gets = sum(wire.by_role.get(role, {}).get("requests", 0) for role in _OBJECT_STORE_ROLES)
    out = 0.0 if in_region else wire.bytes_out / _GIGABYTE * prices.per_gigabyte_out
    return CostRecord(requests_usd=gets * prices.per_get, egress_usd=out, priced_on=prices.priced_on)
