"""Granules as a user names them: files, folders and addresses."""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003 - typer reads the signatures of callers
from pathlib import Path

from trackbench.errors import InputError

_REMOTE = ("https://", "http://", "s3://")


def is_remote(place: str) -> bool:
    """Tell whether a place is an address rather than a path."""
    return place.startswith(_REMOTE)


def local_files(places: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the HDF5 files of paths and folders, each once, sorted by name.

    Raises
    ------
    InputError
        If a place does not exist, or a folder holds no ``.h5`` file.
    """
    files: dict[Path, None] = {}
    for place in places:
        path = Path(place).expanduser()
        if path.is_dir():
            inside = sorted(path.glob("*.h5"))
            if not inside:
                raise InputError(f"The folder {path} holds no .h5 file.")
            files.update(dict.fromkeys(each.resolve() for each in inside))
        elif path.is_file():
            files[path.resolve()] = None
        else:
            raise InputError(f"There is no file or folder {path}.")
    return tuple(sorted(files, key=lambda each: each.name))
