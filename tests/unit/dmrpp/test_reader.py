"""Reading DMR++: what real ones say, and a refusal of all that would give wrong values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trackbench.dmrpp import Chunk, read_dmrpp
from trackbench.errors import FailedError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Dataset xmlns="http://xml.opendap.org/ns/DAP/4.0#"'
    ' xmlns:dmrpp="http://xml.opendap.org/dap/dmrpp/1.0.0#" dapVersion="4.0" dmrVersion="1.0" name="a.h5"'
)


def document(inner: str, *, version: str = ' dmrpp:version="3.22.0"') -> str:
    """Return a DMR++ with something inside."""
    return f"{HEAD}{version}>{inner}</Dataset>"


def variable(
    told: str = "", chunks: str = "", *, kind: str = "Float32", size: int = 20, attribute: str = "", more: str = ""
) -> str:
    """Return a variable of two chunks of ten, big or small, whole or not."""
    chunks = chunks or (
        '<dmrpp:chunk offset="100" nBytes="40" chunkPositionInArray="[0]"/>'
        '<dmrpp:chunk offset="140" nBytes="40" chunkPositionInArray="[10]"/>'
    )
    told = told if "byteOrder" in told else f'byteOrder="LE" {told}'
    return (
        f'<{kind} name="v"><Dim size="{size}"/>{attribute}<dmrpp:chunks {told}>'
        f"<dmrpp:chunkDimensionSizes>10</dmrpp:chunkDimensionSizes>{chunks}</dmrpp:chunks>{more}</{kind}>"
    )


def fill_attribute(text: str) -> str:
    """Return the attribute with the exact fill value."""
    return f'<Attribute name="_FillValue" type="Float32"><Value>{text}</Value></Attribute>'


ONE = '<dmrpp:chunk offset="100" nBytes="40" chunkPositionInArray="[0]"/>'
MOST = float(np.finfo("f4").max)


def test_reads_real_constructs(real_data: Path) -> None:
    """Byte orders, scalars, compact data, orders of filters and gaps of a real DMR++ are told as they are."""
    found = read_dmrpp(real_data / "dmrpp" / "odd_constructs.dmrpp")
    group = found.group("/g")

    assert found.version == "3.22.0"
    assert group.variables["be_f4"].dtype == np.dtype(">f4")
    assert group.variables["be_f4"].chunks[3] == Chunk(6158, 79, (900,))
    assert group.variables["scalar"].shape == ()
    assert group.variables["scalar"].chunks == (Chunk(6529, 8, ()),)
    assert group.variables["compact"].inline == np.arange(5, dtype="<i4").tobytes()
    assert group.variables["defl_then_shuf"].filters == ("deflate", "shuffle")
    assert group.variables["fletch"].filters == ("shuffle", "deflate", "fletcher32")
    assert group.variables["two_d"].chunks[-1] == Chunk(36274, 91, (90, 7))
    assert group.variables["fstr"].dtype == np.dtype("S3")
    assert group.variables["nevalloc"].fill_value == np.float32(-5.5)
    assert group.variables["nevalloc"].chunks == ()
    assert group.variables["empty"].shape == (0,)
    assert set(group.unreadable) == {"compound", "enumv", "vstr", "holes"}


@pytest.mark.parametrize(
    ("name", "construct"),
    [
        ("compound", "Structure"),
        ("enumv", "Enum"),
        ("vstr", "<vlsa>"),
        ("holes", "3 of its 4 chunks .*3[.]40282e[+]38"),
    ],
)
def test_refuses_real_constructs(real_data: Path, name: str, construct: str) -> None:
    """What cannot be read safely is refused when it is asked for, by its name and the construct."""
    found = read_dmrpp(real_data / "dmrpp" / "odd_constructs.dmrpp")

    with pytest.raises(FailedError, match=f"odd.h5 .*/g/{name} .*{construct}"):
        found.variable(f"/g/{name}")
    with pytest.raises(FailedError, match="/g/"):
        list(found.variables())


def test_both_real_dialects_say_the_same(real_data: Path) -> None:
    """The same file, described by Hyrax in either dialect, reads alike but for how coordinates are named."""
    nested, flat = (read_dmrpp(real_data / "dmrpp" / f"atl06_like_{form}.dmrpp") for form in ("hier", "flat"))

    def told(one: Any) -> dict[str, Any]:
        names = [name for name in type(one).__slots__ if name != "attributes"]
        attributes = {name: value for name, value in one.attributes.items() if name != "coordinates"}
        return {name: getattr(one, name) for name in names} | {"attributes": attributes}

    assert (nested.dialect, flat.dialect) == ("hierarchical", "flattened")
    assert {one.path: told(one) for one in flat.variables()} == {one.path: told(one) for one in nested.variables()}
    assert {one.path: one.attributes for one in flat.root.walk()} == {
        one.path: one.attributes for one in nested.root.walk()
    }
    assert {one.path: one.dimensions for one in flat.root.walk()} == {
        one.path: one.dimensions for one in nested.root.walk()
    }


def test_reads_older_real_documents(real_data: Path) -> None:
    """A DMR++ of before 2021 has no version and says "deflate shuffle" where HDF5 shuffled first."""
    found = read_dmrpp(real_data / "dmrpp" / "ATL08_20200716202251.h5.dmrpp")
    variables = list(found.variables())
    segments = found.variable("/gt1l/land_segments/segment_id_beg")
    flat = read_dmrpp(real_data / "dmrpp" / "ATL03_compact.dmrpp")
    events = flat.variable("/ancillary_data/calibrations/low_link_impulse_response/gt1r/total_events")

    assert found.version is None
    assert len(variables) == 600
    assert sum(len(one.chunks) for one in variables) == 12_772
    assert {one.filters for one in variables} == {(), ("deflate",), ("shuffle", "deflate")}
    assert segments.filters == ("shuffle", "deflate")
    assert found.variable("/ancillary_data/release").dtype == np.dtype("S80")
    assert flat.dialect == "flattened"
    assert events.inline is not None
    assert np.frombuffer(events.inline, "<i8")[:2].tolist() == [176276, 203645]


@pytest.mark.parametrize(
    ("told", "attribute", "fill"),
    [
        ('fillValue="0"', "", 0.0),
        ('fillValue="-5.5"', "", -5.5),
        ('fillValue="nan"', "", float("nan")),
        ('fillValue="3.40282e+38"', fill_attribute("3.402823466e+38"), MOST),
        ('fillValue="3.40282e+38"', "", None),
        ('fillValue="3.40282e+38"', fill_attribute("127."), None),
        ('fillValue="0"', fill_attribute("127."), 0.0),
        ("", fill_attribute("127."), None),
    ],
)
def test_fill_value_is_exact_or_unknown(told: str, attribute: str, fill: float | None) -> None:
    """Six printed digits are made whole by ``_FillValue`` where it agrees, and otherwise not believed."""
    found = read_dmrpp(document(variable(told, attribute=attribute))).variable("/v").fill_value
    gaps = read_dmrpp(document(variable(told, ONE, attribute=attribute)))

    if fill is None:
        assert found is None
        with pytest.raises(FailedError, match=r"/v .*1 of its 2 chunks were never written"):
            gaps.variable("/v")
    else:
        assert np.float32(fill).tobytes() == np.asarray(found).tobytes()
        assert len(gaps.variable("/v").chunks) == 1


@pytest.mark.parametrize(
    ("inner", "construct"),
    [
        (variable('byteOrder="PDP"'), "byteOrder is PDP"),
        (variable('compressionType="szip"'), "compressionType is 'szip'"),
        (variable('compressionType="deflate deflate"'), "compressionType is"),
        (variable('LBIndex="1"'), "<dmrpp:chunks> tells LBIndex"),
        (variable('structOffset="4 12"'), "tells structOffset"),
        (variable(chunks=ONE.replace("/>", ' fm="1"/>')), "a chunk tells fm"),
        (variable(chunks=ONE.replace("/>", ' href="http://elsewhere/a.h5"/>')), "a chunk tells href"),
        (variable(chunks=ONE.replace("[0]", "[5]")), r"a chunk stands at \[5\], off the grid"),
        (variable(chunks=ONE.replace("[0]", "[20]")), "off the grid"),
        (variable(chunks=ONE.replace("[0]", "0")), "a chunk stands at '0'"),
        (variable(chunks=ONE.replace("[0]", "[0,0]")), "its axes are 1"),
        (variable(chunks=ONE + ONE), "twice"),
        (variable(chunks=ONE.replace('"40"', '"41"')), r"the chunk at \[0\] has 41 bytes"),
        (variable(chunks=ONE.replace('"100"', '"-1"')), "'-1' stands where"),
        (variable(chunks=ONE.replace('offset="100"', "")), "<chunk> lacks offset="),
        (variable(chunks="<dmrpp:block/>"), "<dmrpp:chunks> holds <block>"),
        (variable('fillValue="often"'), "'often' is no float32"),
        (variable('fillValue="300"', ONE.replace("40", "10"), kind="Int8"), r"'300' is no int8"),
        (variable(more="<dmrpp:missingdata>AAAA</dmrpp:missingdata>"), "it holds <missingdata>"),
        (variable(more="<dmrpp:compact>AAAA</dmrpp:compact>"), "both chunks and compact"),
        (variable(kind="Opaque"), "its type is Opaque"),
        (variable(kind="String"), "the length of its text is not told"),
        (variable().replace('size="20"', 'name="/gone"'), "its dimension /gone is not declared"),
        (variable().replace(">10<", ">10 2<"), "its axes are 1"),
        ('<Int32 name="v"/>', "nothing tells where its data are"),
        ('<Int32 name="v"><dmrpp:compact>%%</dmrpp:compact></Int32>', "not base64"),
        ('<Int32 name="v"><dmrpp:compact>AAA=</dmrpp:compact></Int32>', "have 2 bytes, not 4"),
        (variable(size=20).replace('byteOrder="LE"', ""), "byteOrder is not told"),
    ],
)
def test_refuses_what_it_does_not_know(inner: str, construct: str) -> None:
    """Whatever a DMR++ could say that is not understood refuses the variable, by name and construct."""
    found = read_dmrpp(document(inner))

    assert list(found.root.variables) == []
    with pytest.raises(FailedError, match=f"/v in a way that cannot be read safely: .*{construct}"):
        found.variable("/v")


def test_order_of_filters_depends_on_the_writer() -> None:
    """A "deflate shuffle" is believed of a writer that tells its version, and turned round otherwise."""
    inner = variable('compressionType="deflate shuffle" deflateLevel="6"')

    assert read_dmrpp(document(inner)).variable("/v").filters == ("deflate", "shuffle")
    assert read_dmrpp(document(inner, version="")).variable("/v").filters == ("shuffle", "deflate")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not whole"),
        (HEAD, "not whole"),
        ("<html/>", "root is <html>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + document("").partition("?>")[2], "document type"),
        (document("").encode("utf-16"), "document type"),
        (document('<Dimension name="d" size="many"/>'), "'many' stands where"),
        (document("<Group/>"), "<Group> lacks name="),
    ],
)
def test_refuses_what_is_no_dmrpp(text: str | bytes, why: str) -> None:
    """A damaged or foreign document, or one that could reach for local files, is refused as a whole."""
    with pytest.raises(FailedError, match=why):
        read_dmrpp(text)


def test_names_what_is_not_there(tmp_path: Path) -> None:
    """A missing file, group or variable is named."""
    found = read_dmrpp(document(variable()).encode())

    with pytest.raises(FailedError, match=r"none\.dmrpp"):
        read_dmrpp(tmp_path / "none.dmrpp")
    with pytest.raises(FailedError, match="no group /gt1l"):
        found.group("/gt1l")
    with pytest.raises(FailedError, match="no variable /w"):
        found.variable("/w")
