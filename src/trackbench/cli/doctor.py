"""``trackbench doctor``: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

import typer
from rich.markup import escape
from rich.table import Table

from trackbench.cli.options import Json  # noqa: TC001 - typer reads it
from trackbench.cli.show import console, print_json
from trackbench.errors import TrackbenchError

_GIB = 2**30
_ROOM = 8 * _GIB
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, how it is, and what to do."""

    what: str
    state: Literal["good", "optional", "bad"]
    found: str
    advice: str = ""


def doctor(*, as_json: Json = False) -> None:
    """Look at this installation. Secrets are looked for, never shown. Exits 1 if something needed is missing."""
    findings = [*_backends(), *_report(), _credentials(), _browser(), _cache()]
    if as_json:
        print_json([{"what": f.what, "state": f.state, "found": f.found, "advice": f.advice} for f in findings])
    else:
        styles = {"good": "green", "optional": "yellow", "bad": "bold red"}
        table = Table("what", "state", "found", "to do")
        for each in findings:
            table.add_row(
                each.what, f"[{styles[each.state]}]{each.state}[/]", escape(each.found), escape(each.advice)
            )
        console().print(table)
    if any(each.state == "bad" for each in findings):
        raise typer.Exit(1)


def _backends() -> list[Finding]:
    from trackbench.backends.registry import entry_points, load  # noqa: PLC0415

    findings = []
    for name, point in entry_points().items():
        version = point.dist.version if point.dist is not None else "unknown"
        package = point.dist.name if point.dist is not None else "unknown"
        try:
            variants = load(name).variants
        except TrackbenchError as error:
            findings.append(Finding(f"backend {name}", "bad", f"{package} {version}", str(error)))
            continue
        findings.append(Finding(f"backend {name}", "good", f"{len(variants)} variants, {package} {version}"))
    return findings


def _report() -> list[Finding]:
    needed = {"report": ("jinja2", "matplotlib"), "cloud": ("aiohttp", "trustme"), "asv": ("asv", "asv-runner")}
    findings = []
    for extra, packages in needed.items():
        missing = [package for package in packages if not _installed(package)]
        if missing:
            advice = f"uv pip install 'trackbench[{extra}]'"
            findings.append(Finding(f"extra {extra}", "bad", f"missing: {', '.join(missing)}", advice))
        else:
            found = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
            findings.append(Finding(f"extra {extra}", "good", found))
    return findings


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _credentials() -> Finding:
    try:
        from trackbench.backends.earthdata import HOW_TO_LOG_IN, credentials_found  # noqa: PLC0415
    except ModuleNotFoundError:
        install = "uv pip install 'trackbench[baseline]'"
        return Finding("Earthdata credentials", "optional", "not looked for", install)
    places = credentials_found()
    if places:
        return Finding("Earthdata credentials", "good", f"in {' and '.join(places)} (not shown)")
    return Finding("Earthdata credentials", "optional", "none; only --live needs them", HOW_TO_LOG_IN)


def _browser() -> Finding:
    named = os.environ.get("TRACKBENCH_CHROMIUM")
    found = named or next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if found:
        return Finding("Chromium, for the tests of the page", "good", "installed")
    return Finding("Chromium, for the tests of the page", "optional", "none", "apt-get install chromium")


def _cache() -> Finding:
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415

    folder = cache_folder()
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    state: Literal["good", "optional"] = "good" if free >= _ROOM else "optional"
    advice = "" if free >= _ROOM else "The case greenland needs 8 GiB; set TRACKBENCH_CACHE to a larger disk."
    return Finding("cache folder", state, f"{folder}, {free / _GIB:.0f} GiB free", advice)
