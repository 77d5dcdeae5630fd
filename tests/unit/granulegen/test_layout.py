"""The layout: every dataset and attribute as in a released granule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from trackbench.granulegen import GranuleSpec, write_granule
from trackbench.granulegen.layout import load_layout

if TYPE_CHECKING:
    from pathlib import Path

UNTOUCHED = "ATL06_20181014001049_02350102_003_01.h5"
REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a granule of release 3, of the pass that the untouched real one is of."""
    path = tmp_path_factory.mktemp("old") / UNTOUCHED
    write_granule(GranuleSpec(235, 1, 2, release=3, segments=900, around=(-134.2, 58.8)), path)
    return path


def tree(path: Path) -> dict[str, dict[str, Any]]:
    """Tell of each group and dataset what a reader can see of how it is stored."""
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, node: h5py.Group | h5py.Dataset) -> None:
        told: dict[str, Any] = {"attributes": {key: kind_of(node, key) for key in node.attrs}}
        if isinstance(node, h5py.Dataset):
            plist = node.id.get_create_plist()
            told |= {
                "dtype": node.dtype,
                "chunks": node.chunks,
                "filters": [plist.get_filter(index)[:3] for index in range(plist.get_nfilters())],
                "layout": plist.get_layout(),
                "fill": node.fillvalue.tobytes() if hasattr(node.fillvalue, "tobytes") else node.fillvalue,
                "fill defined": plist.fill_value_defined(),
                "fill time": plist.get_fill_time(),
                "allocated": plist.get_alloc_time(),
                "grows": [limit is None for limit in node.maxshape],
                "width": node.shape[1:],
                "scale": node.is_scale,
                "scales": [[scale.name for scale in dimension.values()] for dimension in node.dims],
            }
        found[name] = told

    def kind_of(node: h5py.Group | h5py.Dataset, key: str) -> Any:
        identifier = node.attrs.get_id(key)
        kind = identifier.get_type()
        if key in REFERENCES:
            return key
        if kind.get_class() == h5py.h5t.STRING:
            return ("text", kind.is_variable_str(), kind.get_strpad(), kind.get_cset(), identifier.shape)
        return (identifier.dtype, identifier.shape)

    with h5py.File(path, "r") as file:
        found["/"] = {"attributes": {key: kind_of(file, key) for key in file.attrs}}
        file.visititems(add)
    return found


def test_everything_is_as_in_an_untouched_granule(old: Path, real_data: Path) -> None:
    """Names, types, storage, chunks, filters, fill values, scales and the attributes of all 683 nodes."""
    real = real_data / "atl06" / UNTOUCHED
    if not real.is_file():
        pytest.skip(f"no untouched granule: TRACKBENCH_REAL_DATA has no atl06/{UNTOUCHED}")
    ours, theirs = tree(old), tree(real)

    assert set(ours) == set(theirs)
    for name, told in theirs.items():
        assert ours[name] == told, name


def test_short_texts_and_numbers_are_as_in_an_untouched_granule(old: Path, real_data: Path) -> None:
    """Units, long names, coordinates, flags and valid ranges of every dataset."""
    real = real_data / "atl06" / UNTOUCHED
    if not real.is_file():
        pytest.skip(f"no untouched granule: TRACKBENCH_REAL_DATA has no atl06/{UNTOUCHED}")
    own_words = {"description", *REFERENCES}
    different: list[tuple[str, str]] = []
    with h5py.File(old, "r") as ours, h5py.File(real, "r") as theirs:

        def compare(name: str, node: h5py.Group | h5py.Dataset) -> None:
            if not isinstance(node, h5py.Dataset):
                return
            for key in set(node.attrs) - own_words:
                one, other = ours[name].attrs[key], node.attrs[key]
                same = one.split() == other.split() if isinstance(other, bytes) else np.array_equal(one, other)
                if not same and (name.rsplit("/", 1)[-1], key) != ("bin_top_h", "NAME"):
                    different.append((name, key))

        theirs.visititems(compare)

    assert different == []


