"""Keeps the generated granules of a case in a folder: makes those that are missing or damaged, in processes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import psutil

from trackbench.errors import FailedError
from trackbench.granulegen import WRITER_VERSION, GranuleSpec, write_granule
from trackbench.processes import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from trackbench.session import Progress

_MANIFEST: Final = "manifest.json"
_WRITING: Final = ".writing-"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says of a file.

    Attributes
    ----------
    size
        Bytes.
    modified
        When it was last written, in nanoseconds since 1970.
    blake2b
        Digest of its bytes, in hexadecimal.
    """

    size: int
    modified: int
    blake2b: str


def case_folder(name: str, specs: Sequence[GranuleSpec], cache_dir: Path) -> Path:
    """Return the folder for a case's granules; other specs or another writer mean another folder."""
    told = {"writer": WRITER_VERSION, "specs": [dataclasses.asdict(spec) for spec in specs]}
    digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=6).hexdigest()
    return cache_dir / "cases" / f"{name.replace(':', '-')}-{digest}"


def generate(
    specs: Sequence[GranuleSpec], folder: Path, progress: Progress, *, verify: bool = False
) -> tuple[Path, ...]:
    """Make what is missing or damaged of a set of granules.

    Parameters
    ----------
    specs
        The granules; no two of one name.
    folder
        Where they are kept. Files stand under their name only when they are whole, so that an interrupted call
        loses at most the files it was writing.
    progress
        Told how many of them stand.
    verify
        Check the digest of every file that stands already; else only of those whose time of change is not the
        one that the manifest holds. Sizes are always checked.

    Returns
    -------
    tuple of Path
        In the order of `specs`.

    Raises
    ------
    FailedError
        If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    entries = _read_manifest(folder)
    paths = tuple(folder / str(spec.name) for spec in specs)
    wanted = [
        (spec, path)
        for spec, path in zip(specs, paths, strict=True)
        if not _stands(path, entries.get(path.name), verify=verify)
    ]
    done = len(specs) - len(wanted)
    progress(done, len(specs), "already there" if done else "")
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=f"{_WRITING}{os.getpid()}-") as scratch,
        # Closed by hand: an error's traceback would keep the generator, and its processes, alive.
        closing(_write_all([(spec, Path(scratch) / path.name) for spec, path in wanted])) as written,
    ):
        for name, digest in written:
            path = folder / name
            (Path(scratch) / name).replace(path)
            status = path.stat()
            # Read again: another process may be making the same case.
            entry = Entry(status.st_size, status.st_mtime_ns, digest)
            _write_manifest(folder, _read_manifest(folder) | {name: entry})
            done += 1
            progress(done, len(specs), name)
    return paths


def _write_all(jobs: Sequence[tuple[GranuleSpec, Path]]) -> Generator[tuple[str, str]]:
    """Yield name and digest of each file as it stands; closing the generator ends the processes at once."""
    waiting = list(reversed(jobs))
    # Spawned, not forked: the caller may have threads, and HDF5 holds a lock.
    context = multiprocessing.get_context("spawn")
    busy: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(min(len(jobs), os.cpu_count() or 1)):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            busy[ours] = process
            ours.send(waiting.pop())
        while busy:
            for ready in wait(list(busy)):
                connection = cast("Connection", ready)
                written = _received(connection)
                if waiting:
                    connection.send(waiting.pop())
                else:
                    _end(busy.pop(connection))
                yield written
    finally:
        for process in busy.values():
            _end(process)


def _received(connection: Connection) -> tuple[str, str]:
    """Return what a process made, or raise what kept it from that."""
    try:
        answer: tuple[str, str] | OSError = connection.recv()
    except (EOFError, ConnectionResetError):
        raise FailedError(
            "A process that writes granules ended too early: it has told why above, or there was too little"
            " memory. What stands is kept: try again."
        ) from None
    if isinstance(answer, OSError):
        raise FailedError(
            f"A granule could not be written: {answer}. Make room, or set another cache."
        ) from answer
    return answer


def _end(process: SpawnProcess) -> None:
    process.kill()
    process.join()


def _work(connection: Connection) -> None:
    """Write granules until this process is ended; interrupts are left to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    while True:
        job = connection.recv()
        try:
            connection.send(_write_one(job))
        except OSError as error:
            connection.send(error)


def _write_one(job: tuple[GranuleSpec, Path]) -> tuple[str, str]:
    spec, path = job
    write_granule(spec, path)
    return path.name, _digest(path)


def _stands(path: Path, entry: Entry | None, *, verify: bool) -> bool:
    """Whether a file is there and is what the manifest says."""
    if entry is None or not path.is_file():
        return False
    status = path.stat()
    if status.st_size != entry.size:
        return False
    return (status.st_mtime_ns == entry.modified and not verify) or _digest(path) == entry.blake2b


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _read_manifest(folder: Path) -> dict[str, Entry]:
    """Read the manifest; one that is not there or not whole says nothing, and the files are made again."""
    try:
        told: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return {name: Entry(**entry) for name, entry in told["files"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_manifest(folder: Path, entries: dict[str, Entry]) -> None:
    told = {
        "writer": WRITER_VERSION,
        "files": {name: dataclasses.asdict(entries[name]) for name in sorted(entries)},
    }
    fresh = folder / f"{_MANIFEST}.{os.getpid()}.tmp"
    try:
        fresh.write_text(json.dumps(told, indent=1), encoding="utf-8")
        fresh.replace(folder / _MANIFEST)
    finally:
        fresh.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote."""
    for left in folder.glob(f"{_WRITING}*"):
        owner = left.name.removeprefix(_WRITING).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
