"""``trackbench compare``: say whether two subsets are the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json


def compare(
    output: Annotated[Path, typer.Argument(help="The subset to check.")],
    reference: Annotated[Path, typer.Argument(help="The subset that is taken to be right.")],
    *,
    as_json: Json = False,
) -> None:
    """Compare two GeoParquet subsets row by row.

    Exits 0 if they are identical or equivalent, 1 if they differ, 2 if one of them cannot be read.
    """
    from trackbench.bench.verdict import compare_tables, describe  # noqa: PLC0415 - slow to import
    from trackbench.geoparquet import read_geoparquet, read_metadata  # noqa: PLC0415
    from trackbench.region import Region  # noqa: PLC0415

    tables = read_geoparquet(output), read_geoparquet(reference)
    region = Region.parse(read_metadata(reference)["request"]["region"])
    verdict = compare_tables(*tables, region)
    if as_json:
        print_json(dataclasses.asdict(verdict))
    else:
        console().print(describe(verdict), markup=False)
    if verdict.kind == "different":
        raise typer.Exit(1)