def test_a_beam_holds_what_a_beam_of_release_6_holds(tmp_path: Path) -> None:
    """Literal facts of released granules: counts, types, chunks, filters, fill values, attributes."""
    path = tmp_path / "six.h5"
    write_granule(GranuleSpec(1039, 6, 3, segments=200), path)
    nodes = tree(path)
    segments = {
        name: told
        for name, told in nodes.items()
        if name.startswith("gt1l/land_ice_segments/") and "dtype" in told
    }

    assert len(segments) == 63
    assert all(told["chunks"] == (10_000,) and told["grows"] == [True] for told in segments.values())
    deflate, shuffle = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
    for name, told in segments.items():
        expected = [shuffle, deflate] if told["dtype"].kind == "i" else [deflate]
        assert [each[0] for each in told["filters"]] == expected, name
        assert told["filters"][-1][2] == (6,)
    with h5py.File(path, "r") as file:
        beam = file["gt1l/land_ice_segments"]
        assert beam["h_li"].dtype == np.float32
        assert beam["h_li"].fillvalue == np.finfo("f4").max
        assert beam["h_li"].attrs["_FillValue"].shape == (1,)
        assert beam["h_li"].attrs["coordinates"] == b"delta_time latitude longitude"
        assert beam["latitude"].dtype == np.float64
        assert "_FillValue" not in beam["latitude"].attrs
        assert beam["segment_id"].fillvalue == 0
        assert beam["segment_id"].attrs["_FillValue"].tolist() == [0]
        assert beam["atl06_quality_summary"].dtype == np.int8
        assert "_FillValue" not in beam["atl06_quality_summary"].attrs
        assert beam["ground_track/x_atc"].fillvalue == np.finfo("f8").max
        assert beam["h_li"].dims[0][0].name == "/gt1l/land_ice_segments/delta_time"
        assert file["gt1l/residual_histogram/count"].chunks == (10_000, 748)
        assert file["orbit_info/rgt"].chunks == (16,)
        assert file["orbit_info/rgt"].compression is None
        assert file["orbit_info/bounding_polygon_lat1"].shape == (11,)
        assert file["ancillary_data/land_ice/sigma_tx"].shape == (6,)
        assert file["ancillary_data/control"].dtype == "S100000"
        assert "Description" in file["gt1l"].attrs


@pytest.mark.parametrize(
    ("path", "releases"),
    [
        ("{beam}/land_ice_segments/dem/geoid_free2mean", {5, 6, 7}),
        ("{beam}/land_ice_segments/geophysical/tide_earth_free2mean", {5, 6, 7}),
        ("{beam}/land_ice_segments/fpb_warning_flag", {7}),
        ("{beam}/segment_quality/signal_selection_status/signal_selection_status_backup", {3, 4, 5, 6}),
        ("orbit_info/bounding_polygon_lon1", {6, 7}),
        ("ancillary_data/land_ice/maxiter", {3, 4}),
        ("ancillary_data/land_ice/txp_maxiter", {5, 6, 7}),
        ("{beam}/land_ice_segments/h_li", {3, 4, 5, 6, 7}),
    ],
)
def test_releases_differ_where_released_granules_do(path: str, releases: set[int]) -> None:
    """A variable is there in its releases only, and once."""
    held = [release for release in range(3, 8) for item in load_layout(release) if item.path == path]

    assert held == sorted(releases)


def test_release_7_writes_descriptions_in_lower_case_and_azimuths_in_degrees() -> None:
    """Two changes of release 7 that readers may trip over."""
    items = {release: {item.path: item for item in load_layout(release)} for release in (6, 7)}
    azimuth = "{beam}/land_ice_segments/ground_track/ref_azimuth"

    assert [items[release][azimuth].attributes["units"] for release in (6, 7)] == ["radians", "degrees"]
    assert "Description" in items[6]["{beam}"].attributes
    assert "description" in items[7]["{beam}"].attributes
    assert {item.storage for item in items[7].values()} == {"group", "contiguous", "chunked"}
