"""Writing DMR++: as real Hyrax writes it, and so that the chunks it names give the values that HDF5 reads."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from trackbench.dmrpp import Variable, read_dmrpp, write_dmrpp
from trackbench.errors import FailedError
from trackbench.granulegen import GranuleSpec, write_granule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trackbench.dmrpp import Dialect

REAL_PAIR: dict[Dialect, str] = {
    "hierarchical": "atl06_like_hier.dmrpp",
    "flattened": "atl06_like_flat.dmrpp",
}
ON_ITS_MAKING = re.compile(r"<Dataset [^>]*>|<Value>20[0-9T:Z-]{18}</Value>|<Value>[^<]*build_dmrpp [^<]*</Value>")


def values_of(variable: Variable, raw: bytes) -> np.ndarray[Any, Any]:
    """Read a variable by its chunks alone, as HDF5 defines its filters."""
    if variable.inline is not None:
        kind = variable.dtype.newbyteorder("<")
        return np.frombuffer(variable.inline, kind).reshape(variable.shape)
    whole = np.full(variable.shape, 0 if variable.fill_value is None else variable.fill_value, variable.dtype)
    for chunk in variable.chunks:
        stored = raw[chunk.offset : chunk.offset + chunk.size]
        for name in reversed(variable.filters):
            if name == "fletcher32":
                stored = stored[:-4]
            elif name == "deflate":
                stored = zlib.decompress(stored)
            else:
                # What does not fill a whole element stays at the end.
                size = variable.dtype.itemsize
                full = len(stored) // size * size
                stored = np.frombuffer(stored[:full], np.uint8).reshape(size, -1).T.tobytes() + stored[full:]
        part = np.frombuffer(stored, variable.dtype).reshape(variable.chunk_shape)
        place = tuple(slice(at, at + side) for at, side in zip(chunk.position, variable.chunk_shape, strict=True))
        kept = whole[place].shape
        whole[place] = part[tuple(slice(length) for length in kept)]
    return whole


def same(got: np.ndarray[Any, Any], want: Any) -> bool:
    """Whether two arrays are the same to the bit, byte order aside."""
    want = np.asarray(want)
    native = got.dtype.newbyteorder("=")
    return bool(got.shape == want.shape and got.astype(native).tobytes() == want.astype(native).tobytes())


def dataset(file: h5py.File, name: str, data: Any, *, layout: int | None = None, **settings: Any) -> None:
    """Create a dataset in a group, of any layout."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if layout is None:
        file.require_group("g").create_dataset(name, data=data, **settings)
        return
    plist.set_layout(layout)
    space = h5py.h5s.create_simple(data.shape)
    made = h5py.h5d.create(file.require_group("g").id, name.encode(), h5py.h5t.py_create(data.dtype), space, plist)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def write_odd(path: Path) -> None:
    """Write what is rare in granules: byte orders, scalars, gaps, compact storage, every filter, text."""
    ramp = np.arange(1000, dtype="f4") / 7
    with h5py.File(path, "w") as file:
        for order in "<>":
            dataset(
                file, f"order{ord(order)}", ramp.astype(f"{order}f4"), chunks=(300,), shuffle=True, compression=4
            )
        dataset(file, "big", np.arange(10, dtype=">i8"))
        dataset(file, "scalar", 4.25)
        dataset(file, "compact", np.arange(5, dtype=">i4"), layout=h5py.h5d.COMPACT)
        dataset(file, "checked", ramp, chunks=(300,), shuffle=True, compression=4, fletcher32=True)
        dataset(file, "plane", np.arange(1000, dtype="i4").reshape(100, 10), chunks=(30, 7), compression=4)
        dataset(file, "bare", np.arange(100, dtype="u2"), chunks=(30,))
        dataset(file, "bytes", np.arange(100, dtype="u1"), chunks=(30,), compression=1, shuffle=True)
        dataset(file, "fixed", np.array([b"ab", b"cde"]))
        dataset(file, "text", ["hello", "<world>"], dtype=h5py.string_dtype())
        dataset(file, "told", "2023-01-02", dtype=h5py.string_dtype())
        dataset(file, "empty", np.zeros(0, "f4"), maxshape=(None,), chunks=(10,))
        gaps = file["g"].create_dataset("gaps", (1000,), "f4", chunks=(300,), compression=4, fillvalue=-5.5)
        gaps[600:700] = 3
        for name, fill in (("most", np.finfo("f4").max), ("never", 12)):
            made = file["g"].create_dataset(name, (1000,), "f4", chunks=(300,), fillvalue=fill)
            made.attrs["_FillValue"] = np.array([fill], "f4")
        file["g"].create_dataset("unwritten", (7,), "f8", fillvalue=2)
        backwards = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        backwards.set_chunk((300,))
        backwards.set_deflate(6)
        backwards.set_shuffle()
        space, kind = h5py.h5s.create_simple((1000,)), h5py.h5t.py_create(ramp.dtype)
        made = h5py.h5d.create(file["g"].id, b"backwards", kind, space, backwards)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, ramp)


