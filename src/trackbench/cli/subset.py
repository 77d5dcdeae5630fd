"""``trackbench subset``: the everyday tool, from a region to a GeoParquet file."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackbench.cli.options import Concurrency, Deadline, Json  # noqa: TC001 - typer reads them
from trackbench.cli.show import Stages, console, print_json, say, stages
from trackbench.errors import InputError, TrackbenchError, UnavailableError

if TYPE_CHECKING:
    from trackbench.backends.registry import Choice
    from trackbench.bench.jobs import Job, Stopped, Subset
    from trackbench.bench.supervise import Outcome
    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest
    from trackbench.session import Endpoints

_A_DAY = 86_400.0


def subset(
    *,
    region: Annotated[
        str, typer.Option(help="GeoJSON or WKT, as a file or as text, or a box: west,south,east,north.")
    ],
    output: Annotated[Path, typer.Option(help="The GeoParquet file to write.", dir_okay=False)],
    backend: Annotated[str, typer.Option(help="NAME or NAME:VARIANT.")] = "baseline",
    product: Annotated[str, typer.Option(help="Product.")] = "ATL06",
    start: Annotated[str, typer.Option(help="First date or time (UTC).")] = "2018-10-13",
    end: Annotated[str | None, typer.Option(help="Last date or time (UTC); a date is included whole.")] = None,
    variable: Annotated[
        list[str] | None, typer.Option(help="A further variable, by its path within a beam. May be repeated.")
    ] = None,
    release: Annotated[
        int | None, typer.Option(help="Only this release. Default: the newest of each granule.")
    ] = None,
    granules: Annotated[
        list[str] | None, typer.Option(help="Read these files, folders or addresses. May be repeated.")
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Find granules and chunks in this chunk index: a folder or an address.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Write what happened when (h3-index), for chrome://tracing or Perfetto.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Read from NASA, with your Earthdata login.")] = False,
    case: Annotated[
        str, typer.Option(help="Without --granules and --live: the case that a local cloud serves.")
    ] = "demo",
    profile: Annotated[str | None, typer.Option(help="Network profile of the local cloud.")] = None,
    deadline: Deadline = _A_DAY,
    concurrency: Concurrency = 8,
    as_json: Json = False,
) -> None:
    """Write all rows inside a region and a time range to one GeoParquet file.

    Where the rows come from: with `--granules` from those files, with `--live` from NASA, otherwise from the
    granules of a case, served by a local cloud.

    Examples: `trackbench subset --region greenland.geojson --output greenland.parquet --live`,
    `trackbench subset --region -45.4,62.6,-44.6,63 --granules FOLDER --output out.parquet`.
    """
    from trackbench.backends.registry import choose  # noqa: PLC0415 - these imports take longer than --help may
    from trackbench.region import Region  # noqa: PLC0415
    from trackbench.request import SubsetRequest  # noqa: PLC0415

    times = {"start": start} if end is None else {"start": start, "end": end}
    request = SubsetRequest.build(
        product, Region.parse(region), **times, variables=tuple(variable or ()), release=release
    )
    if live and profile is not None:
        raise InputError("--live reads from NASA over the real network; leave out --profile.")
    if not output.parent.is_dir():
        raise InputError(f"There is no folder {output.parent} to write {output.name} to. Make it first.")
    choice = choose([backend])[0]
    if (index is not None or trace is not None) and choice.backend != "h3-index":
        raise InputError(f"--index and --trace are for the backend h3-index, not for {choice.backend}.")
    with ExitStack() as stack:
        bars = stack.enter_context(stages())
        if index is not None and not live and profile is None:
            source = _indexed(index, granules)
        else:
            source = _source(
                stack, bars, choice, request, granules=granules, live=live, case=case, profile=profile
            )
        told = _make(
            bars,
            choice,
            request,
            source,
            output,
            deadline=deadline,
            concurrency=concurrency,
            index=index,
            trace=trace,
        )
    _tell(told, output, request, as_json=as_json)


def _indexed(index: str, granules: list[str] | None) -> tuple[Endpoints, tuple[Granule, ...] | None]:
    """Leave it to the index where its granules are: those on this machine need no cloud, and no login."""
    from trackbench.chunkindex.lookup import Index  # noqa: PLC0415
    from trackbench.session import LIVE  # noqa: PLC0415

    if granules:
        raise InputError("--index says which granules there are; leave out --granules.")
    if not index.startswith(("s3://", "https://", "http://")):
        Index.open(index)  # to say at once that there is none
    return LIVE, None


def _source(
    stack: ExitStack,
    bars: Stages,
    choice: Choice,
    request: SubsetRequest,
    *,
    granules: list[str] | None,
    live: bool,
    case: str,
    profile: str | None,
) -> tuple[Endpoints, tuple[Granule, ...] | None]:
    """Find out where the rows come from; start a local cloud where one is needed, and say so."""
    from trackbench.backends.registry import load  # noqa: PLC0415
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415
    from trackbench.cli.places import is_remote, local_files  # noqa: PLC0415
    from trackbench.granules import Granule, newest  # noqa: PLC0415
    from trackbench.session import LIVE  # noqa: PLC0415

    places = granules or []
    remote = [place for place in places if is_remote(place)]
    if live or remote:
        if len(remote) < len(places):
            raise InputError("Give either files of this machine or addresses in the cloud, not both.")
        if not live:
            raise InputError(f"{remote[0]} is an address in the Earthdata cloud: add --live to read from there.")
        _need_credentials()
        return LIVE, _of_product(newest(map(Granule.locate, remote)), request) if remote else None
    cache = cache_folder()
    if places:
        files = local_files(places)
        named = _of_product(newest(Granule.locate(str(path)) for path in files), request)
        if load(choice.backend).reads_local_files and profile is None:
            return LIVE, named
        files = tuple(Path(each.path) for each in named if each.path is not None)
        from trackbench.bench.sidecars import make_sidecars  # noqa: PLC0415

        beside = make_sidecars(files, bars.stage("DMR++"), cache_dir=cache)
        say(f"{choice} reads through a server: a local cloud serves these {len(files)} files.")
    else:
        from trackbench.bench.cases import load_case, materialise, sidecars  # noqa: PLC0415

        workload = load_case(case, cache_dir=cache)
        files = materialise(workload, cache, bars.stage(f"granules of {case}"))
        beside = sidecars(workload, files, cache, bars.stage(f"DMR++ of {case}"))
        say(f"No --live, no --granules: a local cloud serves the {len(files)} granules of the case {case}.")
    from trackbench.cli.lists import known_profile  # noqa: PLC0415
    from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud  # noqa: PLC0415

    bars.stage("local cloud")
    network = PROFILES[known_profile(profile or "loopback")]
    config = CloudConfig((*files, *beside), network, cache_dir=cache / "localcloud", artifacts=cache / "artifacts")
    return stack.enter_context(LocalCloud.start(config)).endpoints, None


def _of_product(granules: tuple[Granule, ...], request: SubsetRequest) -> tuple[Granule, ...]:
    name, release = request.product.name, request.release
    for granule in granules:
        if granule.name.product != name:
            raise InputError(f"{granule.name} is not {name}: leave it out, or ask for --product.")
    return tuple(each for each in granules if release in (None, each.name.release))


def _need_credentials() -> None:
    from trackbench.backends.earthdata import HOW_TO_LOG_IN, credentials_found  # noqa: PLC0415

    if not credentials_found():
        raise UnavailableError(f"--live needs an Earthdata login, and there is none. {HOW_TO_LOG_IN}")


def _make(
    bars: Stages,
    choice: Choice,
    request: SubsetRequest,
    source: tuple[Endpoints, tuple[Granule, ...] | None],
    output: Path,
    *,
    deadline: float,
    concurrency: int,
    index: str | None,
    trace: Path | None,
) -> Subset:
    from trackbench.bench.jobs import Job, Prepared, Subset  # noqa: PLC0415
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415
    from trackbench.bench.supervise import scratch_folder, supervise  # noqa: PLC0415

    endpoints, granules = source
    scratch = scratch_folder()

    def job(*, prepare: bool) -> Job:
        return Job(
            choice=choice,
            request=request,
            endpoints=endpoints,
            cache=cache_folder(),
            scratch=scratch,
            outputs=() if prepare else (output.absolute(),),
            prepare=prepare,
            concurrency=concurrency,
            granules=granules,
            index=index,
            trace=None if prepare or trace is None else trace.absolute(),
        )

    try:
        # With an index that is there, nothing is left to be built.
        if index is None:
            prepared = supervise(job(prepare=True), deadline=deadline, progress=bars.stage(f"{choice} prepare"))
            event = _event(prepared)
            assert isinstance(event, Prepared)
            if event.artifact is not None:
                say(f"{choice} built {event.artifact['place']} first ({event.artifact['build_seconds']:.1f} s).")
        made = _event(supervise(job(prepare=False), deadline=deadline, progress=bars.stage(str(choice))))
        assert isinstance(made, Subset)
        return made
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _event(outcome: Outcome) -> object:
    if outcome.stopped is not None:
        raise _error(outcome.stopped)
    return outcome.pieces[0].event


def _error(stopped: Stopped) -> TrackbenchError:
    kinds = {kind.status: kind for kind in TrackbenchError.__subclasses__()}
    return kinds[stopped.status](stopped.reason)


def _tell(told: Subset, output: Path, request: SubsetRequest, *, as_json: bool) -> None:
    if as_json:
        print_json({"output": str(output), "rows": told.rows, "bytes": told.output_bytes, "seconds": told.seconds})
        return
    if told.rows == 0:
        console().print(
            f"No row of {request.product.name} lies in the region and the time range."
            f" {output} is valid and holds the columns without rows.",
            markup=False,
        )
        return
    console().print(
        f"{told.rows:,} rows, {told.output_bytes / 1e6:.1f} MB, in {told.seconds:.1f} s: {output}", markup=False
    )
