"""The writer: whole files, the same each time, in the layout of their release."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from trackbench.errors import InputError
from trackbench.granulegen import BEAMS, EdgeCases, GranuleSpec, write_granule, writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = 8 * 1024 * 1024
SHORT = GranuleSpec(1039, 6, 3, segments=1500, around=(-45.0, 62.8))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a granule of 1500 segments with other settings, once for each of them."""
    folder = tmp_path_factory.mktemp("granules")
    made: dict[GranuleSpec, Path] = {}

    def write(**changes: Any) -> Path:
        spec = GranuleSpec(**({"rgt": 1039, "cycle": 6, "region": 3, "segments": 1500} | changes))
        if spec not in made:
            made[spec] = folder / f"{len(made)}.h5"
            write_granule(spec, made[spec])
        return made[spec]

    return write


@pytest.mark.parametrize("release", [6, 7])
def test_the_same_spec_gives_the_same_bytes(make: Callable[..., Path], tmp_path: Path, release: int) -> None:
    """Nothing of the moment or of the place goes into the file."""
    again = tmp_path / "elsewhere.h5"
    write_granule(GranuleSpec(1039, 6, 3, segments=1500, release=release), again)

    assert again.read_bytes() == make(release=release).read_bytes()


def test_another_seed_gives_other_noise(make: Callable[..., Path]) -> None:
    """The seed changes values, not the place."""
    with h5py.File(make(), "r") as one, h5py.File(make(seed=1), "r") as other:
        heights = [file["gt2l/land_ice_segments/h_li"][:100] for file in (one, other)]
        latitudes = [file["gt2l/land_ice_segments/latitude"][:100] for file in (one, other)]

    assert not np.array_equal(*heights)
    np.testing.assert_allclose(latitudes[0], latitudes[1], atol=1e-2)


def test_a_file_that_could_not_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in the middle leaves neither the file nor a temporary one, and an older file as it was."""
    path = tmp_path / "granule.h5"
    path.write_bytes(b"older")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "_in_order", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_granule(SHORT, path)

    assert [each.name for each in tmp_path.iterdir()] == ["granule.h5"]
    assert path.read_bytes() == b"older"


@pytest.mark.parametrize(("release", "version"), [(3, 0), (6, 0), (7, 2)])
def test_hdf5_1_10_reads_the_superblock(make: Callable[..., Path], release: int, version: int) -> None:
    """Version 0 before release 7, and 2 since, as pages need it; 1.10 knows both."""
    raw = make(release=release).read_bytes()

    assert raw[:8] == b"\x89HDF\r\n\x1a\n"
    assert raw[8] == version


def test_release_7_is_kept_in_pages_of_8_mib(make: Callable[..., Path]) -> None:
    """The page strategy with persistent free space; the file is a whole number of pages."""
    path = make(release=7)
    with h5py.File(path, "r") as file:
        strategy = file.id.get_create_plist().get_file_space_strategy()
        page = file.id.get_create_plist().get_file_space_page_size()
        scalar = file["ancillary_data/start_rgt"].id.get_create_plist().get_layout()

    assert strategy == (h5py.h5f.FSPACE_STRATEGY_PAGE, True, 1)
    assert page == PAGE
    assert path.stat().st_size % PAGE == 0
    assert scalar == h5py.h5d.CONTIGUOUS


def test_release_6_is_kept_as_it_came(make: Callable[..., Path]) -> None:
    """The default strategy, and single values inside their headers."""
    with h5py.File(make(), "r") as file:
        strategy = file.id.get_create_plist().get_file_space_strategy()
        scalar = file["ancillary_data/start_rgt"].id.get_create_plist().get_layout()

    assert strategy == (h5py.h5f.FSPACE_STRATEGY_FSM_AGGR, False, 1)
    assert scalar == h5py.h5d.COMPACT


def chunk_owners(path: Path) -> list[str]:
    """Paths of the datasets of all chunks of the beams, in the order in which the chunks lie in the file."""
    chunks: list[tuple[int, str]] = []

    def add(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and node.chunks and name.startswith("gt"):
            infos = [node.id.get_chunk_info(index) for index in range(node.id.get_num_chunks())]
            chunks.extend((info.byte_offset, name) for info in infos)

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return [name for _, name in sorted(chunks)]


def test_chunks_lie_mixed_before_release_7_and_by_dataset_since(make: Callable[..., Path]) -> None:
    """In release 6 neighbours belong to different beams; in release 7 a dataset's chunks lie together."""
    mixed = chunk_owners(make(segments=25_000))
    sorted_ = chunk_owners(make(segments=25_000, release=7))

    changes = sum(one != other for one, other in itertools.pairwise(mixed))
    assert changes > 0.95 * len(mixed)
    assert sorted_ == sorted(sorted_)


