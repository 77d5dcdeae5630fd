"""VirtualiZarr's parser and ours agree on real DMR++ where its can be trusted; where not is listed here."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from trackbench.dmrpp import read_dmrpp

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.dmrpp import Variable

pytest.importorskip("virtualizarr")

# What the parser of VirtualiZarr 2.8.0 leaves out of a group, or gives wrong, and why.
LEFT_OUT = {
    ("inline", "number"): "compact data have no chunk: the array is skipped with a warning",
    ("inline", "String"): "likewise",
    ("contiguous", "String"): "text has the dtype object: the array is skipped with a warning",
}
MISREAD = {
    "/g/be_contig": "byteOrder is ignored: big-endian values are read as little-endian",
    "/g/be_f4": "likewise",
    "/g/scalar": "the chunk of a scalar is dropped: it reads as the fill value",
}


def _parser(path: Path) -> Any:
    from virtualizarr.parsers.dmrpp import DMRParser  # noqa: PLC0415

    return DMRParser(ET.parse(path).getroot(), "memory://store/file.h5")


def _arrays(parser: Any, group: str) -> dict[str, Any]:
    from obstore.store import MemoryStore  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(parser.parse_dataset(MemoryStore(), group)._group.arrays)


def _theirs(array: Any) -> dict[tuple[int, ...], tuple[int, int]]:
    entries = array.manifest.dict().items()
    return {tuple(map(int, key.split("."))): (entry["offset"], entry["length"]) for key, entry in entries}


def _ours(variable: Variable) -> dict[tuple[int, ...], tuple[int, int]]:
    return {
        tuple(at // side for at, side in zip(one.position, variable.chunk_shape, strict=True)): (
            one.offset,
            one.size,
        )
        for one in variable.chunks
    }


def _codecs(array: Any) -> tuple[str, ...]:
    names = [codec.to_dict()["name"] for codec in array.metadata.codecs][1:]
    return tuple({"numcodecs.zlib": "deflate", "numcodecs.shuffle": "shuffle"}[name] for name in names)


@pytest.mark.parametrize(
    "name", ["ATL08_20200716202251.h5.dmrpp", "atl06_like_hier.dmrpp", "atl06_like_flat.dmrpp"]
)
def test_every_chunk_is_the_same(real_data: Path, name: str) -> None:
    """On each variable that the parser gives: shape, type and every chunk; what it leaves out is as listed."""
    found = read_dmrpp(real_data / "dmrpp" / name)
    parser = _parser(real_data / "dmrpp" / name)
    flat = found.dialect == "flattened"
    compared, left_out = 0, set()
    groups = [(found.root.path, list(found.variables()))] if flat else []
    groups = groups or [(group.path, list(group.variables.values())) for group in found.root.walk()]
    for path, variables in groups:
        arrays = _arrays(parser, path)
        for variable in variables:
            array = arrays.get(variable.path[1:].replace("/", "_") if flat else variable.name)
            if array is None:
                kind = "String" if variable.dap_type == "String" else "number"
                left_out.add((variable.storage, kind))
                continue
            assert array.shape == variable.shape, variable.path
            assert array.metadata.chunk_grid.chunk_shape == variable.chunk_shape, variable.path
            assert array.dtype == variable.dtype, variable.path
            assert _theirs(array) == _ours(variable), variable.path
            codecs = _codecs(array)
            # VirtualiZarr believes the order that DMR++ without a version gives, which is not that of the file.
            assert (codecs if found.version else tuple(sorted(codecs, reverse=True))) == variable.filters
            compared += len(variable.chunks)

    assert left_out <= set(LEFT_OUT)
    assert compared == sum(
        len(one.chunks)
        for one in found.variables()
        if (one.storage, "String") not in LEFT_OUT or one.dap_type != "String"
    )


def test_flattened_atl03_cannot_be_parsed(real_data: Path) -> None:
    """NSIDC's older documents hold attributes of the type "null", at which the parser ends with a KeyError."""
    path = real_data / "dmrpp" / "ATL03_compact.dmrpp"

    assert len(list(read_dmrpp(path).variables())) == 1
    with pytest.raises(KeyError, match="null"):
        _arrays(_parser(path), "/")


def test_misread_constructs(real_data: Path) -> None:
    """What the parser takes for something else without a word, we tell as it is."""
    path = real_data / "dmrpp" / "odd_constructs.dmrpp"
    arrays = _arrays(_parser(path), "/g")
    wrong = set()
    for variable in read_dmrpp(path).group("/g").variables.values():
        array = arrays.get(variable.name)
        if array is not None and (array.dtype != variable.dtype or _theirs(array) != _ours(variable)):
            wrong.add(variable.path)

    assert wrong == set(MISREAD)
