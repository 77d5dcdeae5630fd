"""Values of synthetic granules: as large as real ones when stored, and as real ones when read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from trackbench.granulegen import GranuleSpec, write_granule
from trackbench.granulegen.chunks import encode
from trackbench.granulegen.columns import histogram_counts, land_ice
from trackbench.granulegen.facts import is_strong
from trackbench.granulegen.layout import load_layout
from trackbench.granulegen.surface import surface_height
from trackbench.granulegen.track import ACROSS, fly

if TYPE_CHECKING:
    from pathlib import Path

FILL = np.finfo("f4").max
# Bytes of full chunks of a released granule of release 7.
STORED = {
    "latitude": 59_100,
    "longitude": 58_200,
    "delta_time": 35_400,
    "h_li": 31_000,
    "h_li_sigma": 35_300,
    "sigma_geo_h": 33_900,
    "ground_track/x_atc": 55_700,
    "ground_track/y_atc": 18_300,
    "segment_id": 500,
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a granule with one full chunk in each beam, and every variable of its real size."""
    path = tmp_path_factory.mktemp("full") / "full.h5"
    write_granule(GranuleSpec(1039, 6, 3, segments=10_600, around=(-45.0, 62.8), ballast="full"), path)
    return path


@pytest.mark.parametrize("variable", STORED)
def test_a_full_chunk_is_stored_in_as_many_bytes_as_a_real_one(full: Path, variable: str) -> None:
    """Within 15 %, in an outer beam."""
    with h5py.File(full, "r") as file:
        dataset = file[f"gt3r/land_ice_segments/{variable}"]
        assert dataset.shape[0] >= 10_000
        stored = dataset.id.get_chunk_info_by_coord((0,)).size

    assert stored == pytest.approx(STORED[variable], rel=0.15)


def test_a_full_chunk_of_the_quality_flag_is_small(full: Path) -> None:
    """Bad segments come in runs: some hundred bytes, 300 in the real one."""
    with h5py.File(full, "r") as file:
        stored = file["gt3r/land_ice_segments/atl06_quality_summary"].id.get_chunk_info_by_coord((0,)).size

    assert 100 < stored < 600


def test_a_full_chunk_of_histograms_is_stored_in_as_many_bytes_as_a_real_one() -> None:
    """The 8,794 rows of the measured granule took 550 KB."""
    item = next(item for item in load_layout(6) if item.path.endswith("residual_histogram/count"))
    counts = histogram_counts(np.random.default_rng(1), 8794, strong=True)

    assert len(encode(item, counts)) == pytest.approx(550_000, rel=0.15)


def test_all_variables_together_take_as_many_bytes_a_segment_as_in_real_granules(full: Path) -> None:
    """Real granules store 128 to 132 bytes for a segment of `land_ice_segments`."""
    stored = []

    def add(_: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset):
            stored.append(node.id.get_chunk_info_by_coord((0,) * node.ndim).size)

    with h5py.File(full, "r") as file:
        file["gt1l/land_ice_segments"].visititems(add)

    assert sum(stored) / 10_000 == pytest.approx(130, rel=0.1)


def test_a_light_granule_has_the_same_subset_columns() -> None:
    """Coordinates, times, heights and flags do not depend on the ballast."""
    specs = [GranuleSpec(1039, 6, 3, segments=3000, ballast=ballast) for ballast in ("light", "full")]
    light, heavy = (land_ice(spec, "gt2l", fly(spec)["gt2l"]) for spec in specs)

    assert set(light) < set(heavy)
    for name, values in light.items():
        np.testing.assert_array_equal(values, heavy[name], err_msg=name)


def test_a_whole_granule_is_as_long_as_a_real_one() -> None:
    """A released granule of this pass has 114,336 segments in gt1l and 114,605 in gt2r."""
    spec = GranuleSpec(1039, 6, 3)
    beams = fly(spec)
    counts = [int(beam.found.sum()) for beam in beams.values()]

    assert all(113_000 < count < 116_000 for count in counts)
    assert counts[0::2] == counts[1::2]


