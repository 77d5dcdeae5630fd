"""Make the subsets of one job against a running local cloud, measure them and compare them with the reference."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from trackbench.bench.jobs import Job, Prepared, Subset
from trackbench.bench.records import ArtifactRecord, Cpu, SampleRecord, Wire
from trackbench.bench.supervise import supervise
from trackbench.bench.verdict import Verdict, compare_tables, describe, table_digest
from trackbench.errors import MismatchError, TrackbenchError
from trackbench.geoparquet import read_geoparquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trackbench.backends.registry import Choice
    from trackbench.bench.cases import Case
    from trackbench.bench.records import Temperature
    from trackbench.bench.reference import Reference
    from trackbench.bench.supervise import Piece
    from trackbench.errors import Status
    from trackbench.localcloud import LedgerSnapshot, LocalCloud
    from trackbench.session import Progress


class Settings(Protocol):
    """What of a plan concerns one job."""

    @property
    def case(self) -> Case:
        """The workload."""

    @property
    def temperature(self) -> Temperature:
        """Cold or warm."""

    @property
    def samples(self) -> int:
        """How many samples to take."""

    @property
    def deadline(self) -> float:
        """Seconds for one job."""

    @property
    def concurrency(self) -> int:
        """Most requests, files or workers at a time."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One subset that was tried.

    Attributes
    ----------
    status, reason
        How it ended.
    sample
        What was measured; None where it did not get that far.
    rows, output_bytes, digest, verdict
        Of the output, where there is one.
    """

    status: Status
    reason: str = ""
    sample: SampleRecord | None = None
    rows: int | None = None
    output_bytes: int | None = None
    digest: str | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was seen of one backend and variant."""

    backend: str
    variant: str
    attempts: tuple[Attempt, ...]
    artifact: ArtifactRecord | None


class _LedgerWatch:
    """Sets the local cloud's ledger to zero before each piece and reads it after."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self.snapshots: list[LedgerSnapshot] = []

    def begins(self) -> None:
        self._cloud.reset_ledger()

    def ends(self) -> None:
        self.snapshots.append(self._cloud.ledger())

    def check(self) -> None:
        self._cloud.check()


class Workbench:
    """A case, a cloud that serves it, and the rows that are right."""

    def __init__(
        self, settings: Settings, cloud: LocalCloud, reference: Reference, cache: Path, scratch: Path
    ) -> None:
        self._settings = settings
        self._cloud = cloud
        self._reference = reference
        self._reference_digest = table_digest(reference.table)
        self._cache = cache
        self._scratch = scratch

    def _job(self, choice: Choice, scratch: Path, **more: Any) -> Job:  # noqa: ANN401 - fields of the job
        return Job(
            choice=choice,
            request=self._settings.case.request,
            endpoints=self._cloud.endpoints,
            cache=self._cache,
            scratch=scratch,
            concurrency=self._settings.concurrency,
            **more,
        )

    def prepare(self, choice: Choice, progress: Progress) -> ArtifactRecord | Attempt | None:
        """Have a backend build its artifact; an `Attempt` says why it could not."""
        watch = _LedgerWatch(self._cloud)
        scratch = self._scratch / uuid.uuid4().hex
        job = self._job(choice, scratch, prepare=True)
        outcome = supervise(job, deadline=self._settings.deadline, watch=watch, progress=progress)
        shutil.rmtree(scratch, ignore_errors=True)
        if outcome.stopped is not None:
            return Attempt(outcome.stopped.status, outcome.stopped.reason)
        event = outcome.pieces[0].event
        assert isinstance(event, Prepared)
        if event.artifact is None:
            return None
        return _artifact(event.artifact, watch.snapshots[0])

    def attempt(self, choice: Choice, progress: Progress) -> tuple[Attempt, ...]:
        """Make the subsets of one job and compare each with the reference.

        A cold job makes one. A warm job makes one that is compared but not counted, and then the samples.
        """
        warm = self._settings.temperature == "warm"
        scratch = self._scratch / uuid.uuid4().hex
        outputs = tuple(
            scratch / f"{number}.parquet" for number in range(self._settings.samples + 1 if warm else 1)
        )
        watch = _LedgerWatch(self._cloud)
        job = self._job(choice, scratch, outputs=outputs)
        try:
            outcome = supervise(job, deadline=self._settings.deadline, watch=watch, progress=progress)
            attempts = [
                self._compared(piece, snapshot, output)
                for piece, snapshot, output in zip(outcome.pieces, watch.snapshots, outputs, strict=False)
            ]
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if outcome.stopped is not None:
            return (Attempt(outcome.stopped.status, outcome.stopped.reason),)
        if warm and attempts[0].status == "ok":
            del attempts[0]
        return tuple(attempts)

    def _compared(self, piece: Piece, snapshot: LedgerSnapshot, output: Path) -> Attempt:
        event = piece.event
        assert isinstance(event, Subset)
        sample = SampleRecord(
            seconds=event.seconds,
            phases=event.phases,
            wire=_wire(snapshot),
            cpu_seconds=Cpu(piece.cpu_seconds, snapshot.cpu_seconds),
            peak_rss_bytes=piece.peak_bytes,
        )
        try:
            table = read_geoparquet(output)
        except TrackbenchError as error:
            return Attempt(MismatchError.status, f"Its output cannot be read: {error}")
        digest = table_digest(table)
        verdict = compare_tables(table, self._reference.table, self._settings.case.request.region)
        right = verdict.kind != "different"
        return Attempt(
            status="ok" if right else MismatchError.status,
            reason="" if right else describe(verdict),
            sample=sample,
            rows=event.rows,
            output_bytes=event.output_bytes,
            digest=digest,
            verdict=verdict,
        )


def _wire(snapshot: LedgerSnapshot) -> Wire:
    return Wire(
        requests=snapshot.requests,
        bytes_in=snapshot.bytes_in,
        bytes_out=snapshot.bytes_out,
        connections=snapshot.connections,
        by_role={
            role: {"requests": count.requests, "bytes": count.bytes} for role, count in snapshot.by_role.items()
        },
    )


def _artifact(told: Mapping[str, Any], snapshot: LedgerSnapshot) -> ArtifactRecord:
    # What crossed the wire is counted there; a backend can only say how large its artifact is.
    return ArtifactRecord(
        build_seconds=told["build_seconds"],
        bytes_read=snapshot.bytes_out,
        bytes_stored=told["bytes_stored"],
        requests=snapshot.requests,
    )
