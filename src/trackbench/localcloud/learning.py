"""What must be known of a file before it can be served: its checksum and, of a granule, its footprint."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trackbench.errors import InputError
from trackbench.granules import GranuleName
from trackbench.localcloud.footprint import Footprint, granule_footprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WORKERS = 2  # hashing one file beside reading another; HDF5 itself reads one at a time


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of one file.

    Attributes
    ----------
    path
        Where it is.
    size
        Bytes.
    md5
        Checksum, hexadecimal.
    granule
        What its name says, or None for a file that is no granule.
    footprint
        Where and when it measured; None for a file that is no granule.
    """

    path: Path
    size: int
    md5: str
    granule: GranuleName | None
    footprint: Footprint | None


def learn(files: Sequence[Path], cache_dir: Path | None) -> list[Learned]:
    """Learn of each file, from the cache where it is known there.

    Raises
    ------
    InputError
        If a file is missing, or is named like a granule and cannot be read as HDF5.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda path: _learn_one(path, cache_dir), files))


def _learn_one(path: Path, cache_dir: Path | None) -> Learned:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist, so the local cloud cannot serve it.") from None
    granule = _granule_of(path)
    if cache_dir is None:
        return Learned(path, status.st_size, *_measure(path, granule))
    identity = f"1|{path}|{status.st_size}|{status.st_mtime_ns}".encode()
    kept = cache_dir / f"{hashlib.sha256(identity).hexdigest()[:32]}.json"
    if kept.exists():
        values = json.loads(kept.read_text())
        footprint = None if values["footprint"] is None else Footprint(**values["footprint"])
        return Learned(path, status.st_size, values["md5"], granule, footprint)
    md5, granule, footprint = _measure(path, granule)
    values = {"md5": md5, "footprint": None if footprint is None else asdict(footprint)}
    _keep(kept, values)
    return Learned(path, status.st_size, md5, granule, footprint)


def _granule_of(path: Path) -> GranuleName | None:
    if path.suffix != ".h5":
        return None
    try:
        return GranuleName.parse(path.name)
    except InputError:
        return None


def _measure(path: Path, granule: GranuleName | None) -> tuple[str, GranuleName | None, Footprint | None]:
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if granule is None:
        return md5, None, None
    try:
        return md5, granule, granule_footprint(path, granule.product)
    except OSError as error:
        raise InputError(f"{path} is named like a granule but cannot be read as HDF5: {error}") from error


def _keep(kept: Path, values: dict[str, Any]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(f".{id(values)}.part")
    temporary.write_text(json.dumps(values))
    temporary.replace(kept)
