"""Writes the DMR++ of an HDF5 file, as Hyrax 3.22 does (OPENDAP/bes, ``get_dmrpp`` and ``build_dmrpp -M``)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from trackbench.dmrpp.described import FoundAttribute
from trackbench.dmrpp.flattened import flattened_lines
from trackbench.dmrpp.hierarchical import hierarchical_lines
from trackbench.dmrpp.markup import container_lines, element, escaped
from trackbench.dmrpp.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Dialect = Literal["hierarchical", "flattened"]

DATA_ADDRESS: Final = "OPeNDAP_DMRpp_DATA_ACCESS_URL"
"""What stands for the address of the data in DMR++ that NASA keeps beside granules."""
WRITER_VERSION: Final = 1
"""Rises when the same file no longer gives the same DMR++: those of an older writer are then made again."""
_FORM: Final = "3.22.0"
"""Version of Hyrax whose form this is; readers tell by it that filters stand in the order of HDF5."""


def write_dmrpp(path: Path, output: Path, *, dialect: Dialect = "hierarchical", href: str = DATA_ADDRESS) -> None:
    """Write the DMR++ of an HDF5 file.

    The same file, time of change included, gives the same bytes.

    Parameters
    ----------
    path
        The HDF5 file. Its data are not read, but for what is stored in object headers and variable-length text.
    output
        Where to. Written under a temporary name beside it and then renamed.
    dialect
        ``flattened`` writes no groups: their names become part of those of variables and dimensions, as
        ``get_dmrpp -C`` does and as NSIDC's older files are.
    href
        Address of the data.

    Raises
    ------
    FailedError
        If the file cannot be read, or holds what DMR++ cannot describe; the message names it.
    """
    write_dialects(path, {dialect: output}, href=href)


def write_dialects(path: Path, outputs: Mapping[Dialect, Path], *, href: str = DATA_ADDRESS) -> None:
    """Write the DMR++ of an HDF5 file in several dialects, looking through the file once.

    Parameters
    ----------
    path, href
        As in `write_dmrpp`.
    outputs
        Where to, by dialect.

    Raises
    ------
    FailedError
        As in `write_dmrpp`.
    """
    root = scan(path)
    changed = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    told = (
        FoundAttribute("created", "String", (f"{changed:%Y-%m-%dT%H:%M:%SZ}",)),
        *(FoundAttribute(name, "String", (_FORM,)) for name in ("build_dmrpp", "bes")),
        FoundAttribute("libdap", "String", (f"libdap-{_FORM}",)),
        FoundAttribute("invocation", "String", (f"trackbench, in the form of build_dmrpp -f {path.name} -M",)),
    )
    build = tuple(container_lines("build_dmrpp_metadata", told))
    opening = (
        'Dataset xmlns="http://xml.opendap.org/ns/DAP/4.0#" xmlns:dmrpp="http://xml.opendap.org/dap/dmrpp/1.0.0#"'
        f' dapVersion="4.0" dmrVersion="1.0" name="{escaped(path.name)}" dmrpp:href="{escaped(href)}"'
        f' dmrpp:version="{_FORM}"'
    )
    for dialect, output in outputs.items():
        inner = hierarchical_lines(root, build) if dialect == "hierarchical" else flattened_lines(root, build)
        _write(output, element(opening, inner))


def _write(output: Path, lines: Iterator[str]) -> None:
    temporary = output.with_name(f"{output.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="iso-8859-1", newline="\n") as stream:
            stream.write('<?xml version="1.0" encoding="ISO-8859-1"?>\n')
            stream.writelines(f"{line}\n" for line in lines)
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
