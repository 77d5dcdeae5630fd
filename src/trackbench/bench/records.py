"""Records of runs: what was measured, on what, and how it ended, one strict-JSON object a line."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from trackbench.errors import InputError, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SCHEMA: Final = 1

type Temperature = Literal["cold", "warm"]


@dataclass(frozen=True, slots=True)
class Wire:
    """What crossed the network, counted at the server's side.

    Attributes
    ----------
    requests
        HTTP requests, those for credentials and searches included.
    bytes_in, bytes_out
        Bytes that the server received and sent, as the kernel counts them (TCP payload: headers and, where it is
        used, TLS included). ``bytes_out`` is what the client downloaded.
    connections
        TCP connections opened.
    by_role
        For each role of the cloud: ``requests`` and ``bytes`` (bodies alone).
    """

    requests: int
    bytes_in: int
    bytes_out: int
    connections: int
    by_role: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time: of the client with all its workers, and of the local cloud."""

    client: float
    server: float


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One measured subset.

    Attributes
    ----------
    seconds
        Wall time from the start of the job until the output stands under its name.
    phases
        That time by phase.
    wire, cpu_seconds, peak_rss_bytes
        Counts of this sample alone; memory is the largest sum over the client's processes that was seen.
    """

    seconds: float
    phases: Mapping[str, float]
    wire: Wire
    cpu_seconds: Cpu
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """How the output compares with the reference; counts are rows."""

    kind: Literal["identical", "equivalent", "different"]
    missing: int
    extra: int
    changed: int
    near_boundary: int
    examples: tuple[Mapping[str, Any], ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """What was built beforehand, reported apart from the runs that use it."""

    build_seconds: float
    bytes_read: int
    bytes_stored: int
    requests: int


@dataclass(frozen=True, slots=True)
class BoundRecord:
    """The least that this network and this file layout allow."""

    seconds: float
    network_seconds: float
    decode_seconds: float
    bytes: int
    requests: int


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What the requests and the transfer of one subset cost at list prices, in US dollars."""

    requests_usd: float
    egress_usd: float
    priced_on: str


@dataclass(frozen=True, slots=True)
class Record:
    """One run: a backend's variant on a case under a network profile, cold or warm.

    The summary fields ``phases``, ``wire``, ``cpu_seconds`` and ``peak_rss_bytes`` are those of the sample whose
    time is the median (the lower of the two middle ones); ``samples`` holds all.

    Attributes
    ----------
    run
        Name of the invocation that this run was part of; all records of one invocation share it.
    started_at
        ISO 8601, UTC.
    commit
        Commit of trackbench, or None outside a checkout.
    stand_in
        Whether a local endpoint stood in for a service. Its time is not the service's.
    status, reason
        How it ended, and why in words where it is not ``ok``.
    seconds
        Every sample; empty where the status is not ``ok``: such a run has no speed.
    rows, digest
        Rows of the output and a digest of its contents.
    server_bound
        Whether the local cloud's processor time exceeded a third of the data phase, so that the figure says more
        about the stand-in than about the backend.
    versions
        Of the packages that took part.
    machine, network
        Where it ran, and the profile's settings.
    """

    run: str
    started_at: str
    commit: str | None
    backend: str
    variant: str
    case: str
    profile: str
    temperature: Temperature
    stand_in: bool
    status: Status
    reason: str
    seconds: tuple[float, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    wire: Wire | None = None
    cpu_seconds: Cpu | None = None
    peak_rss_bytes: int | None = None
    rows: int | None = None
    digest: str | None = None
    verdict: VerdictRecord | None = None
    artifact: ArtifactRecord | None = None
    bound: BoundRecord | None = None
    cost: CostRecord | None = None
    server_bound: bool = False
    output_bytes: int | None = None
    granules: int = 0
    granule_bytes: int = 0
    samples: tuple[SampleRecord, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    schema: int = SCHEMA

    @property
    def label(self) -> str:
        """``backend:variant``."""
        return f"{self.backend}:{self.variant}"

    def to_json(self) -> str:
        """Return the record as one line of strict JSON (no NaN, no infinity)."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Record:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If the schema is not one that this release reads, or a field is missing.
        """
        if data.get("schema") != SCHEMA:
            raise InputError(f"A record has schema {data.get('schema')!r}; this release reads {SCHEMA}.")
        known = {each.name for each in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        nested = {
            "wire": Wire,
            "cpu_seconds": Cpu,
            "artifact": ArtifactRecord,
            "bound": BoundRecord,
            "cost": CostRecord,
        }
        try:
            for key, kind in nested.items():
                if values.get(key) is not None:
                    values[key] = kind(**values[key])
            if values.get("verdict") is not None:
                verdict = dict(values["verdict"])
                values["verdict"] = VerdictRecord(**{**verdict, "examples": tuple(verdict.get("examples", ()))})
            values["samples"] = tuple(_sample(each) for each in values.get("samples", ()))
            values["seconds"] = tuple(values.get("seconds", ()))
            return cls(**values)
        except TypeError as error:
            raise InputError(f"A record lacks or doubles a field: {error}.") from None


def _sample(data: Mapping[str, Any]) -> SampleRecord:
    nested = {"wire": Wire(**data["wire"]), "cpu_seconds": Cpu(**data["cpu_seconds"])}
    return SampleRecord(**{**data, **nested})


def append_records(path: Path, records: Iterable[Record]) -> None:
    """Append records to a JSONL file, each line whole or not at all even if the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(record.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_records(place: Path) -> tuple[Record, ...]:
    """Read every record of a JSONL file, or of all ``*.jsonl`` files of a folder, oldest first.

    A last line that was cut off by an interrupt is left out.

    Raises
    ------
    InputError
        If the place does not exist, or a line within it is not a record.
    """
    if not place.exists():
        raise InputError(f"There is no {place}: `trackbench run` writes records.")
    paths = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    records: list[Record] = []
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except json.JSONDecodeError as error:
                if number == len(lines):
                    continue
                raise InputError(f"Line {number} of {path} is not JSON: {error}.") from None
            records.append(Record.from_dict(data))
    return tuple(sorted(records, key=lambda record: record.started_at))
