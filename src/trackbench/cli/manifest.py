"""``trackbench manifest``: chunk manifests of granules, for Zarr readers of any kind."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated, Literal

import typer

from trackbench.cli.index import access_to, granules_at
from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json, say, stages
from trackbench.errors import InputError

app = typer.Typer(
    help="Chunk manifests: in which file, and at which bytes, each chunk of each variable is.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Keep `build` a command of its own while there is only one."""


@app.command()
def build(
    *,
    form: Annotated[Literal["kerchunk", "icechunk", "dmrpp"], typer.Option("--format", help="What to write.")],
    granules: Annotated[list[str], typer.Option(help="Files, folders or addresses. May be repeated.")],
    output: Annotated[Path, typer.Option(help="Folder of the outcome.", file_okay=False)],
    product: Annotated[str, typer.Option(help="Product.")] = "ATL06",
    variable: Annotated[
        list[str] | None, typer.Option(help="A further variable, by its path within a beam. May be repeated.")
    ] = None,
    executor: Annotated[
        Literal["threads", "processes", "dask"], typer.Option(help="Where granules are looked through.")
    ] = "processes",
    workers: Annotated[int | None, typer.Option(min=1, help="How many at a time.")] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a Dask scheduler; else a local cluster is started.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Describe granules: one folder or file each, or one Icechunk repository for all.

    Granules that the output describes already are left as they are, so that an interrupted build goes on and new
    granules can be added. One that cannot be described is named, the rest goes on, and the exit status is 1.
    """
    try:
        from trackbench.backends.virtualizarr.manifest import build_manifest, whole_tracks  # noqa: PLC0415 - slow
    except ModuleNotFoundError as error:
        raise InputError(
            f"Manifests need the package {error.name!r}, which is not installed. Install it:"
            " uv pip install 'trackbench[virtualizarr]'"
        ) from None
    if address is not None and executor != "dask":
        raise InputError("--address names a Dask scheduler: add --executor dask.")
    found = granules_at(granules)
    with stages() as bars:
        report = build_manifest(
            form,
            found,
            output,
            access=access_to(found),
            request=whole_tracks(product, variable or ()),
            executor=executor,
            workers=workers,
            scheduler=address,
            progress=bars.stage("granules"),
        )
    if as_json:
        print_json(
            {
                "built": report.built,
                "kept": report.kept,
                "skipped": dict(report.skipped),
                "seconds": report.seconds,
                "bytes": report.bytes_stored,
            }
        )
    else:
        console().print(
            f"{report.built} granules described in {report.seconds:.1f} s, {report.kept} were already: {output},"
            f" {report.bytes_stored / 1e6:.2f} MB",
            markup=False,
        )
    for name, reason in report.skipped:
        say(f"[yellow]Skipped[/] {name}: {reason}")
    if report.skipped:
        raise typer.Exit(1)
