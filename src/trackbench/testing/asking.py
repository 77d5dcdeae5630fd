"""Ask a backend a question in a process of its own, as a run does, and look at what it leaves."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trackbench.bench.jobs import Job, Prepared
from trackbench.bench.supervise import supervise
from trackbench.bench.verdict import compare_tables, describe
from trackbench.geoparquet import read_geoparquet
from trackbench.localcloud import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from trackbench.backends.registry import Choice
    from trackbench.errors import Status
    from trackbench.localcloud import Fault
    from trackbench.session import Endpoints
    from trackbench.testing.scenarios import Scenario
    from trackbench.testing.world import World

_CONCURRENCY = 4


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
    """

    status: Status
    reason: str
    outputs: tuple[Path, ...]
    left: tuple[str, ...]

    @property
    def table(self) -> pa.Table:
        """The rows of the first output."""
        assert self.status == "ok", f"{self.status}: {self.reason}"
        return read_geoparquet(self.outputs[0])


@dataclass(slots=True)
class Conformance:
    """Asks one backend and variant, each question once.

    Attributes
    ----------
    choice
        The backend and its variant.
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
    profile: str
    deadline: float
    prepares: bool
    _answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self, name: str, *, times: int = 1) -> Answer:
        """Return the answer to a scenario; asking again does not run it again."""
        scenario = self.world.scenarios[name]
        key = f"{name} x {times}"
        if key not in self._answers:
            self._answers[key] = self.run(scenario, times=times)
        return self._answers[key]

    def check(self, name: str, *, bitwise: bool) -> pa.Table:
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
        endpoints: Endpoints | None = None,
        faults: Sequence[Fault] = (),
    ) -> Answer:
        """Run a scenario now.

        Parameters
        ----------
        scenario
            What to ask.
        times
            How many subsets to make in one process.
        endpoints
            Where the cloud is; by default the world's.
        faults
            What goes wrong meanwhile.
        """
        place = Path(tempfile.mkdtemp(dir=self.folder))
        job = self._job(scenario, place, endpoints)
        if self.prepares:
            stopped = supervise(replace(job, prepare=True), deadline=self.deadline).stopped
            if stopped is not None:
                return Answer(stopped.status, stopped.reason, (), ())
        results = place / "results"
        results.mkdir()
        outputs = tuple(results / f"{number}.parquet" for number in range(times))
        self.world.cloud.set_faults(faults)
        try:
            with _elsewhere() as elsewhere:
                outcome = supervise(replace(job, outputs=outputs), deadline=self.deadline)
                left = _files(elsewhere)
        finally:
            self.world.cloud.set_faults(())
        written = tuple(path for path in outputs if path.exists())
        left += tuple(name for name in _files(results) if results / name not in written)
        if outcome.stopped is not None:
            return Answer(outcome.stopped.status, outcome.stopped.reason, written, left)
        return Answer("ok", "", written, left)

    def prepare(self, scenario: Scenario) -> Mapping[str, Any] | None:
        """Have the backend prepare for a scenario, and return what it says of its artifact."""
        job = self._job(scenario, Path(tempfile.mkdtemp(dir=self.folder)), None)
        outcome = supervise(replace(job, prepare=True), deadline=self.deadline)
        assert outcome.stopped is None, f"{outcome.stopped.status}: {outcome.stopped.reason}"
        event = outcome.pieces[0].event
        assert isinstance(event, Prepared)
        return event.artifact

    def _job(self, scenario: Scenario, place: Path, endpoints: Endpoints | None) -> Job:
        self.world.cloud.set_profile(PROFILES[self.profile])
        return Job(
            choice=self.choice,
            request=scenario.request,
            endpoints=endpoints or self.world.cloud.endpoints,
            cache=place / "cache",
            scratch=place / "scratch",
            concurrency=_CONCURRENCY,
            granules=scenario.given,
        )


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
