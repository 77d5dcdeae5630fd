"""Made-up records with the proportions of real ones, for tests of what is made of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trackbench.bench.records import (
    ArtifactRecord,
    BoundRecord,
    Cpu,
    Record,
    SampleRecord,
    VerdictRecord,
    Wire,
)
from trackbench.session import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackbench.errors import Status

BOUND: Final = BoundRecord(
    seconds=0.412, network_seconds=0.33, decode_seconds=0.082, bytes=11_400_000, requests=1_152
)
_SHARES: Final = (0.12, 0.08, 0.2, 0.1, 0.4, 0.06, 0.04)
_MACHINE: Final = {"cpu": "Made-up 2 GHz", "cores": 2, "memory_bytes": 8_000_000_000, "system": "Linux 6.12"}
_NETWORK: Final = {
    "name": "in-region",
    "description": "A virtual machine beside the data.",
    "sources": "Round trip: 1 ms, assumed.",
    "rtt": 0.001,
    "ttfb_median": 0.027,
    "ttfb_sigma": 0.62,
    "connection_bandwidth": 90e6,
    "total_bandwidth": 400e6,
    "request_limit": None,
    "slow_start": True,
}


_EXAMPLES: Final = (
    {"what": "missing", "longitude": -45.01, "latitude": 62.77, "track_id": "gt1l", "rgt": 7, "cycle": 1},
    {"what": "changed", "longitude": -44.98, "latitude": 62.86, "track_id": "gt1l", "rgt": 7, "cycle": 1},
)


def make_record(
    label: str,
    seconds: Sequence[float] = (),
    *,
    status: Status = "ok",
    reason: str = "",
    megabytes: float = 100.0,
    requests: int = 1_000,
    run: str = "20261122T101500-3f2a",
    started_at: str = "2026-11-22T10:15:00+00:00",
    **fields: Any,
) -> Record:
    """Return a record of ``backend:variant`` whose counts go with its time.

    A record that is not ``ok`` keeps the seconds it is given, as no real one would: pages must not show them.
    """
    backend, _, variant = label.partition(":")
    total = sorted(seconds)[(len(seconds) - 1) // 2] if seconds else 0.0
    wire = Wire(requests, requests * 640, int(megabytes * 1e6), 16, {"store": {"requests": requests, "bytes": 1}})
    verdict = VerdictRecord("identical", 0, 0, 0, 0) if status == "ok" else None
    kept: dict[str, Any] = {
        "case": "demo",
        "profile": "in-region",
        "temperature": "cold",
        "stand_in": False,
        "commit": "38878791f0c2a6d3a8a9ae54",
        "phases": phases_of(total),
        "wire": wire,
        "cpu_seconds": Cpu(total * 0.8, total * 0.05),
        "peak_rss_bytes": int(210e6 + megabytes * 1e6),
        "rows": 48_211,
        "digest": "a1b2",
        "verdict": verdict,
        "bound": BOUND,
        "granules": 16,
        "granule_bytes": 402_000_000,
        "samples": tuple(
            SampleRecord(each, phases_of(each), wire, Cpu(each * 0.8, each * 0.05), 300_000_000)
            for each in seconds
        ),
        "versions": {"trackbench": "0.1.0", "h5py": "3.16.0", "earthaccess": "0.19.0", "python": "3.13.1"},
        "machine": _MACHINE,
        "network": _NETWORK,
        "command": "trackbench run --case demo --profile in-region --samples 3",
    }
    return Record(
        run=run,
        started_at=started_at,
        backend=backend,
        variant=variant,
        status=status,
        reason=reason,
        seconds=tuple(seconds),
        **{**kept, **fields},
    )


def phases_of(seconds: float) -> Mapping[str, float]:
    """Divide a time among the phases."""
    return {phase: seconds * share for phase, share in zip(PHASES, _SHARES, strict=True)}


def make_run(**fields: Any) -> tuple[Record, ...]:
    """Return a run with everything that a page can meet: each status, a stand-in, an artifact, a null run."""
    index = ArtifactRecord(build_seconds=21.4, bytes_read=38_000_000, bytes_stored=1_900_000, requests=640)
    return (
        make_record("baseline:background", (6.91, 7.02, 7.4), megabytes=402, requests=96, **fields),
        make_record("null:baseline:background", (6.98, 7.31, 7.05), megabytes=402, requests=96, **fields),
        make_record("baseline:default", (31.2, 30.1, 33.8), megabytes=1_480, requests=296, **fields),
        make_record("baseline:blockcache", (11.8, 11.1, 12.6), megabytes=402, requests=412, **fields),
        make_record("baseline:coordinates-first", (2.31, 2.2, 2.62), megabytes=88, requests=1_604, **fields),
        make_record(
            "h3-index:ranges", (0.91, 0.88, 1.02), megabytes=12.1, requests=1_190, artifact=index, **fields
        ),
        make_record(
            "sliderule:atl06sp",
            (1.9, 2.05, 1.83),
            megabytes=6.2,
            requests=7,
            stand_in=True,
            server_bound=True,
            **fields,
        ),
        make_record(
            "virtualizarr:icechunk",
            (98.7654, 97.7654),
            status="mismatch",
            reason="412 of 48,211 rows differ from the reference.",
            verdict=VerdictRecord("different", 400, 0, 12, 3, _EXAMPLES, "400 rows missing, 12 changed in h_li."),
            **fields,
        ),
        make_record("baseline:download", (96.54321,), status="timeout", reason="No result after 600 s.", **fields),
        make_record(
            "harmony:trajectory",
            status="unavailable",
            reason="No Earthdata login was found: run `trackbench doctor`.",
            **fields,
        ),
    )
