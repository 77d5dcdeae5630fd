"""What trackbench knows of each ICESat-2 product: where its columns are and how they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trackbench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

BEAMS: Final = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
"""The six ground tracks of a granule, in the order in which rows are sorted."""

EPOCH: Final = np.datetime64("2018-01-01T00:00:00", "ns")
"""The ATLAS Standard Data Product epoch, from which ``delta_time`` counts seconds."""

FLOAT32_FILL: Final = np.float32(3.4028235e38)
"""The largest float32: the ``_FillValue`` of float32 variables in the ICESat-2 land ice products."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One column of a subset and the dataset that it comes from.

    Attributes
    ----------
    column
        Name of the column in the subset.
    path
        Path of the dataset within the group of a beam, such as ``land_ice_segments/h_li``.
    dtype
        Type of the stored values.
    fill
        The value that stands for "no value", or None where every value counts.
    units
        Units as the product states them.
    """

    column: str
    path: str
    dtype: np.dtype[np.generic]
    fill: float | int | None = None
    units: str = "1"


@dataclass(frozen=True, slots=True)
class Product:
    """A product: its name and the variables that every subset of it holds.

    Attributes
    ----------
    name
        Short name in the Common Metadata Repository.
    description
        One line for people.
    segments
        Group within a beam whose datasets run along the track and belong together, row by row.
    latitude, longitude, delta_time
        The coordinates of a row: degrees north, degrees east, seconds since `EPOCH`.
    columns
        The variables beside the coordinates, in the order of the subset's columns.
    further
        Variables that can be asked for beyond `columns`, by path within the beam.
    """

    name: str
    description: str
    segments: str
    latitude: Variable
    longitude: Variable
    delta_time: Variable
    columns: tuple[Variable, ...]
    further: Mapping[str, Variable]

    @property
    def coordinates(self) -> tuple[Variable, Variable, Variable]:
        """Latitude, longitude and delta_time."""
        return (self.latitude, self.longitude, self.delta_time)

    def variable(self, path: str) -> Variable:
        """Return the variable at `path` within a beam.

        The name of the segments group may be left out: ``fit_statistics/h_mean`` is
        ``land_ice_segments/fit_statistics/h_mean`` in ATL06.

        Raises
        ------
        InputError
            If the product has no such variable, or it belongs to each subset already.
        """
        full = path if path.startswith(f"{self.segments}/") else f"{self.segments}/{path}"
        if any(full == known.path for known in (*self.coordinates, *self.columns)):
            raise InputError(f"{path} is a column of every {self.name} subset; leave it out of the variables.")
        try:
            return self.further[full]
        except KeyError:
            leaf = full.rsplit("/", 1)[-1]
            near = sorted(known for known in self.further if leaf in known)[:5]
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise InputError(
                f"{self.name} has no variable {path!r} in the group of a beam.{hint}"
                f" `trackbench backends --product {self.name}` lists them."
            ) from None


_F4: Final[np.dtype[np.generic]] = np.dtype("float32")
_F8: Final[np.dtype[np.generic]] = np.dtype("float64")
_I1: Final[np.dtype[np.generic]] = np.dtype("int8")
_I4: Final[np.dtype[np.generic]] = np.dtype("int32")

# Variables of ATL06 beyond the columns, by subgroup of land_ice_segments, as in releases 003 to 007
# (NSIDC ATL06 data dictionary; checked against granules of releases 003, 005 and 006).
_ATL06_FLOAT32: Final = {
    "": {"sigma_geo_h": "meters"},
    "bias_correction/": {
        "fpb_mean_corr": "meters",
        "fpb_mean_corr_sigma": "meters",
        "fpb_med_corr": "meters",
        "fpb_med_corr_sigma": "meters",
        "fpb_n_corr": "counts",
        "med_r_fit": "meters",
        "tx_mean_corr": "meters",
        "tx_med_corr": "meters",
    },
    "dem/": {"dem_h": "meters", "geoid_h": "meters", "geoid_free2mean": "meters"},
    "fit_statistics/": {
        "dh_fit_dx": "meters/meters",
        "dh_fit_dx_sigma": "meters/meters",
        "dh_fit_dy": "meters/meters",
        "h_expected_rms": "meters",
        "h_mean": "meters",
        "h_rms_misfit": "meters",
        "h_robust_sprd": "meters",
        "n_seg_pulses": "counts",
        "sigma_h_mean": "meters",
        "snr": "1",
        "snr_significance": "1",
        "w_surface_window_final": "meters",
    },
    "geophysical/": {
        "bckgrd": "hz",
        "bsnow_h": "meters",
        "bsnow_od": "1",
        "dac": "meters",
        "e_bckgrd": "hz",
        "neutat_delay_total": "meters",
        "r_eff": "1",
        "solar_azimuth": "degrees_east",
        "solar_elevation": "degrees",
        "tide_earth": "meters",
        "tide_earth_free2mean": "meters",
        "tide_equilibrium": "meters",
        "tide_load": "meters",
        "tide_ocean": "meters",
        "tide_pole": "meters",
    },
    "ground_track/": {
        "ref_azimuth": "degrees",
        "ref_coelv": "degrees",
        "seg_azimuth": "degrees",
        "sigma_geo_at": "meters",
        "sigma_geo_r": "meters",
        "sigma_geo_xt": "meters",
        "y_atc": "meters",
    },
}
_ATL06_OTHERS: Final[dict[str, tuple[np.dtype[np.generic], float | int | None]]] = {
    "segment_id": (_I4, 0),
    "dem/dem_flag": (_I1, None),
    "fit_statistics/n_fit_photons": (_I4, 2147483647),
    "fit_statistics/signal_selection_source": (_I1, None),
    "fit_statistics/signal_selection_source_status": (_I1, None),
    "geophysical/bsnow_conf": (_I1, 127),
    "geophysical/cloud_flg_asr": (_I1, 127),
    "geophysical/cloud_flg_atm": (_I1, 127),
    "geophysical/layer_flag": (_I1, 127),
    "geophysical/msw_flag": (_I1, 127),
    "ground_track/x_atc": (_F8, 1.7976931348623157e308),
}


def _atl06() -> Product:
    group = "land_ice_segments"
    further = {
        f"{group}/{sub}{leaf}": Variable(leaf, f"{group}/{sub}{leaf}", _F4, float(FLOAT32_FILL), units)
        for sub, leaves in _ATL06_FLOAT32.items()
        for leaf, units in leaves.items()
    }
    further |= {
        f"{group}/{path}": Variable(path.rsplit("/", 1)[-1], f"{group}/{path}", dtype, fill)
        for path, (dtype, fill) in _ATL06_OTHERS.items()
    }
    return Product(
        name="ATL06",
        description="Land ice height, one row for each 40 m segment (every 20 m) of a ground track",
        segments=group,
        latitude=Variable("latitude", f"{group}/latitude", _F8, units="degrees_north"),
        longitude=Variable("longitude", f"{group}/longitude", _F8, units="degrees_east"),
        delta_time=Variable("time", f"{group}/delta_time", _F8, units="seconds since 2018-01-01"),
        columns=(
            Variable("h_li", f"{group}/h_li", _F4, float(FLOAT32_FILL), "meters"),
            Variable("h_li_sigma", f"{group}/h_li_sigma", _F4, float(FLOAT32_FILL), "meters"),
            Variable("atl06_quality_summary", f"{group}/atl06_quality_summary", _I1),
        ),
        further=further,
    )


ATL06: Final = _atl06()
PRODUCTS: Final[Mapping[str, Product]] = {ATL06.name: ATL06}


def get_product(name: str) -> Product:
    """Return the product called `name`, in any case of letters.

    Raises
    ------
    InputError
        If trackbench does not know the product.
    """
    try:
        return PRODUCTS[name.upper()]
    except KeyError:
        raise InputError(f"Unknown product {name!r}. Known: {', '.join(PRODUCTS)}.") from None
