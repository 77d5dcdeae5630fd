"""What trackbench knows of ATL06, against itself and against real granules."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from trackbench.errors import InputError
from trackbench.granules import GranuleName
from trackbench.products import ATL06, BEAMS, EPOCH, FLOAT32_FILL, get_product

if TYPE_CHECKING:
    from pathlib import Path

EVERY = (*ATL06.coordinates, *ATL06.columns, *ATL06.further.values())


@pytest.mark.parametrize("name", ["ATL06", "atl06", "Atl06"])
def test_products_are_found_in_any_case(name: str) -> None:
    """A user need not shout."""
    assert get_product(name) is ATL06


def test_an_unknown_product_names_the_known_ones() -> None:
    """The error says what there is."""
    with pytest.raises(InputError, match=r"'ATL99'.*ATL06"):
        get_product("ATL99")


def test_columns_of_atl06() -> None:
    """The columns of every subset, in their order, with their types and fills."""
    assert [(each.column, each.dtype.name, each.fill) for each in ATL06.columns] == [
        ("h_li", "float32", float(FLOAT32_FILL)),
        ("h_li_sigma", "float32", float(FLOAT32_FILL)),
        ("atl06_quality_summary", "int8", None),
    ]


def test_epoch_and_fill_have_their_exact_values() -> None:
    """The fill is the largest float32, which its short decimal form rounds to; the epoch is midnight."""
    assert np.finfo(np.float32).max == FLOAT32_FILL
    assert np.datetime64(1_514_764_800_000_000_000, "ns") == EPOCH
    assert sorted(BEAMS) == list(BEAMS)


@pytest.mark.parametrize(
    "path", ["land_ice_segments/fit_statistics/h_mean", "fit_statistics/h_mean"], ids=["whole", "short"]
)
def test_a_variable_is_found_by_its_path(path: str) -> None:
    """The name of the segments group may be left out."""
    found = ATL06.variable(path)

    assert found.path == "land_ice_segments/fit_statistics/h_mean"
    assert found.column == "h_mean"


@pytest.mark.parametrize("path", ["h_li", "land_ice_segments/latitude", "delta_time"])
def test_a_column_cannot_be_asked_for_twice(path: str) -> None:
    """What each subset holds already is refused as a further variable."""
    with pytest.raises(InputError, match="is a column of every ATL06 subset"):
        ATL06.variable(path)


def test_a_mistyped_variable_gets_a_hint() -> None:
    """An unknown path is answered with paths like it."""
    with pytest.raises(InputError, match="Did you mean land_ice_segments/fit_statistics/h_mean"):
        ATL06.variable("h_mean")
    with pytest.raises(InputError, match=r"no variable 'no_such_thing' in the group of a beam\. `trackbench"):
        ATL06.variable("no_such_thing")


def test_further_variables_are_known_by_their_own_path() -> None:
    """Keys and paths agree, no two variables share a path, and each fill can be told in its dtype."""
    assert all(path == variable.path for path, variable in ATL06.further.items())
    assert len({variable.path for variable in EVERY}) == len(EVERY)
    for variable in EVERY:
        if variable.fill is not None:
            assert variable.dtype.type(variable.fill) == variable.fill


def test_real_granules_store_what_the_product_says(real_atl06: tuple[Path, ...]) -> None:
    """From release 003 on every variable of a real granule has the dtype and the fill that are told here.

    The columns of every subset have them in older releases too.
    """
    seen = set()
    for path in real_atl06:
        settled = GranuleName.parse(path.name).release >= 3
        with h5py.File(path) as file:
            for beam, variable in product(BEAMS, EVERY if settled else (*ATL06.coordinates, *ATL06.columns)):
                dataset = file.get(f"{beam}/{variable.path}")
                if dataset is None:
                    continue
                seen.add(variable.path)
                where = f"{variable.path} of {path.name}"
                fill = np.ravel(dataset.attrs.get("_FillValue", ()))
                assert dataset.dtype == variable.dtype, where
                assert (fill.size == 0) == (variable.fill is None), where
                assert fill.size == 0 or fill[0] == variable.dtype.type(variable.fill), where

    # The two came with release 005.
    assert {variable.path for variable in EVERY} - seen <= {
        "land_ice_segments/dem/geoid_free2mean",
        "land_ice_segments/geophysical/tide_earth_free2mean",
    }
