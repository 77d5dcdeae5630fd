"""Numbers and names as people read them."""

from __future__ import annotations

import math
from typing import Final

DASH: Final = "\N{EN DASH}"
"""Joins the ends of a range, and stands where there is no value."""

_MINUTE: Final = 60.0
TIMES: Final = "\N{MULTIPLICATION SIGN}"

_TENTH: Final = 0.1
_HOUR: Final = 3600.0
_ALMOST: Final = 0.9995
_BYTES: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_FIGURES: Final = 3


def number(value: float, figures: int = _FIGURES) -> str:
    """Return `value` with `figures` significant figures, or more where it is large, and thousands set apart.

    ``0.0412``, ``48,211``.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = _decimals(value, figures)
    # 9.996 rounds up to 10.0: one decimal fewer, so that the figures stay as asked.
    decimals = _decimals(round(value, decimals), figures)
    return f"{value:,.{decimals}f}"


def _decimals(value: float, figures: int) -> int:
    return max(0, figures - 1 - math.floor(math.log10(abs(value)))) if value else 0


def count(value: float, word: str, plural: str | None = None) -> str:
    """Return ``1 sample`` or ``3 samples``."""
    return f"{value:,} {word if value == 1 else plural or word + 's'}"


def duration(seconds: float) -> str:
    """Return a time in words: ``41.2 ms``, ``0.412 s``, ``2 min 5 s``, ``3 h 20 min``."""
    if seconds == 0:
        return "0 s"
    if seconds < _TENTH:
        return f"{number(seconds * 1000)} ms"
    # What would round up to 60 of a unit is told in the next.
    if seconds < _MINUTE - 0.05:
        return f"{number(seconds)} s"
    if seconds < _HOUR - 0.5:
        minutes, rest = divmod(round(seconds), int(_MINUTE))
        return f"{minutes} min {rest} s"
    hours, rest = divmod(round(seconds / _MINUTE), int(_MINUTE))
    return f"{hours} h {rest} min"


def size(value: float) -> str:
    """Return a size in bytes, in powers of 1000: ``1.73 GB``."""
    scale, unit = byte_unit(value)
    return f"{number(value / scale)} {unit}"


def byte_unit(value: float) -> tuple[float, str]:
    """Return the unit in which `value` bytes read best, and how many bytes it has."""
    # 999.6 kB would be written 1,000 kB.
    return next((pair for pair in _BYTES if value >= pair[0] * _ALMOST), _BYTES[-1])


def span(low: float, high: float, figures: int = _FIGURES) -> str:
    """Return a range of numbers, the ends joined by a dash."""
    return f"{number(low, figures)}{DASH}{number(high, figures)}"


def listing(words: list[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
