"""``trackbench index``: build a chunk index, look into it, and ask what a subset would fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json, say, stages
from trackbench.errors import InputError

if TYPE_CHECKING:
    from trackbench.access import Access
    from trackbench.granules import Granule

app = typer.Typer(
    help="The spatial chunk index: which chunks of which granules lie where, and where their bytes are.",
    no_args_is_help=True,
)
Granules = Annotated[list[str], typer.Option(help="Files, folders or addresses of granules. May be repeated.")]
Place = Annotated[str, typer.Argument(help="The index: a folder, or for `query` and `info` also an address.")]


@app.command()
def build(
    *,
    granules: Granules,
    output: Annotated[Path, typer.Option(help="Folder of the index.", file_okay=False)],
    product: Annotated[str, typer.Option(help="Product.")] = "ATL06",
    append: Annotated[bool, typer.Option("--append", help="Add to the index that is there.")] = False,
    executor: Annotated[
        Literal["threads", "processes", "dask"], typer.Option(help="Where granules are read.")
    ] = "processes",
    workers: Annotated[int | None, typer.Option(min=1, help="How many at a time.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a Dask scheduler; else a local cluster is started.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Index granules by reading their metadata and coordinates.

    What was read before an interrupt is not read again. A granule that cannot be indexed is named, and the
    rest goes on; the exit status is then 1.
    """
    from trackbench.chunkindex.build import build_index  # noqa: PLC0415 - slow to import
    from trackbench.products import get_product  # noqa: PLC0415

    if address is not None and executor != "dask":
        raise InputError("--address names a Dask scheduler: add --executor dask.")
    if not append and (output / "index.json").exists():
        raise InputError(f"There is an index at {output}. Add to it with --append, or name another folder.")
    found = granules_at(granules)
    with stages() as bars:
        report = build_index(
            found,
            output,
            access=access_to(found),
            product=get_product(product),
            append=append,
            executor=executor,
            workers=workers,
            address=address,
            progress=bars.stage("granules"),
        )
    if as_json:
        print_json(
            {
                "indexed": report.indexed,
                "kept": report.kept,
                "skipped": dict(report.skipped),
                "seconds": report.seconds,
                "bytes": report.bytes_stored,
            }
        )
    else:
        console().print(
            f"{report.indexed} granules indexed in {report.seconds:.1f} s ({report.kept} of all were known"
            f" already): {output}, {report.bytes_stored / 1e6:.2f} MB",
            markup=False,
        )
    for name, reason in report.skipped:
        say(f"[yellow]Skipped[/] {name}: {reason}")
    if report.skipped:
        raise typer.Exit(1)


def granules_at(places: list[str]) -> list[Granule]:
    """Return the granules of files, folders and addresses."""
    from trackbench.cli.places import is_remote, local_files  # noqa: PLC0415
    from trackbench.granules import Granule  # noqa: PLC0415

    remote = [place for place in places if is_remote(place)]
    local = local_files([place for place in places if not is_remote(place)]) if len(remote) < len(places) else ()
    return [Granule.locate(str(place)) for place in (*remote, *local)]


def access_to(granules: list[Granule]) -> Access:
    """Return how to reach granules; log in only where one is in the Earthdata cloud."""
    from trackbench.access import Access  # noqa: PLC0415

    if all(granule.path is not None for granule in granules):
        return Access()
    from trackbench.backends.h3_index.login import log_in  # noqa: PLC0415
    from trackbench.session import LIVE, Session  # noqa: PLC0415

    return log_in(Session(LIVE, Path(), Path()))


