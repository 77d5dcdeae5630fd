"""Makes the DMR++ that NASA keeps beside granules, in both dialects, and keeps them from one call to the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import psutil

from trackbench.dmrpp import WRITER_VERSION, Dialect, write_dialects
from trackbench.errors import FailedError
from trackbench.processes import end_with_parent
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trackbench.session import Progress

SUFFIXES: Final[Mapping[Dialect, str]] = MappingProxyType(
    {"hierarchical": ".dmrpp", "flattened": ".flattened.dmrpp"}
)
"""What is put behind the name of a granule. NASA has one of the two at ``.dmrpp``; here both can be compared."""
_MANIFEST: Final = "dmrpp.json"


def make_sidecars(
    paths: Sequence[Path], progress: Progress = no_progress, *, cache_dir: Path | None = None
) -> tuple[Path, ...]:
    """Return the DMR++ of granules, after making those that are missing or older than their granule.

    Parameters
    ----------
    paths
        The granules.
    progress
        Told ``(done, total, text)``: granules, and the name of the last one, with the reason if it has no DMR++.
    cache_dir
        Where they are kept, below; None keeps them beside the granules. A user's folder is not written to.

    Returns
    -------
    tuple of Path
        Two for each granule; none for one that DMR++ cannot describe.

    Raises
    ------
    FailedError
        If a file cannot be written.
    """
    folders = {path: _folder(path, cache_dir) for path in paths}
    for folder in set(folders.values()):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    known = {folder: _read_manifest(folder) for folder in set(folders.values())}
    wanted = [path for path in paths if not _stands(path, folders[path], known[folders[path]])]
    done = len(paths) - len(wanted)
    progress(done, len(paths), "already there" if done else "")
    for path, refusal in _write_all([(path, folders[path]) for path in wanted]):
        if refusal is None:
            folder = folders[path]
            # Read again: another process may be making those of the same granules.
            _write_manifest(folder, _read_manifest(folder) | {path.name: _identity(path)})
        done += 1
        progress(done, len(paths), path.name if refusal is None else f"{path.name} has no DMR++: {refusal}")
    return tuple(place for path in paths for place in _places(path, folders[path]).values() if place.exists())


def _folder(path: Path, cache_dir: Path | None) -> Path:
    if cache_dir is None:
        return path.parent
    digest = hashlib.blake2b(str(path.parent.absolute()).encode(), digest_size=6).hexdigest()
    return cache_dir / "sidecars" / digest


def _places(path: Path, folder: Path) -> dict[Dialect, Path]:
    return {dialect: folder / f"{path.name}{suffix}" for dialect, suffix in SUFFIXES.items()}


def _write_all(jobs: Sequence[tuple[Path, Path]]) -> Iterator[tuple[Path, str | None]]:
    """Yield each granule as its DMR++ stand, or with what DMR++ cannot describe."""
    if not jobs:
        return
    pool = ProcessPoolExecutor(
        min(len(jobs), os.cpu_count() or 1),
        # Spawned, not forked: the caller may have threads, and HDF5 holds a lock.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
    )
    try:
        refusals = pool.map(_write_one, *zip(*jobs, strict=True))
        yield from zip((path for path, _ in jobs), refusals, strict=True)
    except BrokenProcessPool:
        raise FailedError(
            "A process that writes DMR++ ended too early: it has told why above, or there was too little memory."
            " What stands is kept: try again."
        ) from None
    except OSError as error:
        raise FailedError(f"A DMR++ could not be written: {error}. Make room, or set another cache.") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Leave interrupts to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _write_one(path: Path, folder: Path) -> str | None:
    places = _places(path, folder)
    try:
        write_dialects(path, places)
    except FailedError as error:
        for place in places.values():
            place.unlink(missing_ok=True)
        return str(error)
    return None


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [WRITER_VERSION, status.st_size, status.st_mtime_ns]


def _stands(path: Path, folder: Path, known: Mapping[str, Any]) -> bool:
    """Whether the DMR++ are there and were made of the granule as it is."""
    return known.get(path.name) == _identity(path) and all(
        place.is_file() for place in _places(path, folder).values()
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Read of what granules DMR++ were made; a manifest that is not there or not whole says nothing."""
    try:
        told = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _write_manifest(folder: Path, made: Mapping[str, Any]) -> None:
    fresh = folder / f"{_MANIFEST}.{os.getpid()}.tmp"
    try:
        fresh.write_text(json.dumps(made, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(folder / _MANIFEST)
    finally:
        fresh.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for left in folder.glob("*dmrpp*.tmp"):
        owner = left.suffixes[-2].removeprefix(".")
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            with contextlib.suppress(FileNotFoundError):
                left.unlink()