@pytest.mark.parametrize("dialect", ["hierarchical", "flattened"])
def test_is_what_hyrax_writes(real_data: Path, tmp_path: Path, dialect: Dialect) -> None:
    """Apart from file name, date and command line, every byte is that of ``get_dmrpp`` for the same file."""
    theirs = (real_data / "dmrpp" / REAL_PAIR[dialect]).read_text(encoding="iso-8859-1")

    write_dmrpp(real_data / "dmrpp" / "atl06_like.h5", tmp_path / "ours.dmrpp", dialect=dialect)
    ours = (tmp_path / "ours.dmrpp").read_text(encoding="iso-8859-1")

    assert ours == ours.strip("\n") + "\n"
    assert ON_ITS_MAKING.sub("", ours) == ON_ITS_MAKING.sub("", theirs)
    assert len(ON_ITS_MAKING.findall(ours)) == 3
    assert 'dmrpp:href="OPeNDAP_DMRpp_DATA_ACCESS_URL"' in ours


@pytest.mark.parametrize("dialect", ["hierarchical", "flattened"])
def test_manifest_gives_the_values_of_odd_files(tmp_path: Path, dialect: Dialect) -> None:
    """Big-endian, scalar, compact, gaps, every filter in either order: the chunks give what HDF5 reads."""
    path = tmp_path / "odd.h5"
    write_odd(path)

    write_dmrpp(path, tmp_path / "odd.dmrpp", dialect=dialect)
    document = read_dmrpp(tmp_path / "odd.dmrpp")

    with h5py.File(path) as file:
        read = set(file["g"]) - {"text"}
        assert set(document.group("/g").variables) == read
        for name in read:
            got = values_of(document.variable(f"/g/{name}"), path.read_bytes())
            assert same(got, file["g"][name][()]), name
    assert document.variable("/g/backwards").filters == ("deflate", "shuffle")
    assert document.variable("/g/checked").filters == ("shuffle", "deflate", "fletcher32")
    with pytest.raises(FailedError, match=r"/g/text .* <vlsa>"):
        document.variable("/g/text")


def test_describes_generated_granules(tmp_path: Path) -> None:
    """Of a generated granule, both dialects tell the same tree, and its chunks give what HDF5 reads."""
    spec = GranuleSpec(1039, 6, 3, release=7, segments=900)
    path = tmp_path / str(spec.name)
    write_granule(spec, path)

    for dialect in REAL_PAIR:
        write_dmrpp(path, tmp_path / dialect, dialect=dialect)
    nested, flat = (read_dmrpp(tmp_path / dialect) for dialect in REAL_PAIR)
    found = {variable.path: variable for variable in nested.variables()}

    assert (nested.dialect, flat.dialect) == ("hierarchical", "flattened")
    assert {variable.path: replace(variable, attributes={}) for variable in flat.variables()} == {
        name: replace(variable, attributes={}) for name, variable in found.items()
    }
    assert flat.group("/gt2l").attributes == nested.group("/gt2l").attributes != {}
    assert flat.group("/gt2l/land_ice_segments").dimensions == {"delta_time": 900}
    assert len(found) > 500
    raw = path.read_bytes()
    with h5py.File(path) as file:
        for name, variable in found.items():
            node = file[name]
            if node.is_scale:
                assert variable.dims == (name,)
            elif name.startswith("/gt2l"):  # one beam: HDF5 takes long to name a scale
                assert list(variable.dims) == [axis[0].name if axis else None for axis in node.dims], name
            # Histograms have chunks of 30 MB, which take long to inflate.
            if math.prod(variable.chunk_shape) <= 10_000:
                assert same(values_of(variable, raw), node[()]), name


def test_describes_real_granules(real_atl06: tuple[Path, ...], tmp_path: Path) -> None:
    """Of real granules, every dataset is described, with the chunks that HDF5 tells of."""
    for path in real_atl06[:2]:
        write_dmrpp(path, tmp_path / "one.dmrpp")
        found = {variable.path: variable for variable in read_dmrpp(tmp_path / "one.dmrpp").variables()}
        with h5py.File(path) as file:
            names: list[str] = []
            file.visit(lambda name: names.append(f"/{name}"))  # noqa: B023 - called at once
            assert {name for name in names if isinstance(file[name], h5py.Dataset)} == set(found)
            for name, variable in found.items():
                if variable.storage == "chunked":
                    stored = file[name].id
                    told = [stored.get_chunk_info(index) for index in range(stored.get_num_chunks())]
                    assert [(one.byte_offset, one.size, one.chunk_offset) for one in told] == [
                        (one.offset, one.size, one.position) for one in variable.chunks
                    ]


