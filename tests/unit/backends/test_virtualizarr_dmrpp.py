"""References out of DMR++: both dialects read right, and what the parser would misread is refused."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.support_virtualizarr import NAME, REQUEST, Stored, describe, rows_of, write_granule

from trackbench.bench.reference import reference_rows
from trackbench.errors import FailedError, UnsupportedError
from trackbench.region import Region
from trackbench.request import SubsetRequest

if TYPE_CHECKING:
    from pathlib import Path

VARIANT = "dmrpp"


@pytest.fixture
def granule(tmp_path: Path) -> Path:
    """Give a small granule without a DMR++."""
    return write_granule(tmp_path)


def _sidecar(granule: Path, text: str) -> None:
    granule.with_name(f"{granule.name}.dmrpp").write_text(text, encoding="latin-1")


def _of(name: str, text: str) -> re.Match[str]:
    """Find the element of a variable."""
    found = re.search(rf'<(\w+) name="{name}">.*?</\1>', text, re.DOTALL)
    assert found is not None
    return found


def _change(text: str, name: str, old: str, new: str) -> str:
    """Replace within the element of a variable; what is to be replaced must be there."""
    element = _of(name, text)[0]
    assert re.search(old, element, re.DOTALL)
    return text.replace(element, re.sub(old, new, element, flags=re.DOTALL))


@pytest.mark.parametrize("flattened", [False, True], ids=["hierarchical", "flattened"])
def test_both_dialects_read_right(flattened: bool, granule: Path) -> None:  # noqa: FBT001
    """The rows are those of the reference, a shuffled variable among them."""
    _sidecar(granule, describe(granule, flattened=flattened))
    request = SubsetRequest.build("ATL06", REQUEST.region, variables=("segment_id",))

    rows = rows_of(VARIANT, granule, request)

    assert rows.num_rows == 301
    assert rows.equals(reference_rows([granule], request))


@pytest.mark.parametrize("dialect", ["hier", "flat"])
def test_files_of_hyrax_read_right(dialect: str, real_data: Path, tmp_path: Path) -> None:
    """What a real Hyrax wrote of a granule with six ground tracks, inner groups and several chunks."""
    copy = tmp_path / NAME
    shutil.copy(real_data / "dmrpp" / "atl06_like.h5", copy)
    shutil.copy(real_data / "dmrpp" / f"atl06_like_{dialect}.dmrpp", tmp_path / f"{NAME}.dmrpp")
    further = ("segment_id", "fit_statistics/n_fit_photons", "ground_track/x_atc")
    request = SubsetRequest.build("ATL06", Region.from_bbox(-180, -90, 180, 90), variables=further)

    rows = rows_of(VARIANT, copy, request)

    assert rows.num_rows > 100_000
    assert rows.equals(reference_rows([copy], request))


def test_checksums_behind_deflate_read_right(tmp_path: Path) -> None:
    """The four bytes of fletcher32 after each chunk do no harm."""
    granule = write_granule(tmp_path, h_li=Stored(options={"fletcher32": True}))
    _sidecar(granule, describe(granule))

    assert rows_of(VARIANT, granule).equals(reference_rows([granule], REQUEST))


MISREAD = {
    "big-endian": ("h_li", 'byteOrder="LE"', 'byteOrder="BE"', "big-endian"),
    "filters reversed": ("delta_time", '"deflate"', '"deflate shuffle"', "deflate shuffle"),
    "unknown filter": ("h_li", '"deflate"', '"szip"', "szip"),
    "last chunk missing": ("h_li", r'<dmrpp:chunk [^>]*Array="\[900\]"/>', "", "1 of its 10 chunks"),
    "middle chunk missing": ("h_li", r'<dmrpp:chunk [^>]*Array="\[400\]"/>', "", "six digits"),
    "never written": ("h_li", r"<dmrpp:chunk [^>]*/>", "", "10 of its 10 chunks"),
    "compact": (
        "atl06_quality_summary",
        r"<dmrpp:chunks.*</dmrpp:chunks>",
        "<dmrpp:compact>AA==</dmrpp:compact>",
        "compact",
    ),
    "scalar": ("longitude", "<Dim [^>]*/>", "", "scalar"),
    "nowhere": ("h_li_sigma", r"<dmrpp:chunks.*</dmrpp:chunks>", "", "no chunks at all"),
}


@pytest.mark.parametrize(("name", "old", "new", "reason"), MISREAD.values(), ids=MISREAD.keys())
def test_what_is_misread_is_refused(name: str, old: str, new: str, reason: str, granule: Path) -> None:
    """Each construct that the parser turns into wrong values or an obscure error ends with variable and reason."""
    _sidecar(granule, _change(describe(granule), name, old, new))

    with pytest.raises(UnsupportedError, match=rf"{name}.*{re.escape(reason)}"):
        rows_of(VARIANT, granule)


def test_reversed_filters_of_single_bytes_do_no_harm(granule: Path) -> None:
    """Shuffling single bytes changes nothing, whatever the order says."""
    text = _change(describe(granule), "atl06_quality_summary", "shuffle deflate", "deflate shuffle")
    _sidecar(granule, text)

    assert rows_of(VARIANT, granule).equals(reference_rows([granule], REQUEST))


def test_fill_value_of_six_digits_is_never_used(granule: Path) -> None:
    """The rounded fill value that Hyrax prints does not reach rows: fill values stored in the file become null."""
    _sidecar(granule, _change(describe(granule), "h_li", 'fillValue="0"', 'fillValue="3.40282e+38"'))

    rows = rows_of(VARIANT, granule)

    assert 0 < rows["h_li"].null_count < rows.num_rows
    assert rows.equals(reference_rows([granule], REQUEST))


@pytest.mark.parametrize(
    "construct", ["be_f4", "be_contig", "compact", "defl_then_shuf", "holes", "nevalloc", "scalar"]
)
def test_odd_constructs_of_hyrax_are_refused(construct: str, real_data: Path, granule: Path) -> None:
    """The odd variables that a real Hyrax described, put in the place of the heights."""
    odd = (real_data / "dmrpp" / "odd_constructs.dmrpp").read_text(encoding="latin-1")
    element = _of(construct, odd)[0].replace(f'name="{construct}"', 'name="h_li"')
    text = describe(granule)
    _sidecar(granule, text.replace(_of("h_li", text)[0], element))

    with pytest.raises(UnsupportedError, match="h_li"):
        rows_of(VARIANT, granule)


def test_granule_without_sidecar_is_unsupported(granule: Path) -> None:
    """Where no DMR++ stands beside a granule it is named, and a variant that needs none."""
    with pytest.raises(UnsupportedError, match=rf"{re.escape(NAME)}\.dmrpp.*virtualizarr:hdf"):
        rows_of(VARIANT, granule)


TROUBLE = {
    "cut short": (r"</Dataset>", "", "not whole"),
    "document type": (r"\n<Dataset", "\n<!DOCTYPE x>\n<Dataset", "document type"),
    "variable missing": (r'name="h_li"', 'name="h_lo"', "no variable .*h_li"),
    "dimension missing": (r"<Dimension [^>]*/>", "", "does not declare"),
}


@pytest.mark.parametrize(("old", "new", "reason"), TROUBLE.values(), ids=TROUBLE.keys())
def test_damaged_sidecar_fails(old: str, new: str, reason: str, granule: Path) -> None:
    """A DMR++ that is not whole, or lacks what is needed, ends the run with the reason."""
    _sidecar(granule, re.sub(old, new, describe(granule), count=1))

    with pytest.raises(FailedError, match=reason):
        rows_of(VARIANT, granule)
