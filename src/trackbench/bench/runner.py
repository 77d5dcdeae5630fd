"""Run backends over a case against a local cloud, sample by sample, and turn what was seen into records."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from trackbench.bench import environment
from trackbench.bench.bound import bound_of
from trackbench.bench.cases import materialise, sidecars
from trackbench.bench.measure import Attempt, Measured, Workbench
from trackbench.bench.reference import load_or_build
from trackbench.bench.summary import Context, record_of
from trackbench.bench.supervise import scratch_folder
from trackbench.granules import Granule, GranuleName, newest
from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.backends.registry import Choice
    from trackbench.bench.cases import Case
    from trackbench.bench.records import ArtifactRecord, Record, Temperature
    from trackbench.bench.reference import Reference
    from trackbench.request import SubsetRequest
    from trackbench.session import Progress

NULL_BACKEND: Final = "null"
"""Name under which the null run is recorded: the first choice measured once more, against itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    case
        The workload.
    choices
        Backends and variants.
    profile
        Name of the network profile.
    temperature
        ``cold``: each sample in a new process with no connection and no cache. ``warm``: samples are the later
        subsets of one process, after a first that does not count.
    samples
        How many of each.
    patience
        Seconds of sampling after which no further round of cold samples begins, so that a first look stays quick
        however many backends there are; None waits for all. Each has one sample at least.
    deadline
        Seconds for one job, after which it is stopped.
    concurrency
        Most requests, files or workers that a backend may have open at a time.
    null_run
        Measure the first choice twice, so that the machine's noise is seen.
    command
        How to repeat this, for the record.
    """

    case: Case
    choices: tuple[Choice, ...]
    profile: str = "in-region"
    temperature: Temperature = "cold"
    samples: int = 3
    patience: float | None = None
    deadline: float = 300.0
    concurrency: int = 8
    null_run: bool = True
    command: str = ""


_GRANULES_A_PROCESS: Final = 16
"""From so many granules on, one more process reads them sooner than it starts."""


class Observer(Protocol):
    """Told how a run goes; a command shows it, a test notes it."""

    def stage(self, text: str) -> Progress:
        """Tell that a new stage begins, and return what its progress is told to."""

    def recorded(self, record: Record) -> None:
        """Tell that a run has been recorded."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a plan gave.

    Attributes
    ----------
    records
        One for each choice, and the null run's.
    reference
        The rows that are right.
    """

    records: tuple[Record, ...]
    reference: Reference


@dataclass(slots=True)
class _Entry:
    """One line of the plan while it is being measured."""

    choice: Choice
    backend: str
    variant: str
    attempts: list[Attempt] = field(default_factory=list)
    artifact: ArtifactRecord | None = None

    @property
    def ended(self) -> bool:
        return any(attempt.status != "ok" for attempt in self.attempts)


def run(plan: Plan, *, cache: Path, observer: Observer) -> Results:
    """Measure a plan.

    Cases and references are made where they are missing. Each sample's output is compared with the reference.
    Samples of different choices take turns, so that a machine that slows down slows all of them.

    Raises
    ------
    UnavailableError
        If the local cloud cannot be started, or ends in the middle.
    FailedError
        If a case cannot be generated or read.
    """
    started = datetime.now(UTC)
    paths = materialise(plan.case, cache, observer.stage(f"granules of {plan.case.name}"))
    beside = sidecars(plan.case, paths, cache, observer.stage(f"DMR++ of {plan.case.name}"))
    reference = _reference(paths, plan.case.request, cache, observer.stage(f"reference rows of {plan.case.name}"))
    profile = PROFILES[plan.profile]
    bound = bound_of(reference.needed, profile, cold=plan.temperature == "cold")
    context = Context(
        run=f"{started:%Y%m%dT%H%M%SZ}-{plan.case.name}-{plan.profile}-{plan.temperature}",
        started=started,
        commit=environment.commit(),
        versions=environment.versions(),
        machine=environment.machine(),
        case=plan.case.name,
        granules=len(paths),
        granule_bytes=sum(path.stat().st_size for path in paths),
        profile=profile,
        temperature=plan.temperature,
        samples=plan.samples,
        bound=bound,
        command=plan.command,
    )
    entries = [_Entry(choice, choice.backend, choice.variant) for choice in plan.choices]
    if plan.null_run and entries:
        first = plan.choices[0]
        entries.append(_Entry(first, NULL_BACKEND, str(first)))
    scratch = scratch_folder()
    observer.stage(f"local cloud, {plan.profile}")
    try:
        config = CloudConfig(
            (*paths, *beside), profile, cache_dir=cache / "localcloud", artifacts=cache / "artifacts"
        )
        with LocalCloud.start(config) as cloud:
            workbench = Workbench(plan, cloud, reference, cache, scratch)
            records = tuple(_measured(workbench, entries, context, plan.patience, observer))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Results(records, reference)


def _reference(paths: tuple[Path, ...], request: SubsetRequest, cache: Path, progress: Progress) -> Reference:
    """Read the granules of the answer: every backend takes the newest of the same data."""
    newest_paths = {granule.path for granule in newest(Granule.locate(str(path)) for path in paths)}
    answering = [
        path
        for path in paths
        if (request.release is None and str(path) in newest_paths)
        or request.release == GranuleName.parse(path.name).release
    ]
    workers = min(os.cpu_count() or 1, 1 + len(answering) // _GRANULES_A_PROCESS)
    return load_or_build(answering, request, cache, workers=workers, progress=progress)


def _measured(
    workbench: Workbench, entries: list[_Entry], context: Context, patience: float | None, observer: Observer
) -> list[Record]:
    ready: dict[Choice, Attempt | ArtifactRecord | None] = {}
    for entry in entries:
        if entry.choice not in ready:
            progress = observer.stage(f"{entry.backend}:{entry.variant} prepare")
            ready[entry.choice] = workbench.prepare(entry.choice, progress)
        prepared = ready[entry.choice]
        if isinstance(prepared, Attempt):
            entry.attempts.append(prepared)
        else:
            entry.artifact = prepared
    # Warm samples come from one process; cold ones from a process each, in turns.
    _sample(workbench, entries, 1 if context.temperature == "warm" else context.samples, patience, observer)
    records = []
    for entry in entries:
        measured = Measured(entry.backend, entry.variant, tuple(entry.attempts), entry.artifact)
        record = record_of(measured, context)
        records.append(record)
        observer.recorded(record)
    return records


def _sample(
    workbench: Workbench, entries: list[_Entry], rounds: int, patience: float | None, observer: Observer
) -> None:
    begin = time.perf_counter()
    for number in range(rounds):
        if number and patience is not None and time.perf_counter() - begin > patience:
            return
        for entry in entries:
            if not entry.ended:
                progress = observer.stage(f"{entry.backend}:{entry.variant} sample {number + 1} of {rounds}")
                entry.attempts.extend(workbench.attempt(entry.choice, progress))
