"""Values of every variable of a beam, as the writer stores them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trackbench.granulegen.facts import is_strong
from trackbench.granulegen.surface import surface_height
from trackbench.granulegen.track import SEGMENT_METRES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trackbench.granulegen.spec import GranuleSpec
    from trackbench.granulegen.track import Beam

    Column = NDArray[Any]

FILL_F4: Final = np.finfo(np.float32).max
_YEAR: Final = 365.25 * 86_400
_BINS: Final = 748
_STRAYS: Final = 9  # photons of the background in a histogram
_GROUPED: Final = 10  # segments behind one residual histogram
_NARROW_BINS: Final = 18.0  # standard deviation of the photons around the surface
_WIDE_BINS: Final = 90  # no photon of the surface lies further away

# Medians and spreads of the standard error of h_li and of n_fit_photons over Greenland, release 6.
_SIGMA: Final = {True: 0.027, False: 0.056}
_SIGMA_SPREAD: Final = 0.75
_PHOTONS: Final = {True: 259, False: 63}


@dataclass(frozen=True, slots=True)
class Rule:
    """How the values of a variable that no subset needs are made.

    Attributes
    ----------
    typical
        The value of a light granule, and the middle of those of a full one.
    spread
        Standard deviation; of a flag, the share of rows that are one higher.
    quantum
        Values are multiples of it; 0 keeps every digit.
    hold
        Rows over which a value stays the same.
    """

    typical: float
    spread: float
    quantum: float
    hold: int


@cache
def load_rules() -> dict[str, Rule]:
    """Read the rules by path within a beam; they were set so that chunks are as large as real ones."""
    text = files(__package__).joinpath("atl06_values.tsv").read_text(encoding="utf-8")
    return {
        row["path"]: Rule(float(row["typical"]), float(row["spread"]), float(row["quantum"]), int(row["hold"]))
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    }


def constant(value: float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Column:
    """Return an array that holds one value in one element of memory, whatever its shape."""
    return np.broadcast_to(np.array(value, dtype), shape)


def bulk(rule: Rule, rng: np.random.Generator, count: int, dtype: np.dtype[Any]) -> Column:
    """Return values that follow a rule, of shape (count,)."""
    if rule.spread == 0 or count == 0:
        return constant(rule.typical, (count,), dtype)
    steps = -(-count // rule.hold)
    if dtype.itemsize == 1:
        draws = rule.typical + (rng.random(steps) < rule.spread)
    else:
        draws = rule.typical + rule.spread * rng.standard_normal(steps, dtype=np.float32)
        if rule.quantum:
            draws = np.rint(draws / rule.quantum) * rule.quantum
    return np.repeat(draws.astype(dtype), rule.hold)[:count]


def land_ice(spec: GranuleSpec, name: str, beam: Beam) -> dict[str, Column]:
    """Return the variables under ``land_ice_segments`` whose values mean something, by path below it."""
    rng = _rng(spec, name, 1)
    keep = beam.found if not spec.edges.empty else np.zeros_like(beam.found)
    longitude, latitude = beam.longitude[keep], beam.latitude[keep]
    count = latitude.size
    strong = is_strong(name, spec.cycle)
    sigma = _SIGMA[strong] * np.exp(
        _SIGMA_SPREAD * np.abs(rng.standard_normal(count)) ** 1.5 * rng.choice([-0.5, 1], count)
    )
    years = float(beam.delta_time[0]) / _YEAR
    surface = surface_height(longitude, latitude, years)
    height = surface + sigma * rng.standard_normal(count)
    lost = _runs(rng, count, _fill_share(spec, rng), 25)
    poor = lost | _runs(rng, count, rng.uniform(0.01, 0.045), 4)
    height[lost] = sigma[lost] = FILL_F4
    _spoil(spec, rng, longitude, latitude)
    columns: dict[str, Column] = {
        "delta_time": beam.delta_time[keep],
        "longitude": longitude,
        "latitude": latitude,
        "segment_id": beam.segment_id[keep],
        "h_li": height.astype(np.float32),
        "h_li_sigma": sigma.astype(np.float32),
        "atl06_quality_summary": poor.astype(np.int8),
        "ground_track/x_atc": beam.x_atc[keep],
        "ground_track/y_atc": beam.y_atc[keep],
    }
    if spec.ballast == "full":
        slope = 0.3 * np.exp(0.9 * rng.standard_normal(count))
        columns["sigma_geo_h"] = np.where(lost, FILL_F4, slope).astype(np.float32)
        photons = np.rint(_PHOTONS[strong] * (1 + 0.08 * rng.standard_normal(count)))
        columns["fit_statistics/n_fit_photons"] = np.where(lost, 2_147_483_647, photons).astype(np.int32)
        mean = height + sigma * rng.standard_normal(count)
        columns["fit_statistics/h_mean"] = np.where(lost, FILL_F4, mean).astype(np.float32)
        columns["dem/dem_h"] = (surface + rng.normal(0, 1.5, count)).astype(np.float32)
    return columns


def segment_quality(spec: GranuleSpec, beam: Beam) -> dict[str, Column]:
    """Return the variables under ``segment_quality`` that a full granule takes from the track."""
    if spec.ballast != "full":
        return {}
    return {
        "delta_time": beam.delta_time,
        "reference_pt_lat": beam.latitude,
        "reference_pt_lon": beam.longitude,
        "segment_id": beam.segment_id,
        "record_number": np.where(beam.found, np.cumsum(beam.found), 0).astype(np.int32),
    }


def residual_histogram(spec: GranuleSpec, name: str, beam: Beam) -> dict[str, Column]:
    """Return the variables under ``residual_histogram``; one row for ten segments."""
    fixed: dict[str, Column] = {
        "bin_top_h": np.linspace(-50, 50, _BINS, dtype=np.float32),
        "ds_segment_id": np.arange(1, _GROUPED + 1, dtype=np.int8),
    }
    rows = histogram_rows(spec, beam)
    if spec.ballast != "full" or not rows:
        return fixed
    rng = _rng(spec, name, 2)
    middle = slice(_GROUPED // 2, None, _GROUPED)
    return fixed | {
        "delta_time": _to_rows(beam.delta_time[middle], rows),
        "lat_mean": _to_rows(beam.latitude[middle], rows),
        "lon_mean": _to_rows(beam.longitude[middle], rows),
        "x_atc_mean": _to_rows(beam.x_atc[middle], rows) + SEGMENT_METRES / 2,
        "segment_id_list": beam.segment_id[0] + np.arange(rows * _GROUPED, dtype=np.int32).reshape(rows, _GROUPED),
        "count": histogram_counts(rng, rows, strong=is_strong(name, spec.cycle)),
    }


def histogram_rows(spec: GranuleSpec, beam: Beam) -> int:
    """Return how many histograms a beam has."""
    return 0 if spec.edges.empty else -(-beam.found.size // _GROUPED)


def histogram_counts(rng: np.random.Generator, rows: int, *, strong: bool) -> NDArray[np.int32]:
    """Return residual counts of shape (rows, 748): photons gather around the fitted surface, few lie elsewhere."""
    photons = 0.5 * _PHOTONS[strong] * rng.uniform(0.6, 1.4, rows)
    reach = np.arange(-_WIDE_BINS, _WIDE_BINS + 1)
    shape = np.exp(-0.5 * (reach / _NARROW_BINS) ** 2)
    counts = np.zeros((rows, _BINS), dtype=np.int32)
    counts[:, _BINS // 2 + reach] = rng.poisson(photons[:, None] * shape / shape.sum())
    stray = rng.integers(0, _BINS, (rows, _STRAYS))
    counts[np.arange(rows)[:, None], stray] += 1
    return counts


def _to_rows(values: Column, rows: int) -> Column:
    """Lengthen by the last value to the number of histograms, when the last of them is a short one."""
    if values.size == 0:
        return np.zeros(rows, values.dtype)
    return np.concatenate([values, np.full(rows - values.size, values[-1], values.dtype)])


def _rng(spec: GranuleSpec, name: str, use: int) -> np.random.Generator:
    """Return a stream of random numbers that is no other beam's and no other use's."""
    return np.random.default_rng((spec.seed, spec.rgt, spec.cycle, spec.region, use, *name.encode()))


def _fill_share(spec: GranuleSpec, rng: np.random.Generator) -> float:
    """Share of segments without a height."""
    usual = float(rng.uniform(0, 0.01))
    return usual if spec.edges.fill_fraction is None else spec.edges.fill_fraction


def _runs(rng: np.random.Generator, count: int, share: float, length: int) -> NDArray[np.bool_]:
    """Mark about a share of `count` rows, in runs of about `length` rows."""
    marked = np.zeros(count, dtype=bool)
    if share >= 1:
        marked[:] = True
    elif share > 0 and count:
        # Runs overlap, the more the larger the share: so many random runs leave 1 - share uncovered.
        runs = rng.poisson(-np.log(1 - share) * count / length)
        begins = rng.integers(0, count, runs)
        change = np.zeros(count + 1, dtype=np.int32)
        np.add.at(change, begins, 1)
        np.add.at(change, np.minimum(begins + rng.geometric(1 / length, runs), count), -1)
        marked = np.cumsum(change[:-1]) > 0
    return marked


def _spoil(spec: GranuleSpec, rng: np.random.Generator, longitude: Column, latitude: Column) -> None:
    """Put NaN and places outside of the Earth among the coordinates, in place."""
    wanted = spec.edges.nan_coordinates + spec.edges.out_of_range_coordinates
    rows = rng.permutation(latitude.size)[:wanted]
    for turn, row in enumerate(rows):
        bad = (np.nan, np.nan) if turn < spec.edges.nan_coordinates else (540.0, 123.0)
        if turn % 3 != 1:
            latitude[row] = bad[1]
        if turn % 3 != 0:
            longitude[row] = bad[0]
