"""Make chunk manifests of granules for everyday use: Kerchunk Parquet, Icechunk or DMR++."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from trackbench.access import address, store_for
from trackbench.backends.virtualizarr import hdf, kerchunk_store
from trackbench.backends.virtualizarr.cases import Entry
from trackbench.backends.virtualizarr.trouble import naming
from trackbench.dmrpp import write_dmrpp
from trackbench.errors import InputError, TrackbenchError
from trackbench.executors import run_all
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.executors import Executor
    from trackbench.granules import Granule
    from trackbench.request import SubsetRequest
    from trackbench.session import Progress

type Format = Literal["kerchunk", "icechunk", "dmrpp"]

_BUILDING: Final = ".building"
_TOGETHER: Final = 8
"""Granules of one commit: what an interrupt can cost."""


@dataclass(frozen=True, slots=True)
class ManifestReport:
    """What building came to.

    Attributes
    ----------
    built, kept
        Granules that were described, and those that had been already.
    skipped
        Granules that cannot be described, each with the reason.
    seconds
        Wall time.
    bytes_stored
        Size of the outcome.
    """

    built: int
    kept: int
    skipped: tuple[tuple[str, str], ...]
    seconds: float
    bytes_stored: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A granule to describe, and how; it can be handed to another process."""

    form: Format
    entry: Entry
    access: Access
    request: SubsetRequest
    output: Path


def build_manifest(
    form: Format,
    granules: Sequence[Granule],
    output: Path,
    *,
    access: Access,
    request: SubsetRequest,
    executor: Executor = "processes",
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = no_progress,
) -> ManifestReport:
    """Describe granules; what was described before an interrupt is not described again.

    Parameters
    ----------
    form
        ``kerchunk``: a folder for each granule, within it one in Kerchunk's Parquet form for each group of each
        ground track. ``icechunk``: one repository, with a group for each of those. ``dmrpp``: a file for each.
    granules
        On this machine or at addresses.
    output
        Folder of the outcome.
    access
        How to reach addresses.
    request
        Says which variables are described; DMR++ describes all.
    executor, workers, scheduler
        As `trackbench.executors.run_all` takes them.
    progress
        Told ``(done, total, text)``.

    Raises
    ------
    InputError
        If no granule is given.
    """
    if not granules:
        raise InputError("There is no granule to describe.")
    begin = time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    pieces = [_Piece(form, Entry(each, address(each, access)), access, request, output) for each in granules]
    there = _there(form, output)
    missing = [piece for piece in pieces if piece.entry.granule.name.stem not in there]
    done = len(pieces) - len(missing)
    progress(done, len(pieces), "already there" if done else "")
    skipped: list[tuple[str, str]] = []
    outcomes = run_all(describe, missing, executor=executor, workers=workers, address=scheduler)
    with _Sink(form, output, [piece.entry.url for piece in pieces]) as sink:
        for number, outcome in outcomes:
            name = str(missing[number].entry.granule.name)
            done += 1
            if isinstance(outcome, str):
                skipped.append((name, outcome))
                progress(done, len(pieces), f"{name} cannot be described: {outcome}")
                continue
            sink.add(missing[number].entry, outcome)
            progress(done, len(pieces), name)
    shutil.rmtree(output / _BUILDING, ignore_errors=True)
    stored = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    built = len(missing) - len(skipped)
    return ManifestReport(
        built, len(pieces) - len(missing), tuple(sorted(skipped)), time.perf_counter() - begin, stored
    )


def describe(piece: _Piece) -> list[MadeGroup] | str:
    """Describe a granule, wherever the executor says; return what is left to be written, or why it cannot be."""
    try:
        with naming(piece.entry.granule.name):
            if piece.form == "dmrpp":
                _write_dmrpp(piece)
                return []
            if piece.form == "kerchunk":
                _write_kerchunk(piece)
                return []
            return hdf.virtual_datasets(piece.entry.url, piece.access, piece.request)
    except TrackbenchError as error:
        return str(error)


def _write_kerchunk(piece: _Piece) -> None:
    """Write a granule's references aside, then put them in their place as a whole."""
    staging = piece.output / _BUILDING
    stem = piece.entry.granule.name.stem
    shutil.rmtree(staging / stem, ignore_errors=True)
    (staging / stem).mkdir(parents=True)
    kerchunk_store.write(piece.entry, staging, piece.access, piece.request)
    (staging / stem).rename(piece.output / stem)


def _write_dmrpp(piece: _Piece) -> None:
    granule = piece.entry.granule
    target = piece.output / f"{granule.name}.dmrpp"
    if granule.path is not None:
        write_dmrpp(Path(granule.path), target)
        return
    import obstore  # noqa: PLC0415 - local files need none

    # The HDF5 library goes through every object header: fetching the file whole is quicker than asking for each.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / str(granule.name)
        key = piece.entry.url.split("://", 1)[1].split("/", 1)[1]
        with copy.open("wb") as file:
            for part in obstore.get(store_for(piece.entry.url, piece.access), key):
                file.write(part)
        write_dmrpp(copy, target, href=piece.entry.url)


def _there(form: Format, output: Path) -> set[str]:
    """Return the granules, by name without ending, that are described already."""
    if form == "dmrpp":
        return {path.name.removesuffix(".h5.dmrpp") for path in output.glob("*.h5.dmrpp")}
    if form == "kerchunk":
        return {path.name for path in output.iterdir() if path.is_dir() and path.name != _BUILDING}
    if not any(output.iterdir()):
        return set()
    from trackbench.backends.virtualizarr.icechunk_store import names_in  # noqa: PLC0415 - slow to import

    return names_in(output)


class _Sink:
    """Takes what workers could not write themselves: an Icechunk repository has one writer."""

    def __init__(self, form: Format, output: Path, urls: list[str]) -> None:
        self._repository = None
        self._waiting = 0
        if form == "icechunk":
            from trackbench.backends.virtualizarr.icechunk_store import Repository  # noqa: PLC0415 - as above

            self._repository = Repository(output, urls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # After an interrupt as well: what is described stays described.
        self._commit()

    def add(self, entry: Entry, made: list[MadeGroup]) -> None:
        """Take the references of a granule."""
        if self._repository is None:
            return
        self._repository.add(replace(entry, tracks=()), made)
        self._waiting += 1
        if self._waiting >= _TOGETHER:
            self._commit()

    def _commit(self) -> None:
        if self._repository is not None and self._waiting:
            self._repository.commit(f"{self._waiting} granules")
            self._waiting = 0


def whole_tracks(product: str, variables: Sequence[str]) -> SubsetRequest:
    """Return a request for all rows of a product, with further variables."""
    from trackbench.region import Region  # noqa: PLC0415 - for the command line alone
    from trackbench.request import SubsetRequest as Request  # noqa: PLC0415

    return Request.build(product, Region.from_bbox(-180, -90, 180, 90), variables=tuple(variables))
