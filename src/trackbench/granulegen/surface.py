"""The ice surface that synthetic granules fly over: the same place gives the same height on every pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Wavelength in metres and amplitude in metres of the undulations, from ice domes down to sastrugi; a surface
# whose slopes stay about alike at each scale, gentler below a few kilometres.
_WAVES: Final = (
    (900_000.0, 700.0),
    (310_000.0, 180.0),
    (97_000.0, 60.0),
    (31_000.0, 24.0),
    (11_000.0, 8.0),
    (4_100.0, 2.0),
    (1_300.0, 0.5),
    (430.0, 0.15),
)
_MEAN: Final = 1900.0
_EARTH_RADIUS: Final = 6_371_000.0
_THINNING: Final = -0.12  # metres a year


def surface_height(longitude: Floats, latitude: Floats, years: float) -> Floats:
    """Return the height of the ice surface above the ellipsoid.

    Parameters
    ----------
    longitude, latitude
        Degrees, float64 of shape (n,).
    years
        Time since 2018-01-01: the surface sinks slowly.

    Returns
    -------
    numpy.ndarray
        Metres, float64 of shape (n,).
    """
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)
    level = np.cos(north)
    place = _EARTH_RADIUS * np.stack([level * np.cos(east), level * np.sin(east), np.sin(north)])
    rng = np.random.default_rng(20180915)
    height = np.full(np.shape(longitude), _MEAN + _THINNING * years)
    for wavelength, amplitude in _WAVES:
        for _ in range(2):
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            phase = rng.uniform(0, 2 * np.pi)
            height += amplitude / np.sqrt(2) * np.sin(2 * np.pi / wavelength * (direction @ place) + phase)
    return height
