"""Cases: named workloads, each a request and the granules that it is asked of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trackbench.bench import case_sets
from trackbench.bench.case_files import case_folder, generate
from trackbench.bench.case_real import granule_files, middle_region
from trackbench.bench.sidecars import make_sidecars
from trackbench.errors import InputError
from trackbench.request import SubsetRequest
from trackbench.session import no_progress

if TYPE_CHECKING:
    from trackbench.granulegen import GranuleSpec
    from trackbench.session import Progress

_DEFAULT_FULL: Final = 20

_DESCRIPTIONS: Final = {
    "demo": "16 synthetic granules of two cycles over a square of 40 km on the Greenland ice sheet",
    "greenland": "the 214 synthetic granules of that square, 2018 to 2025; variables no subset needs are hollow",
    "greenland-full": "synthetic granules of that square with every variable at its real size, some 105 MB each;"
    f" greenland-full:N makes N of them ({_DEFAULT_FULL} by default)",
    "real": "the ATL06 granules of a folder and the middle of each: real:FOLDER, or TRACKBENCH_REAL_DATA",
    "tiny": "4 short synthetic granules over that square, made in seconds: missing beams, NaN, release 7",
    "edges": "synthetic granules with everything that can be odd about one, also across the antimeridian",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A workload.

    Attributes
    ----------
    name
        How it was asked for, such as ``greenland-full:20``.
    description
        What it is, in a line.
    request
        What is asked.
    specs
        The granules to generate; empty when they are files already.
    files
        The granules that are files already; empty when they are generated.
    """

    name: str
    description: str
    request: SubsetRequest
    specs: tuple[GranuleSpec, ...] = ()
    files: tuple[Path, ...] = ()


def list_cases() -> dict[str, str]:
    """Return the names of all cases, and what each is."""
    return dict(_DESCRIPTIONS)


def load_case(name: str, *, cache_dir: Path) -> Case:  # noqa: ARG001 - a case may come to be looked up there
    """Return a case; its granules are not made yet.

    Parameters
    ----------
    name
        A name from `list_cases`; ``greenland-full`` takes a number and ``real`` a folder after a colon.
    cache_dir
        Where granules are kept.

    Raises
    ------
    InputError
        If there is no such case, or it lacks what it needs.
    """
    kind, colon, setting = name.partition(":")
    if kind not in _DESCRIPTIONS or (colon and kind not in {"greenland-full", "real"}):
        raise InputError(f"There is no case {name!r}: choose from {', '.join(_DESCRIPTIONS)}.")
    if kind == "real":
        files = granule_files(_real_folder(setting))
        request = SubsetRequest.build("ATL06", middle_region(files))
        return Case(name, _DESCRIPTIONS[kind], request, files=files)
    region = case_sets.edges_region() if kind == "edges" else case_sets.greenland_region()
    request = SubsetRequest.build("ATL06", region, case_sets.GREENLAND_START, case_sets.GREENLAND_END)
    return Case(name, _DESCRIPTIONS[kind], request, specs=_specs(kind, setting))


def materialise(
    case: Case, cache_dir: Path, progress: Progress = no_progress, *, verify: bool = False
) -> tuple[Path, ...]:
    """Return the files of a case, after making those that are missing or damaged.

    Parameters
    ----------
    case
        The case.
    cache_dir
        Where generated granules are kept from one call to the next.
    progress
        Told ``(done, total, text)``.
    verify
        Read every file that is there already and compare its digest; else only sizes and times of change.

    Returns
    -------
    tuple of Path
        One for each granule.
    """
    if case.files:
        progress(len(case.files), len(case.files), "already there")
        return case.files
    return generate(case.specs, case_folder(case.name, case.specs, cache_dir), progress, verify=verify)


def sidecars(
    case: Case, paths: tuple[Path, ...], cache_dir: Path, progress: Progress = no_progress
) -> tuple[Path, ...]:
    """Return the DMR++ of a case's granules, after making those that are missing.

    Parameters
    ----------
    case
        The case.
    paths
        Its granules, as `materialise` returns them.
    cache_dir
        Where those of granules that are files already are kept; those of generated ones stand beside them.
    progress
        Told ``(done, total, text)``.

    Returns
    -------
    tuple of Path
        Two for each granule, hierarchical and flattened; none for one that DMR++ cannot describe.
    """
    return make_sidecars(paths, progress, cache_dir=cache_dir if case.files else None)


def _specs(kind: str, setting: str) -> tuple[GranuleSpec, ...]:
    if kind != "greenland-full":
        return {
            "demo": case_sets.demo,
            "greenland": case_sets.greenland,
            "tiny": case_sets.tiny,
            "edges": case_sets.edges,
        }[kind]()
    if setting and not (setting.isdigit() and int(setting)):
        raise InputError(f"greenland-full:{setting} names no number of granules: write greenland-full:20.")
    return case_sets.greenland_full(int(setting or _DEFAULT_FULL))


def _real_folder(setting: str) -> Path:
    """Return the folder that is named, or of the environment, or beside the checkout."""
    if setting:
        return Path(setting).expanduser()
    named = os.environ.get("TRACKBENCH_REAL_DATA")
    return Path(named).expanduser() / "atl06" if named else Path(__file__).parents[4] / "shared" / "data" / "atl06"