def test_identity_is_in_the_file_too(make: Callable[..., Path]) -> None:
    """orbit_info and ancillary_data tell track, cycle and times of the name."""
    with h5py.File(make(), "r") as file:
        assert file["orbit_info/rgt"][0] == 1039
        assert file["orbit_info/cycle_number"][0] == 6
        assert file["ancillary_data/atlas_sdp_gps_epoch"][0] == 1198800018.0
        assert file["ancillary_data/granule_start_utc"][0].startswith(b"2020-03-03T18:07")
        assert file["ancillary_data/release"][0].strip() == b"006"
        first = min(file[f"{beam}/land_ice_segments/delta_time"][0] for beam in BEAMS)
        assert file["ancillary_data/start_delta_time"][0] == pytest.approx(first, abs=1)
        assert b"ynthetic" in file.attrs["citation"]


@pytest.mark.parametrize(
    ("cycle", "orientation", "spots"), [(6, 1, "654321"), (3, 0, "123456")], ids=["forward", "backward"]
)
def test_spots_follow_the_orientation(make: Callable[..., Path], cycle: int, orientation: int, spots: str) -> None:
    """Forward, the right beams are strong and gt1l is spot 6; backward, the left ones and it is spot 1."""
    with h5py.File(make(cycle=cycle), "r") as file:
        assert file["orbit_info/sc_orient"][0] == orientation
        assert "".join(file[beam].attrs["atlas_spot_number"].decode() for beam in BEAMS) == spots
        strong = [beam for beam in BEAMS if file[beam].attrs["atlas_beam_type"] == b"strong"]
    assert strong == (["gt1r", "gt2r", "gt3r"] if orientation else ["gt1l", "gt2l", "gt3l"])


def test_missing_and_hollow_beams(make: Callable[..., Path]) -> None:
    """A missing beam has no group; a hollow one holds residual_histogram alone."""
    with h5py.File(make(edges=EdgeCases(missing_beams=("gt1l",), hollow_beams=("gt3r",))), "r") as file:
        assert "gt1l" not in file
        assert list(file["gt3r"]) == ["residual_histogram"]
        assert set(file["gt2l"]) == {"land_ice_segments", "residual_histogram", "segment_quality"}


def test_odd_coordinates(make: Callable[..., Path]) -> None:
    """So many segments of each beam have NaN, and so many lie outside of the Earth."""
    with h5py.File(make(edges=EdgeCases(nan_coordinates=30, out_of_range_coordinates=9)), "r") as file:
        latitude, longitude = (file[f"gt2r/land_ice_segments/{name}"][:] for name in ("latitude", "longitude"))

    nan = np.isnan(latitude) | np.isnan(longitude)
    assert nan.sum() == 30
    assert np.isnan(latitude).sum() < 30
    assert np.isnan(longitude).sum() < 30
    assert ((np.abs(latitude) > 90) | (np.abs(longitude) > 180)).sum() == 9


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.0, 0.0), (0.3, 0.15, 0.45), (1.0, 1.0, 1.0)])
def test_fill_heights(make: Callable[..., Path], share: float, low: float, high: float) -> None:
    """About the share that is asked for has no height."""
    with h5py.File(make(edges=EdgeCases(fill_fraction=share)), "r") as file:
        heights = file["gt2r/land_ice_segments/h_li"]
        lost = float((heights[:] == heights.fillvalue).mean())

    assert low <= lost <= high


@pytest.mark.parametrize("release", [6, 7])
def test_an_empty_granule_has_all_datasets_and_no_segment(make: Callable[..., Path], release: int) -> None:
    """Each dataset of a beam has length 0 along the track."""
    with h5py.File(make(edges=EdgeCases(empty=True), release=release), "r") as file:
        assert file["gt1l/land_ice_segments/latitude"].shape == (0,)
        assert file["gt1l/residual_histogram/count"].shape == (0, 748)
        assert file["gt3r/land_ice_segments/delta_time"].is_scale


def test_gaps_are_dense_in_segment_quality_only(make: Callable[..., Path]) -> None:
    """Where clouds were, land_ice_segments lacks segments that segment_quality has; the same in both of a pair."""
    with h5py.File(make(segments=25_000, ballast="full"), "r") as file:
        lengths = {beam: file[f"{beam}/land_ice_segments/segment_id"].shape[0] for beam in BEAMS}
        dense = file["gt1l/segment_quality/segment_id"].shape[0]
        numbers = file["gt1l/land_ice_segments/segment_id"][:]

    assert dense == 25_000
    assert min(lengths.values()) < dense
    assert all(lengths[f"gt{pair}l"] == lengths[f"gt{pair}r"] for pair in (1, 2, 3))
    assert (np.diff(numbers) >= 1).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"release": 8},
        {"region": 15},
        {"rgt": 1388},
        {"segments": 0},
        {"edges": {"missing_beams": ("gt4l",)}},
        {"edges": {"fill_fraction": 1.5}},
        {"edges": {"nan_coordinates": -1}},
    ],
)
def test_what_no_granule_can_be_is_refused(wrong: dict[str, Any]) -> None:
    """The error names what is wrong before anything is written."""
    settings: dict[str, Any] = {"rgt": 1039, "cycle": 6, "region": 3} | wrong
    with pytest.raises(InputError):
        GranuleSpec(**settings | ({"edges": EdgeCases(**wrong["edges"])} if "edges" in wrong else {}))
