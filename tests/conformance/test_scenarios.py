"""The scenarios of the conformance kit ask what they say: each could be got wrong in the way it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from trackbench.bench.reference import reference_rows
from trackbench.granules import GranuleName
from trackbench.products import BEAMS
from trackbench.testing.kit_granules import SPECS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from trackbench.testing import World

pytest_plugins = ["trackbench.testing.plugin"]

NO_ROWS = ("no-track", "before-any", "between-tracks")
NO_ANSWER = ("damaged", "cut-short", "unreachable")


def _rows(world: World, name: str) -> pa.Table:
    return world.reference(world.scenarios[name])


def _latitudes(rows: pa.Table, track: str) -> NDArray[np.float64]:
    of_track = rows.filter(np.asarray(rows["track_id"].to_pylist()) == track)
    return np.asarray(of_track["latitude"], dtype=np.float64)


def test_each_scenario_has_the_rows_it_should(conformance_world: World) -> None:
    """Some ask for nothing, some cannot be answered, all others have rows."""
    world = conformance_world
    counted = {name: _rows(world, name).num_rows for name in world.scenarios if name not in NO_ANSWER}

    assert [name for name, count in counted.items() if count == 0] == sorted(NO_ROWS, key=list(counted).index)


def test_the_box_ends_on_points(conformance_world: World) -> None:
    """Its southern and northern edge each run through a point, so that leaving the boundary out shows."""
    latitude = _rows(conformance_world, "box")["latitude"].to_numpy()
    _, south, _, north = conformance_world.scenarios["box"].request.region.bounds

    assert (latitude.min(), latitude.max()) == (south, north)


def test_the_hole_and_the_polygons_take_some_rows_and_not_others(conformance_world: World) -> None:
    """Each is a part of the box that a bounding box would not tell from it."""
    box = _rows(conformance_world, "box")

    for name in ("hole", "several-polygons", "crossed-twice"):
        part = _rows(conformance_world, name)
        assert 0 < part.num_rows < box.num_rows, name
        bounds = conformance_world.scenarios[name].request.region.bounds
        assert bounds[1] <= box["latitude"].to_numpy().min(), name


def test_the_hole_takes_one_track_out_of_the_middle(conformance_world: World) -> None:
    """The track that is in the hole is cut in two, another is left whole."""
    box, hole = _rows(conformance_world, "box"), _rows(conformance_world, "hole")

    assert len(_latitudes(hole, "gt2l")) < len(_latitudes(box, "gt2l"))
    assert len(_latitudes(hole, "gt1l")) == len(_latitudes(box, "gt1l"))


def test_the_notch_is_crossed_by_every_track(conformance_world: World) -> None:
    """Each track is in the region, out of it and in it again: the rows between are missing."""
    rows = _rows(conformance_world, "crossed-twice")

    for beam in BEAMS:
        steps = np.abs(np.diff(_latitudes(rows, beam)))
        assert steps.max() > 50 * np.median(steps)


def test_the_time_range_cuts_on_both_sides(conformance_world: World) -> None:
    """Rows before and after it exist, in the same region and granule."""
    scenario = conformance_world.scenarios["time-range"]
    every = _rows(conformance_world, "every-oddity")
    name = SPECS["ascending"].name
    granule = every.filter((np.asarray(every["rgt"]) == name.rgt) & (np.asarray(every["cycle"]) == name.cycle))
    time = np.asarray(granule["time"].to_numpy(), dtype="datetime64[ns]")

    assert time.min() < scenario.request.start < scenario.request.end < time.max()


def test_two_releases_hold_other_values_of_the_same_points(conformance_world: World) -> None:
    """Reading the older one, or both, cannot go unnoticed."""
    world = conformance_world
    box, older = _rows(world, "box"), _rows(world, "older-release")
    request = world.scenarios["box"].request
    both = reference_rows([world.paths["ascending"], world.paths["older-release"]], request)

    assert not box.equals(older)
    assert both.num_rows == box.num_rows + older.num_rows
    assert _rows(world, "given").equals(older)
    assert _rows(world, "local").equals(older)


def test_the_odd_granule_has_what_is_left_out(conformance_world: World) -> None:
    """It really holds NaN and out-of-range coordinates, in every beam."""
    with h5py.File(conformance_world.paths["odd-values"]) as file:
        for beam in BEAMS:
            points = np.stack([file[f"{beam}/land_ice_segments/{name}"][:] for name in ("latitude", "longitude")])
            assert np.isnan(points).any()
            assert (np.abs(points) > 180).any()


@pytest.mark.parametrize("name", ["box", "variables"])
def test_further_variables_have_values(conformance_world: World, name: str) -> None:
    """The columns that are asked for are filled, and are no others."""
    request = conformance_world.scenarios[name].request
    rows = _rows(conformance_world, name)

    assert rows.num_columns == 10 + len(request.variables)
    assert all(rows[each.column].null_count < rows.num_rows for each in request.variables)


def test_the_damaged_granule_can_be_opened_but_not_read(conformance_world: World) -> None:
    """Its coordinates are whole, so that it is searched for and opened; its heights cannot be decoded."""
    path = conformance_world.paths["damaged"]
    assert GranuleName.parse(path.name) == SPECS["damaged"].name

    with h5py.File(path) as file:
        assert np.isfinite(file["gt2l/land_ice_segments/latitude"][:]).all()
        with pytest.raises(OSError, match="filter"):
            file["gt2l/land_ice_segments/h_li"][:]
