"""``trackbench backends``, ``cases`` and ``profiles``: what there is to choose from."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json
from trackbench.errors import InputError, UnsupportedError


def known_profile(name: str) -> str:
    """Return `name` if there is such a network profile.

    Raises
    ------
    InputError
        If there is none.
    """
    from trackbench.localcloud import PROFILES  # noqa: PLC0415 - slow to import

    if name not in PROFILES:
        raise InputError(f"There is no profile {name!r}. There are: {', '.join(PROFILES)}.")
    return name


def backends(
    *,
    product: Annotated[
        str | None,
        typer.Option(help="List the further variables of this product instead."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the installed backends and their variants."""
    if product is not None:
        _variables(product, as_json=as_json)
        return
    from trackbench.backends.registry import entry_points, load  # noqa: PLC0415

    rows: list[dict[str, Any]] = []
    for name, point in entry_points().items():
        package = point.dist.name if point.dist is not None else ""
        try:
            variants = load(name).variants
        except UnsupportedError as error:
            rows.append({"backend": name, "variant": None, "package": package, "missing": str(error)})
            continue
        rows.extend(
            {
                "backend": name,
                "variant": variant,
                "package": package,
                "default": details.default,
                "description": details.description,
            }
            for variant, details in variants.items()
        )
    if as_json:
        print_json(rows)
        return
    table = Table("backend", "default", "what it does", "package")
    for row in rows:
        label = row["backend"] + (f":{row['variant']}" if row["variant"] else "")
        mark = "yes" if row.get("default") else ""
        table.add_row(label, mark, escape(row.get("description") or row["missing"]), row["package"])
    console().print(table)


def _variables(product: str, *, as_json: bool) -> None:
    from trackbench.products import get_product  # noqa: PLC0415

    known = get_product(product)
    rows = [
        {"path": path, "column": variable.column, "dtype": str(variable.dtype), "units": variable.units}
        for path, variable in known.further.items()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("variable", "column", "dtype", "units", title=f"{known.name}: --variable PATH adds a column")
    for row in rows:
        table.add_row(*row.values())
    console().print(table)


def cases(*, as_json: Json = False) -> None:
    """List the cases: the named workloads."""
    from trackbench.bench.cases import list_cases  # noqa: PLC0415 - slow to import

    rows = [{"case": name, "description": description} for name, description in list_cases().items()]
    _print(rows, as_json=as_json)


def profiles(*, as_json: Json = False) -> None:
    """List the network profiles, their settings and where those come from."""
    from trackbench.localcloud import PROFILES  # noqa: PLC0415 - slow to import

    if as_json:
        print_json([profile.to_dict() for profile in PROFILES.values()])
        return
    table = Table("profile", "round trip", "first byte", "a connection", "the link", "what and whence")
    for profile in PROFILES.values():
        table.add_row(
            profile.name,
            f"{profile.rtt * 1000:g} ms",
            f"{profile.ttfb_median * 1000:g} ms",
            _rate(profile.connection_bandwidth),
            _rate(profile.total_bandwidth),
            f"{escape(profile.description)} [dim]{escape(profile.sources)}[/]",
        )
    console().print(table)


def _rate(value: float | None) -> str:
    return "unlimited" if value is None else f"{value / 1e6:g} MB/s"


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    console().print(table)