@app.command()
def info(place: Place, *, as_json: Json = False) -> None:
    """Say what an index holds."""
    from trackbench.chunkindex.lookup import Index  # noqa: PLC0415 - slow to import

    manifest = Index.open(place, _reader(place)).manifest
    size = sum(each.size for each in manifest.partitions)
    further = sum(each.further_size for each in manifest.partitions)
    told = {
        "product": manifest.product,
        "granules": manifest.granules,
        "chunks": manifest.chunks,
        "files": len(manifest.partitions),
        "bytes": size,
        "bytes_of_further_variables": further,
        "layouts": len(manifest.layouts),
        "h3_resolution": manifest.h3_resolution,
        "partition_resolution": manifest.partition_resolution,
    }
    if as_json:
        print_json(told)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in told.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console().print(table)


def _reader(place: str) -> Access | None:
    from trackbench.access import Access  # noqa: PLC0415
    from trackbench.cli.places import is_remote  # noqa: PLC0415

    return Access() if is_remote(place) else None


@app.command()
def query(
    place: Place,
    *,
    region: Annotated[
        str, typer.Option(help="GeoJSON or WKT, as a file or as text, or a box: west,south,east,north.")
    ],
    start: Annotated[str, typer.Option(help="First date or time (UTC).")] = "2018-10-13",
    end: Annotated[str | None, typer.Option(help="Last date or time (UTC).")] = None,
    variable: Annotated[list[str] | None, typer.Option(help="A further variable. May be repeated.")] = None,
    release: Annotated[int | None, typer.Option(help="Only this release.")] = None,
    as_json: Json = False,
) -> None:
    """Say what a subset would fetch, without fetching it: granules, chunks, requests and bytes."""
    import numpy as np  # noqa: PLC0415 - slow to import

    from trackbench.chunkindex.lookup import Index  # noqa: PLC0415
    from trackbench.chunkindex.plan import plan_spans  # noqa: PLC0415
    from trackbench.region import Region  # noqa: PLC0415
    from trackbench.request import SubsetRequest  # noqa: PLC0415

    index = Index.open(place, _reader(place))
    times = {"start": start} if end is None else {"start": start, "end": end}
    request = SubsetRequest.build(
        index.manifest.product, Region.parse(region), **times, variables=tuple(variable or ()), release=release
    )
    found = index.lookup(request, paths=[each.path for each in request.variables])
    paths = [each.path for each in (*request.product.coordinates, *request.columns)]
    requests = fetched = 0
    for number, granule in enumerate(found.granules):
        keys = [(int(chunk), path) for chunk in np.flatnonzero(found.granule == number) for path in paths]
        spans = plan_spans(found, granule, found.layouts[granule.layout], keys)
        requests += len(spans)
        fetched += sum(span.stop - span.start for span in spans)
    told = {
        "granules": len(found.granules),
        "chunks": len(found),
        "requests": requests,
        "bytes_of_chunks": sum(int(found.sizes[path].sum()) for path in paths),
        "bytes_fetched": fetched,
    }
    if as_json:
        print_json({**told, "names": [str(each.granule.name) for each in found.granules]})
        return
    console().print(
        f"{told['granules']:,} granules, {told['chunks']:,} chunks of ground tracks, {requests:,} requests,"
        f" {fetched / 1e6:.1f} MB",
        markup=False,
    )


@app.command()
def validate(
    place: Annotated[Path, typer.Argument(help="Folder of the index.")],
    *,
    granules: Granules,
    sample: Annotated[int | None, typer.Option(min=1, help="Read so many of them, chosen at random.")] = None,
    as_json: Json = False,
) -> None:
    """Read granules again and compare them with the index; exits 1 where they differ."""
    from trackbench.chunkindex.validate import validate_index  # noqa: PLC0415 - slow to import

    with stages() as bars:
        compared, findings = validate_index(
            place, granules_at(granules), sample=sample, progress=bars.stage("granules")
        )
    if as_json:
        print_json({"compared": compared, "problems": {each.granule: each.problem for each in findings}})
    else:
        for each in findings:
            console().print(f"{each.granule}: {each.problem}", markup=False)
        console().print(f"{compared} granules compared, {len(findings)} differ.")
    if findings:
        raise typer.Exit(1)
