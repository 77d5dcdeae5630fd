"""What got better or worse from one run to another, beyond what is noise."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scipy.stats import mannwhitneyu

from trackbench.bench.metrics import METRICS
from trackbench.report.statistics import Interval, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trackbench.bench.records import Record

type Kind = Literal["better", "worse", "same", "broken", "mended", "new", "gone"]
type Key = tuple[str, str, str, str]

_LEVEL: Final = 0.05
_LEAST: Final = 0.05
"""Relative change of a time below which nobody needs to know."""

_COUNTED: Final = {"requests": 0.02, "bytes": 0.02, "peak_memory": 0.15}
"""Metrics that hardly vary from sample to sample, and the relative change that is more than that."""

_NULL: Final = "null"


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of one backend and variant, before and after.

    Attributes
    ----------
    label, case, profile, temperature
        What was measured.
    metric
        Name of the metric, or ``status``.
    kind
        What became of it. ``broken`` was ok and is not, ``mended`` the other way round.
    before, after
        Medians, in the metric's unit; None where there is none.
    interval
        Of the ratio ``after / before`` of times, by bootstrap; None for other metrics.
    probability
        How likely so clear a difference is if nothing changed (Mann-Whitney, two-sided); None for other metrics.
    why
        What decided, in words.
    """

    label: str
    case: str
    profile: str
    temperature: str
    metric: str
    kind: Kind
    before: float | None
    after: float | None
    interval: Interval | None
    probability: float | None
    why: str

    @property
    def ratio(self) -> float | None:
        """``after / before``, where both are there."""
        return self.after / self.before if self.before and self.after is not None else None

    @property
    def regression(self) -> bool:
        """Whether somebody should look."""
        return self.kind in ("worse", "broken", "gone")


def find_changes(
    before: Iterable[Record], after: Iterable[Record], *, least: float = _LEAST
) -> tuple[Change, ...]:
    """Compare two runs, backend by backend, under the same case, profile and temperature.

    A time has changed when three things hold: the samples differ by the Mann-Whitney test at 5 % (with so few
    samples that 5 % cannot be reached, all of one side must lie beyond all of the other); the medians differ by
    more than the null runs of the two; and by more than `least`.

    Parameters
    ----------
    before, after
        Records; where one was measured several times, all its samples count together.
    least
        Relative change of a time that is worth telling.
    """
    old, new = _by_key(before), _by_key(after)
    noise = {key: max(least, _noise(old, key), _noise(new, key)) for key in old.keys() | new.keys()}
    changes: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        if key[0].startswith(f"{_NULL}:"):
            continue
        if key not in old or key not in new:
            kind: Kind = "gone" if key in old else "new"
            why = "not measured in the second" if key in old else "not measured in the first"
            changes.append(Change(*key, "status", kind, None, None, None, None, why))
            continue
        changes.extend(_compared(key, old[key], new[key], noise[key]))
    return tuple(changes)


def _by_key(records: Iterable[Record]) -> dict[Key, list[Record]]:
    found: dict[Key, list[Record]] = {}
    for record in records:
        found.setdefault((record.label, record.case, record.profile, record.temperature), []).append(record)
    return found


def _seconds(records: Sequence[Record]) -> list[float]:
    return [each for record in records for each in record.seconds if record.status == "ok"]


def _noise(found: dict[Key, list[Record]], key: Key) -> float:
    """How far the null runs of the same case, profile and temperature were from what they repeat."""
    far = 0.0
    for (label, *rest), records in found.items():
        if not label.startswith(f"{_NULL}:") or tuple(rest) != key[1:]:
            continue
        twin = _seconds(found.get((label.removeprefix(f"{_NULL}:"), *key[1:]), []))
        null = _seconds(records)
        if twin and null:
            far = max(far, abs(math.log(statistics.median(null) / statistics.median(twin))))
    return math.expm1(far)


def _compared(key: Key, old: Sequence[Record], new: Sequence[Record], noise: float) -> list[Change]:
    was, now = old[-1].status, new[-1].status
    if "ok" not in (was, now):
        return [Change(*key, "status", "same", None, None, None, None, f"{was}, then {now}")]
    if was != now:
        kind: Kind = "broken" if was == "ok" else "mended"
        reason = new[-1].reason if kind == "broken" else old[-1].reason
        return [Change(*key, "status", kind, None, None, None, None, f"{was}, then {now}: {reason}")]
    return [_time(key, _seconds(old), _seconds(new), noise), *_counts(key, old[-1], new[-1])]


def _time(key: Key, old: Sequence[float], new: Sequence[float], noise: float) -> Change:
    before, after = statistics.median(old), statistics.median(new)
    probability = float(mannwhitneyu(old, new, alternative="two-sided", method="exact").pvalue)
    # Of all ways to deal the samples to two sides, two set the sides wholly apart.
    attainable = 2 / math.comb(len(old) + len(new), len(old))
    ratio = after / before
    enough = max(ratio, 1 / ratio) > 1 + noise
    kind: Kind = "same"
    if not enough:
        why = f"within {noise:.0%}, which is noise or too little to tell"
    elif probability > max(_LEVEL, attainable * (1 + 1e-9)):
        why = f"the samples overlap (p = {probability:.2g})"
    else:
        kind = "worse" if ratio > 1 else "better"
        why = f"{len(old)} against {len(new)} samples, p = {probability:.2g}, noise {noise:.0%}"
    return Change(*key, "seconds", kind, before, after, ratio_interval(new, old), probability, why)


def _counts(key: Key, old: Record, new: Record) -> list[Change]:
    changes = []
    for name, tolerance in _COUNTED.items():
        before, after = METRICS[name].of(old), METRICS[name].of(new)
        if before is None or after is None:
            continue
        kind: Kind = "same"
        if abs(after - before) > tolerance * before:
            kind = "worse" if after > before else "better"
        changes.append(Change(*key, name, kind, before, after, None, None, f"tolerance {tolerance:.0%}"))
    return changes
