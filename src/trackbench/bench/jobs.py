"""A job: what a child process is told to do, and what it tells while doing it. Both cross as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trackbench.backends.registry import Choice
from trackbench.granules import Granule, GranuleName
from trackbench.request import SubsetRequest
from trackbench.session import Endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.errors import Status


@dataclass(frozen=True, slots=True)
class Job:
    """Subsets to make with one backend, one after the other, in one process.

    Attributes
    ----------
    choice
        The backend and its variant.
    request
        What is asked.
    endpoints
        Where the cloud is.
    cache, scratch
        Folders for what may be kept, and for what may not.
    outputs
        One path for each subset to make. More than one makes the later ones warm.
    prepare
        Build the backend's artifact instead of making subsets.
    concurrency
        As in `trackbench.session.Session`.
    granules
        Exactly these granules, or None to have the backend find them.
    index, trace
        As in `trackbench.session.Session`.
    """

    choice: Choice
    request: SubsetRequest
    endpoints: Endpoints
    cache: Path
    scratch: Path
    outputs: tuple[Path, ...] = ()
    prepare: bool = False
    concurrency: int = 8
    granules: tuple[Granule, ...] | None = None
    index: str | None = None
    trace: Path | None = None

    def to_json(self) -> str:
        """Return the job as JSON text; `from_json` reads it back."""
        granules = None
        if self.granules is not None:
            granules = [{**dataclasses.asdict(each), "name": str(each.name)} for each in self.granules]
        endpoints = {each.name: getattr(self.endpoints, each.name) for each in dataclasses.fields(self.endpoints)}
        data = {
            "choice": dataclasses.asdict(self.choice),
            "request": self.request.to_dict(),
            "endpoints": {
                **endpoints,
                "environment": dict(self.endpoints.environment),
                "services": dict(self.endpoints.services),
            },
            "cache": str(self.cache),
            "scratch": str(self.scratch),
            "outputs": [str(path) for path in self.outputs],
            "prepare": self.prepare,
            "concurrency": self.concurrency,
            "granules": granules,
            "index": self.index,
            "trace": None if self.trace is None else str(self.trace),
        }
        return json.dumps(data)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        granules = data["granules"]
        if granules is not None:
            granules = tuple(Granule(**{**each, "name": GranuleName.parse(each["name"])}) for each in granules)
        return cls(
            choice=Choice(**data["choice"]),
            request=SubsetRequest.from_dict(data["request"]),
            endpoints=Endpoints(**data["endpoints"]),
            cache=Path(data["cache"]),
            scratch=Path(data["scratch"]),
            outputs=tuple(Path(path) for path in data["outputs"]),
            prepare=data["prepare"],
            concurrency=data["concurrency"],
            granules=granules,
            index=data["index"],
            trace=None if data["trace"] is None else Path(data["trace"]),
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """The child waits for leave to begin with the next piece of the job."""

    kind: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Advanced:
    """A granule is done."""

    done: int
    total: int
    text: str
    kind: Literal["advanced"] = "advanced"


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset stands under its name."""

    seconds: float
    phases: Mapping[str, float]
    rows: int
    output_bytes: int
    kind: Literal["subset"] = "subset"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The artifact is built, or none is needed (`artifact` is None)."""

    artifact: Mapping[str, Any] | None
    kind: Literal["prepared"] = "prepared"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The job ended early, and why."""

    status: Status
    reason: str
    kind: Literal["stopped"] = "stopped"


type Event = Ready | Advanced | Subset | Prepared | Stopped

_KINDS: Mapping[str, type[Event]] = {
    "ready": Ready,
    "advanced": Advanced,
    "subset": Subset,
    "prepared": Prepared,
    "stopped": Stopped,
}


def event_to_json(event: Event) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(dataclasses.asdict(event))


def event_from_json(line: str) -> Event:
    """Read what `event_to_json` wrote."""
    data = json.loads(line)
    return _KINDS[data["kind"]](**data)