def test_segments_are_as_far_apart_as_real_ones() -> None:
    """20.017 m and 0.0028188 s along the track, 90 m within a pair, 3.3 km between pairs."""
    beams = fly(GranuleSpec(1039, 6, 3, segments=5000, around=(-45.0, 66.5)))
    beam = beams["gt2l"]

    assert np.median(np.diff(beam.x_atc)) == pytest.approx(20.017, abs=0.005)
    assert np.median(np.diff(beam.delta_time)) == pytest.approx(0.0028188, abs=2e-6)
    assert np.median(np.diff(beam.latitude)) == pytest.approx(1.783e-4, rel=0.01)
    assert set(np.diff(beam.segment_id)) == {1}
    distances = [metres_apart(beams["gt2l"], beams[name]) for name in ("gt2r", "gt1l", "gt3l")]
    assert distances == pytest.approx([86, 3236, 3240], abs=30)
    for name, beam in beams.items():
        assert np.median(beam.y_atc) == pytest.approx(ACROSS[name], abs=20)


def metres_apart(one: object, other: object) -> float:
    """Distance between the tracks of two beams, in the middle."""
    lat, lon = (
        np.deg2rad([getattr(beam, name)[2500] for beam in (one, other)]) for name in ("latitude", "longitude")
    )
    chord = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[0]) * np.cos(lat[1]) * np.sin(np.diff(lon) / 2) ** 2
    return float(2 * 6_378_000 * np.arcsin(np.sqrt(chord))[0])


def test_left_is_west_on_the_way_north_and_east_on_the_way_south() -> None:
    """gt1l is the leftmost beam as seen in the direction of flight."""
    north, south = fly(GranuleSpec(1039, 6, 3, segments=10)), fly(GranuleSpec(681, 6, 5, segments=10))

    assert north["gt1l"].longitude[0] < north["gt3r"].longitude[0]
    assert south["gt1l"].longitude[0] > south["gt3r"].longitude[0]
    assert south["gt1l"].latitude[-1] < south["gt1l"].latitude[0]


def test_errors_of_heights_are_those_of_the_beam() -> None:
    """Medians of h_li_sigma are 0.027 m in strong beams and 0.056 m in weak ones."""
    spec = GranuleSpec(1039, 6, 3, segments=20_000)
    beams = fly(spec)
    for name in ("gt1l", "gt1r"):
        sigma = land_ice(spec, name, beams[name])["h_li_sigma"]
        median = np.median(sigma[sigma < FILL])
        assert median == pytest.approx(0.027 if is_strong(name, spec.cycle) else 0.056, rel=0.05)


def test_most_segments_over_ice_are_good() -> None:
    """At most 1 % fill, and 94 to 99 % with the best quality."""
    for rgt, cycle in ((1039, 6), (681, 9), (94, 27)):
        spec = GranuleSpec(rgt, cycle, 3 if rgt != 681 else 5)
        columns = land_ice(spec, "gt2r", fly(spec)["gt2r"])
        assert (columns["h_li"] == FILL).mean() < 0.012
        assert 0.94 <= (columns["atl06_quality_summary"] == 0).mean() <= 0.995
        assert (columns["atl06_quality_summary"][columns["h_li"] == FILL] == 1).all()


def test_the_same_place_gives_about_the_same_height_on_every_pass() -> None:
    """Two cycles differ by the noise and some thinning; 10 km away the ice is elsewhere."""
    heights = []
    for cycle in (6, 10):
        spec = GranuleSpec(1039, cycle, 3, segments=2000)
        columns = land_ice(spec, "gt2l", fly(spec)["gt2l"])
        good = columns["h_li"] < FILL
        modelled = surface_height(columns["longitude"][good], columns["latitude"][good], 0.0)
        heights.append(float(np.median(columns["h_li"][good] - modelled)))

    assert heights == pytest.approx([-0.26, -0.38], abs=0.05)
    along = surface_height(np.full(1000, -45.0), 62.8 + 1.8e-4 * np.arange(1000, dtype=np.float64), 0.0)
    assert np.abs(np.diff(along)).max() < 1.5
    assert np.ptp(along) > 5


def test_what_belongs_to_the_fit_is_fill_where_the_height_is(full: Path) -> None:
    """Statistics and corrections are lost with the surface; place and elevation model are not."""
    with h5py.File(full, "r") as file:
        beam = file["gt1l/land_ice_segments"]
        lost = beam["h_li"][:] == FILL
        assert lost.any()
        for path in ("fit_statistics/h_mean", "fit_statistics/snr", "bias_correction/fpb_med_corr", "h_li_sigma"):
            np.testing.assert_array_equal(beam[path][:] == FILL, lost, err_msg=path)
        assert not (beam["dem/dem_h"][:] == FILL).any()
        assert np.abs(beam["dem/dem_h"][:] - beam["h_li"][:])[~lost].max() < 30
