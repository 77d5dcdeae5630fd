"""What a user asks for: product, region, time range and further variables."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trackbench.errors import InputError
from trackbench.products import Product, Variable, get_product
from trackbench.region import Region

if TYPE_CHECKING:
    from collections.abc import Mapping

type Nanoseconds = np.datetime64
"""A moment in UTC, as ``datetime64[ns]``."""

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?P<clock>[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?[Zz]?)?")
_LAST_OF_DAY: Final = np.timedelta64(86_400_000_000_000 - 1, "ns")
_MISSION_START: Final = "2018-10-13"
# The whole years that nanoseconds since 1970 in 64 bits can hold; numpy wraps around beyond them without a word.
_YEARS: Final = range(1678, 2262)
_FAR_FUTURE: Final = f"{_YEARS[-1]}-12-31"


def parse_time(text: str, *, end: bool = False) -> Nanoseconds:
    """Read a date or a time in ISO 8601.

    Parameters
    ----------
    text
        ``2018-10-13`` or ``2018-10-13T04:05:06.789Z``. Without an offset, UTC.
    end
        The moment closes a range: a date then means the last nanosecond of its day.

    Raises
    ------
    InputError
        If the text is neither, or lies beyond the years that ``datetime64[ns]`` can hold.
    """
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError  # noqa: TRY301 - one error for what does not match and what is no date
        moment = np.datetime64(text.rstrip("Zz"), "ns")
    except ValueError:
        raise InputError(
            f"{text!r} is not a date or time: write 2018-10-13 or 2018-10-13T04:05:06Z (ISO 8601, UTC)."
        ) from None
    if int(text[:4]) not in _YEARS:
        raise InputError(
            f"{text!r} lies outside of the years {_YEARS[0]} to {_YEARS[-1]}, all that nanoseconds can hold."
        )
    whole_day = found["clock"] is None
    return moment + _LAST_OF_DAY if end and whole_day else moment


@dataclass(frozen=True, slots=True)
class SubsetRequest:
    """All rows of a product inside a region and a time range.

    Attributes
    ----------
    product
        The product.
    region
        The region; its boundary belongs to it.
    start, end
        The closed time range, ``datetime64[ns]`` in UTC.
    variables
        Further variables, each a column after ``cycle``.
    release
        Only granules of this release. None takes the newest release of each granule.
    """

    product: Product
    region: Region
    start: Nanoseconds
    end: Nanoseconds
    variables: tuple[Variable, ...] = ()
    release: int | None = None

    def __post_init__(self) -> None:
        """Refuse a range that ends before it starts, and two columns of one name."""
        if np.isnat(self.start) or np.isnat(self.end) or self.start > self.end:
            raise InputError(f"The time range ends ({self.end}) before it starts ({self.start}).")
        columns = [variable.column for variable in (*self.product.columns, *self.variables)]
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise InputError(f"Two variables would make the column {twice[0]!r}; ask for one of them.")

    @classmethod
    def build(
        cls,
        product: str | Product,
        region: Region,
        start: str = _MISSION_START,
        end: str = _FAR_FUTURE,
        *,
        variables: tuple[str, ...] = (),
        release: int | None = None,
    ) -> SubsetRequest:
        """Make a request from text, as a user writes it.

        Raises
        ------
        InputError
            If the product, a date or a variable is not known.
        """
        known = product if isinstance(product, Product) else get_product(product)
        return cls(
            known,
            region,
            parse_time(start),
            parse_time(end, end=True),
            tuple(known.variable(path) for path in variables),
            release,
        )

    @property
    def columns(self) -> tuple[Variable, ...]:
        """The variables beside the coordinates, those of the product first."""
        return (*self.product.columns, *self.variables)

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain data that JSON can hold; `from_dict` reads it back."""
        return {
            "product": self.product.name,
            "region": self.region.to_geojson(),
            "start": f"{self.start}Z",
            "end": f"{self.end}Z",
            "variables": [variable.path for variable in self.variables],
            "release": self.release,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SubsetRequest:
        """Read what `to_dict` wrote."""
        return cls.build(
            data["product"],
            Region.parse(data["region"]),
            data["start"],
            data["end"],
            variables=tuple(data.get("variables", ())),
            release=data.get("release"),
        )

    @property
    def digest(self) -> str:
        """A short name for the request, the same for the same request on any machine."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
