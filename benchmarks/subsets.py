"""What a subset costs, for each backend and case, over the history of trackbench.

All figures of one backend and case come from one run, made once by `setup_cache` through the package's own runner,
each subset in a process of its own with a deadline. A run that is not ``ok`` shows as n/a; why stands in
``results/runs``. asv takes lower to be better for everything, so only costs are tracked.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from trackbench.backends.registry import choose

if TYPE_CHECKING:
    from trackbench.bench.records import Record
    from trackbench.session import Progress

_ROOT = Path(__file__).resolve().parents[1]
_CASES = os.environ.get("TRACKBENCH_ASV_CASES", "demo").split(",")
_PROFILE = os.environ.get("TRACKBENCH_ASV_PROFILE", "in-region")
_SAMPLES = int(os.environ.get("TRACKBENCH_ASV_SAMPLES", "3"))


class _Quiet:
    """Shows nothing: asv captures what benchmarks print."""

    def stage(self, text: str) -> Progress:
        del text
        return lambda _done, _total, _text: None

    def recorded(self, record: Record) -> None:
        pass


class _Measured:
    """What was measured of a backend on a case; what inherits this shares one `setup_cache`, and so one run."""

    params = ([str(choice) for choice in choose(())], _CASES)
    param_names = ("backend", "case")
    timeout = 3600

    def setup_cache(self) -> dict[tuple[str, str], tuple[str, dict[str, float]]]:
        """Measure everything once; every benchmark below reads from it."""
        from trackbench.bench.cases import load_case
        from trackbench.bench.metrics import METRICS
        from trackbench.bench.paths import cache_folder
        from trackbench.bench.records import append_records
        from trackbench.bench.runner import Plan, run

        cache = cache_folder()
        measured: dict[tuple[str, str], tuple[str, dict[str, float]]] = {}
        for name in _CASES:
            plan = Plan(
                load_case(name, cache_dir=cache), choose(()), _PROFILE, samples=_SAMPLES, command="asv run"
            )
            records = run(plan, cache=cache, observer=_Quiet()).records
            append_records(_ROOT / "results" / "runs" / f"{records[0].run}.jsonl", records)
            for record in records:
                values = {key: metric.of(record) for key, metric in METRICS.items()}
                finite = {key: float(value) for key, value in values.items() if value is not None}
                why = "" if record.status == "ok" else f"{record.status}: {record.reason}"
                measured[record.label, name] = (why, finite)
        return measured

    setup_cache.timeout = 3600  # type: ignore[attr-defined]


class Subset(_Measured):
    """One subset: time, traffic and memory, where every row was right."""

    # Given by hand: asv would make a new one, and drop the history, at every change of a comment.
    version = "1"

    def setup(
        self, measured: dict[tuple[str, str], tuple[str, dict[str, float]]], backend: str, case: str
    ) -> None:
        """Skip what has no speed: asv shows n/a and goes on."""
        why, self.values = measured.get((backend, case), ("not measured", {}))
        if why:
            raise NotImplementedError(why)

    def track_seconds(self, *_: object) -> float:
        """Median wall time."""
        return _finite(self.values, "seconds")

    def track_ratio_to_bound(self, *_: object) -> float:
        """Median wall time over the least that network and file layout allow."""
        return _finite(self.values, "ratio_to_bound")

    def track_bytes(self, *_: object) -> float:
        """Bytes downloaded, counted at the wire."""
        return _finite(self.values, "bytes")

    def track_requests(self, *_: object) -> float:
        """Requests, counted at the wire."""
        return _finite(self.values, "requests")

    def track_connections(self, *_: object) -> float:
        """Connections opened, counted at the wire."""
        return _finite(self.values, "connections")

    def track_peak_memory(self, *_: object) -> float:
        """Most memory held by the client and its workers."""
        return _finite(self.values, "peak_memory")

    track_seconds.unit = "s"  # type: ignore[attr-defined]
    track_ratio_to_bound.unit = "ratio"  # type: ignore[attr-defined]
    track_bytes.unit = "bytes"  # type: ignore[attr-defined]
    track_requests.unit = "requests"  # type: ignore[attr-defined]
    track_connections.unit = "connections"  # type: ignore[attr-defined]
    track_peak_memory.unit = "bytes"  # type: ignore[attr-defined]


class Rows(_Measured):
    """The rows of one subset against the reference, right or wrong."""

    version = "1"

    def setup(
        self, measured: dict[tuple[str, str], tuple[str, dict[str, float]]], backend: str, case: str
    ) -> None:
        """Skip what gave no rows at all."""
        why, self.values = measured.get((backend, case), ("not measured", {}))
        if "mismatched_rows" not in self.values:
            raise NotImplementedError(why)

    def track_mismatched_rows(self, *_: object) -> float:
        """Rows missing, added or changed."""
        return _finite(self.values, "mismatched_rows")

    track_mismatched_rows.unit = "rows"  # type: ignore[attr-defined]


def _finite(values: dict[str, float], name: str) -> float:
    # One value that is not finite would take the whole published site down.
    value = values.get(name, math.nan)
    return value if math.isfinite(value) else math.nan
