"""``trackbench run``: measure backends, check every row, record, and show."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from trackbench.cli.options import Concurrency, Deadline, Json, Out  # noqa: TC001 - typer reads them
from trackbench.cli.show import Stages, console, print_json, say, stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record
    from trackbench.bench.runner import Plan
    from trackbench.session import Progress

_SAMPLES: Final = 3
_PATIENCE: Final = 50.0
"""Seconds of sampling after which a run that was not told how many samples to take begins no further round."""

_GOOD: Final = frozenset({"ok", "unsupported", "unavailable"})


class _Shown:
    """Shows a run while it goes on."""

    def __init__(self, bars: Stages) -> None:
        self._bars = bars

    def stage(self, text: str) -> Progress:
        return self._bars.stage(text)

    def recorded(self, record: Record) -> None:
        pass


def run(
    *,
    case: Annotated[
        list[str] | None, typer.Option(help="Workload, such as demo, greenland or real:FOLDER. May be repeated.")
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME:VARIANT. May be repeated. Default: every backend.")
    ] = None,
    all_variants: Annotated[
        bool, typer.Option("--all-variants", help="The slow and the naive variants too.")
    ] = False,
    profile: Annotated[list[str] | None, typer.Option(help="Network profile. May be repeated.")] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            show_default=False,
            help=f"Samples of each variant. Default: {_SAMPLES}, but no further round after {_PATIENCE:.0f} s.",
        ),
    ] = None,
    cold: Annotated[
        bool,
        typer.Option(
            "--cold/--warm",
            help="Cold: each sample in a new process, no connection, no cache. Warm: later ones of one process.",
        ),
    ] = True,
    deadline: Deadline = 300.0,
    concurrency: Concurrency = 8,
    null_run: Annotated[
        bool, typer.Option("--null-run/--no-null-run", help="Measure the first variant twice, to show the noise.")
    ] = True,
    out: Out = Path(),
    as_json: Json = False,
) -> None:
    """Measure backends on a case through a network, compare every row with the reference, and report.

    Appends to `OUT/results/runs/*.jsonl` and writes `OUT/reports/index.html`. Exits 0 only if every run was ok,
    unsupported or unavailable. Nothing leaves this machine: a local cloud serves the granules, and it is shaped
    by the network profile.

    Examples: `trackbench run`, `trackbench run --case real:FOLDER --backend baseline --all-variants`,
    `trackbench run --backend baseline:slice --profile campus --profile laptop --warm`.
    """
    from trackbench.backends.registry import choose  # noqa: PLC0415 - these imports take longer than --help may
    from trackbench.bench.cases import load_case  # noqa: PLC0415
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415
    from trackbench.bench.runner import Plan  # noqa: PLC0415
    from trackbench.cli.lists import known_profile  # noqa: PLC0415

    cache = cache_folder()
    command = _command(sys.argv[1:])
    choices = choose(backend or (), all_variants=all_variants)
    plans = [
        Plan(
            case=load_case(each, cache_dir=cache),
            choices=choices,
            profile=known_profile(network),
            temperature="cold" if cold else "warm",
            samples=samples or _SAMPLES,
            patience=_PATIENCE if samples is None else None,
            deadline=deadline,
            concurrency=concurrency,
            null_run=null_run,
            command=command,
        )
        for each in case or ["demo"]
        for network in profile or ["in-region"]
    ]
    records: list[Record] = []
    for plan in plans:
        records.extend(_run(plan, cache, out))
    page = _page(out)
    if as_json:
        print_json([_plain(record) for record in records])
    else:
        from trackbench.cli.table import results_table  # noqa: PLC0415

        for plan in plans:
            console().print(
                results_table([r for r in records if (r.case, r.profile) == (plan.case.name, plan.profile)])
            )
    say(f"Records: {out / 'results' / 'runs'}\nPage: {page}")
    if any(record.status not in _GOOD for record in records):
        raise typer.Exit(1)


def _command(words: Sequence[str]) -> str:
    """Return how to repeat this, without the folder of the outcome: that is the next user's own."""
    kept = []
    skip = False
    for word in words:
        if not skip and word != "--out" and not word.startswith("--out="):
            kept.append(word)
        skip = word == "--out"
    return shlex.join(["trackbench", *kept])


def _run(plan: Plan, cache: Path, out: Path) -> tuple[Record, ...]:
    from trackbench.bench.records import append_records  # noqa: PLC0415
    from trackbench.bench.runner import run as measure  # noqa: PLC0415
    from trackbench.report.kept import keep_map  # noqa: PLC0415

    with stages() as bars:
        results = measure(plan, cache=cache, observer=_Shown(bars))
        append_records(out / "results" / "runs" / f"{results.records[0].run}.jsonl", results.records)
        keep_map(out / "results" / "maps", plan.case.name, plan.case.request.region, results.reference.table)
    return results.records


def _page(out: Path) -> Path:
    from trackbench.report.kept import build_from  # noqa: PLC0415

    with stages() as bars:
        bars.stage("page")
        return build_from(out)


def _plain(record: Record) -> object:
    import json  # noqa: PLC0415

    return json.loads(record.to_json())
