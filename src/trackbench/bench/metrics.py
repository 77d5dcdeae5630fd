"""The one list of what is measured: name, unit, direction and source of each metric."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackbench.bench.records import Record

type Direction = Literal["lower", "higher"]
type Source = Literal["wire", "client", "model", "verdict"]


@dataclass(frozen=True, slots=True)
class Metric:
    """Something measured of a run.

    Attributes
    ----------
    name
        Name in JSON, on the command line and in asv.
    title
        Words for a table's head or an axis.
    unit
        Unit of the value: ``s``, ``B``, ``1``, ``USD``.
    direction
        Which way is better.
    source
        Who counted: the wire, the client process, a model, or the comparison with the reference.
    value
        Reads the metric off a record; None where the record has none.
    speed
        Whether it says how fast the run was. A run that is not ``ok`` shows no speed anywhere.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    source: Source
    value: Callable[[Record], float | None]
    speed: bool = True

    def of(self, record: Record) -> float | None:
        """Return the value for a record, or None where the record has earned none."""
        if self.speed and record.status != "ok":
            return None
        return self.value(record)


def _median(record: Record) -> float | None:
    return statistics.median(record.seconds) if record.seconds else None


def _ratio_to_bound(record: Record) -> float | None:
    median = _median(record)
    if median is None or record.bound is None:
        return None
    least = record.bound.network_seconds + record.bound.decode_seconds
    return median / least if least > 0 else None


def _amplification(record: Record) -> float | None:
    if record.wire is None or record.bound is None or record.bound.bytes <= 0:
        return None
    return record.wire.bytes_out / record.bound.bytes


def _cpu(record: Record) -> float | None:
    return None if record.cpu_seconds is None else record.cpu_seconds.client


def _mismatch(record: Record) -> float | None:
    if record.verdict is None:
        return None
    return float(record.verdict.missing + record.verdict.extra + record.verdict.changed)


def _cost(record: Record) -> float | None:
    return None if record.cost is None else record.cost.requests_usd + record.cost.egress_usd


_ALL: Final = (
    Metric("seconds", "time", "s", "lower", "client", _median),
    Metric("ratio_to_bound", "time over bound", "1", "lower", "model", _ratio_to_bound),
    Metric("requests", "requests", "1", "lower", "wire", lambda r: None if r.wire is None else r.wire.requests),
    Metric(
        "bytes", "bytes downloaded", "B", "lower", "wire", lambda r: None if r.wire is None else r.wire.bytes_out
    ),
    Metric("amplification", "bytes over bytes needed", "1", "lower", "wire", _amplification),
    Metric(
        "connections",
        "connections",
        "1",
        "lower",
        "wire",
        lambda r: None if r.wire is None else r.wire.connections,
    ),
    Metric("peak_memory", "peak memory", "B", "lower", "client", lambda r: r.peak_rss_bytes),
    Metric("cpu_seconds", "client CPU", "s", "lower", "client", _cpu),
    Metric("cost_usd", "requests and transfer", "USD", "lower", "model", _cost),
    Metric("mismatched_rows", "rows that differ", "1", "lower", "verdict", _mismatch, speed=False),
)

METRICS: Final = {metric.name: metric for metric in _ALL}
"""Every metric by name, in the order in which tables show them."""
