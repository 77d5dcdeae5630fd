"""Ask a backend a question in a process of its own, and look at what it leaves."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from trackbench.bench.jobs import Job, Prepared, Subset
from trackbench.bench.supervise import supervise
from trackbench.bench.verdict import compare_tables, describe
from trackbench.geoparquet import read_geoparquet
from trackbench.localcloud import PROFILES
from trackbench.testing.answering import Answering

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from trackbench.backends.registry import Choice
    from trackbench.bench.jobs import Stopped
    from trackbench.errors import Status
    from trackbench.localcloud import Fault
    from trackbench.testing.scenarios import Scenario
    from trackbench.testing.world import World

_CONCURRENCY: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """How a backend answered.

    Attributes
    ----------
    status, reason
        How it ended; ``ok`` when every subset was written.
    outputs
        The files that were written whole.
    left
        Files that it left beside its cache and its scratch folder, and unfinished ones among the outputs.
    subsets
        What was measured of each output, where it ran as ``trackbench run`` does.
    progress
        Granules done and their number, as told meanwhile.
    """

    status: Status
    reason: str
    outputs: tuple[Path, ...]
    left: tuple[str, ...]
    subsets: tuple[Subset, ...] = ()
    progress: tuple[tuple[int, int], ...] = ()

    @property
    def table(self) -> pa.Table:
        """The rows of the first output."""
        assert self.status == "ok", f"{self.status}: {self.reason}"
        return read_geoparquet(self.outputs[0])


@dataclass(slots=True)
class Conformance:
    """Asks a backend.

    Attributes
    ----------
    choice
        The backend and its variant; it can be changed between questions.
    world
        What it is asked about.
    folder
        For its cache, its scratch folders and its outputs.
    profile
        Name of the network profile.
    deadline
        Seconds for one answer.
    prepares
        Whether to have it build its artifact before each question.
    """

    choice: Choice
    world: World
    folder: Path
    profile: str = "loopback"
    deadline: float = 120.0
    prepares: bool = False
    _answers: dict[tuple[Choice, str], Answer] = field(default_factory=dict)
    _twice: dict[Choice, Answer] = field(default_factory=dict)
    _answering: Answering | None = None

    def ask(self, name: str) -> Answer:
        """Return the answer to a scenario. One process answers all of them, each once."""
        key = (self.choice, name)
        if key not in self._answers:
            job = self._job(self.world.scenarios[name])
            if self._answering is None or not self._answering.running:
                here = job.scratch.parent / "here"
                here.mkdir()
                environment = self.world.cloud.endpoints.environment
                self._answering = Answering.start(environment, here, self.folder / "answering.log")
            event = self._answering.ask(replace(job, prepare=self.prepares), self.deadline)
            self._answers[key] = _answer(job, event if event.kind == "stopped" else None, ())
        return self._answers[key]

    def check(self, name: str, *, bitwise: bool = True) -> pa.Table:
        """Ask, compare with the reference, and return the rows of the reference.

        Raises
        ------
        AssertionError
            If there is no answer, or it is not right; with the verdict.
        """
        scenario = self.world.scenarios[name]
        reference = self.world.reference(scenario)
        verdict = compare_tables(self.ask(name).table, reference, scenario.request.region)
        right = ("identical",) if bitwise else ("identical", "equivalent")
        assert verdict.kind in right, describe(verdict)
        return reference

    def run(
        self,
        scenario: Scenario,
        *,
        times: int = 1,
        faults: Sequence[Fault] = (),
    ) -> Answer:
        """Run a scenario now, in a process of its own, as ``trackbench run`` does.

        Parameters
        ----------
        scenario
            What to ask.
        times
            How many subsets to make in that process.
        faults
            What goes wrong meanwhile.
        """
        job = self._job(scenario, times)
        if self.prepares:
            stopped = supervise(replace(job, prepare=True), deadline=self.deadline).stopped
            if stopped is not None:
                return _answer(job, stopped, ())
        told: list[tuple[int, int]] = []
        self.world.cloud.set_faults(faults)
        try:
            with _elsewhere() as elsewhere:
                outcome = supervise(
                    job, deadline=self.deadline, progress=lambda done, total, _: told.append((done, total))
                )
                answer = _answer(job, outcome.stopped, _files(elsewhere))
        finally:
            self.world.cloud.set_faults(())
        subsets = tuple(piece.event for piece in outcome.pieces if piece.event.kind == "subset")
        return replace(answer, subsets=subsets, progress=tuple(told))

    def run_twice(self) -> Answer:
        """Return the answer to the box, made twice in one process as ``trackbench run`` does; run at most once."""
        if self.choice not in self._twice:
            self._twice[self.choice] = self.run(self.world.scenarios["box"], times=2)
        return self._twice[self.choice]

    def prepare(self, scenario: Scenario) -> Mapping[str, Any] | None:
        """Have the backend prepare for a scenario, and return what it says of its artifact."""
        outcome = supervise(replace(self._job(scenario), prepare=True), deadline=self.deadline)
        assert outcome.stopped is None, f"{outcome.stopped.status}: {outcome.stopped.reason}"
        event = outcome.pieces[0].event
        assert isinstance(event, Prepared)
        return event.artifact

    def close(self) -> None:
        """End the process that answers."""
        if self._answering is not None:
            self._answering.stop()

    def _job(self, scenario: Scenario, times: int = 1) -> Job:
        self.world.cloud.set_profile(PROFILES[self.profile])
        place = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("cache", "results", "scratch"):
            (place / name).mkdir()
        return Job(
            choice=self.choice,
            request=scenario.request,
            endpoints=self.world.endpoints(scenario),
            cache=place / "cache",
            scratch=place / "scratch",
            outputs=tuple(place / "results" / f"{number}.parquet" for number in range(times)),
            concurrency=_CONCURRENCY,
            granules=scenario.given,
        )


def _answer(job: Job, stopped: Stopped | None, left: tuple[str, ...]) -> Answer:
    written = tuple(path for path in job.outputs if path.exists())
    results = job.outputs[0].parent
    left += tuple(name for name in _files(results) if results / name not in written)
    if stopped is not None:
        return Answer(stopped.status, stopped.reason, written, left)
    return Answer("ok", "", written, left)


@contextmanager
def _elsewhere() -> Iterator[Path]:
    """Have what is started meanwhile take empty folders for the user's home, the temporary and the current one.

    They are no folders of pytest's: a path to a socket, which workers are reached by, must be short.
    """
    with tempfile.TemporaryDirectory(prefix="kit-") as folder:
        places = {name: Path(folder, name) for name in ("home", "tmp", "here")}
        for place in places.values():
            place.mkdir()
        user = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        told = {**dict.fromkeys(user, str(places["home"])), "TMPDIR": str(places["tmp"])}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in told.items():
                patch.setenv(name, value)
            patch.chdir(places["here"])
            yield Path(folder)


def _files(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()))