def test_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    """Writing twice gives the same bytes, and nothing but the output is left in the folder."""
    write_odd(tmp_path / "odd.h5")
    for name in ("one", "two"):
        write_dmrpp(tmp_path / "odd.h5", tmp_path / name, href="s3://bucket/odd.h5?a=1&b=2")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"odd.h5", "one", "two"}
    assert read_dmrpp(tmp_path / "one").href == "s3://bucket/odd.h5?a=1&b=2"


def test_text_that_xml_cannot_hold_is_escaped(tmp_path: Path) -> None:
    """Markup, quotes, letters of all kinds and control characters in attributes give a whole document."""
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.attrs["text"] = 'a<b> & "c" é Ж\r\n\x01'
        file.attrs["bytes"] = np.bytes_(b"caf\xe9")
        file.attrs["numbers"] = np.array([180, 0.1, np.inf])
        file.attrs["big"] = np.array([1, -2], ">i4")
        file.attrs["short"] = np.float32(-90)
        file.attrs["nothing"] = h5py.Empty("i4")
        file.create_dataset('a<"b', data=1)
    write_dmrpp(tmp_path / "odd.h5", tmp_path / "out")

    text = (tmp_path / "out").read_text(encoding="iso-8859-1")
    root = read_dmrpp(tmp_path / "out").root
    assert root.attributes["text"] == 'a<b> & "c" é Ж\r\n '
    assert root.attributes["bytes"] == "café"
    assert root.attributes["numbers"] == (180.0, 0.1, np.inf)
    assert root.attributes["big"] == (1, -2)
    assert "<Value>180.</Value>" in text
    assert "<Value>0.10000000000000001</Value>" in text
    assert "<Value>-90.</Value>" in text
    assert list(root.variables) == ['a<"b']


def _compound(file: h5py.File) -> None:
    file["bad"] = np.zeros(3, [("a", "i4"), ("b", "f8")])


def _enumeration(file: h5py.File) -> None:
    file["bad"] = np.array([True, False])


def _lzf(file: h5py.File) -> None:
    file.create_dataset("bad", data=np.zeros(100), chunks=(10,), compression="lzf")


def _half(file: h5py.File) -> None:
    file["bad"] = np.zeros(3, "f2")


def _virtual(file: h5py.File) -> None:
    file["good"] = np.zeros(3)
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(file["good"])
    file.create_virtual_dataset("bad", layout)


def _external(file: h5py.File) -> None:
    file.create_dataset("bad", (3,), "f8", external=[("elsewhere", 0, 24)])


def _skipped_filter(file: h5py.File) -> None:
    made = file.create_dataset("bad", (10,), "u1", chunks=(10,), compression=1)
    made.id.write_direct_chunk((0,), b"0123456789", filter_mask=1)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_compound, "neither of numbers nor of text"),
        (_enumeration, "neither of numbers nor of text"),
        (_half, "neither of numbers nor of text"),
        (_lzf, "filter lzf"),
        (_virtual, "virtual dataset"),
        (_external, "other files"),
        (_skipped_filter, "only some of the filters"),
    ],
)
def test_refuses_what_it_cannot_describe(tmp_path: Path, make: Callable[[h5py.File], None], why: str) -> None:
    """A file that DMR++ cannot describe is refused with the name of the dataset, and nothing is written."""
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        make(file)

    with pytest.raises(FailedError, match=f"/bad .*{why}"):
        write_dmrpp(tmp_path / "bad.h5", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_clashing_flattened_names(tmp_path: Path) -> None:
    """Two variables that flattening would give one name are refused."""
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        file["a/b"], file["a_b"] = 1, 2

    with pytest.raises(FailedError, match="same flattened name"):
        write_dmrpp(tmp_path / "bad.h5", tmp_path / "out", dialect="flattened")


def test_refuses_what_is_no_hdf5(tmp_path: Path) -> None:
    """A file that is no HDF5 is refused by its name."""
    (tmp_path / "text.h5").write_text("text")

    with pytest.raises(FailedError, match=r"text\.h5 cannot be read as HDF5"):
        write_dmrpp(tmp_path / "text.h5", tmp_path / "out")
