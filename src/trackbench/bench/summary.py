"""Summarise the attempts of one backend and variant in the record of the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from trackbench.bench.cost import cost
from trackbench.bench.records import BoundRecord, Record, VerdictRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trackbench.bench.bound import Bound
    from trackbench.bench.measure import Attempt, Measured
    from trackbench.bench.records import SampleRecord, Temperature
    from trackbench.localcloud import Profile

_SERVICES: Final = frozenset({"sliderule", "harmony", "opendap"})
_DATA_PHASES: Final = ("metadata", "coordinates", "read", "filter")
_BUSY_SERVER: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class Context:
    """What all records of one plan share."""

    run: str
    started: datetime
    commit: str | None
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    case: str
    granules: int
    granule_bytes: int
    profile: Profile
    temperature: Temperature
    samples: int
    bound: Bound
    command: str


def record_of(measured: Measured, context: Context) -> Record:
    """Make the record of a run. Unless every attempt was right, it holds no speed."""
    bad = next((attempt for attempt in measured.attempts if attempt.status != "ok"), None)
    last = bad or measured.attempts[-1]
    samples = () if bad else tuple(each.sample for each in measured.attempts if each.sample is not None)
    shown = _median_sample(samples)
    return Record(
        run=context.run,
        started_at=context.started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        commit=context.commit,
        backend=measured.backend,
        variant=measured.variant,
        case=context.case,
        profile=context.profile.name,
        temperature=context.temperature,
        stand_in=measured.backend in _SERVICES,
        status=last.status,
        reason=last.reason,
        seconds=tuple(sample.seconds for sample in samples),
        phases={} if shown is None else shown.phases,
        wire=None if shown is None else shown.wire,
        cpu_seconds=None if shown is None else shown.cpu_seconds,
        peak_rss_bytes=None if shown is None else shown.peak_rss_bytes,
        rows=last.rows,
        digest=last.digest,
        verdict=_verdict(last),
        artifact=measured.artifact,
        bound=BoundRecord(**asdict(context.bound)),
        cost=None if shown is None else cost(shown.wire, in_region=context.profile.in_region),
        server_bound=shown is not None and _server_bound(shown),
        output_bytes=last.output_bytes,
        granules=context.granules,
        granule_bytes=context.granule_bytes,
        samples=samples,
        versions=context.versions,
        machine=context.machine,
        network=context.profile.to_dict(),
        command=context.command,
    )


def _median_sample(samples: tuple[SampleRecord, ...]) -> SampleRecord | None:
    if not samples:
        return None
    return sorted(samples, key=lambda sample: sample.seconds)[(len(samples) - 1) // 2]


def _server_bound(sample: SampleRecord) -> bool:
    # Client and local cloud share the machine: past this the figure says more of the stand-in than of the backend.
    data = sum(sample.phases.get(phase, 0.0) for phase in _DATA_PHASES)
    return data > 0 and sample.cpu_seconds.server > _BUSY_SERVER * data


def _verdict(attempt: Attempt) -> VerdictRecord | None:
    verdict = attempt.verdict
    if verdict is None:
        return None
    return VerdictRecord(
        kind=verdict.kind,
        missing=verdict.missing,
        extra=verdict.extra,
        changed=verdict.changed,
        near_boundary=verdict.near_boundary,
        examples=tuple(verdict.examples),
        summary=attempt.reason,
    )
