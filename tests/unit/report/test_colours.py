"""Colours that tell methods apart, for every reader, in both schemes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from trackbench.report import colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Machado, Oliveira and Fernandes (2009), severity 1: how those without one kind of cone see linear RGB.
DICHROMACY: Final = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE: Final = TO_XYZ.sum(axis=1)


def linear(colour: str) -> NDArray[np.float64]:
    """Return linear RGB of ``#rrggbb`` (IEC 61966-2-1)."""
    value = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIE L*a*b* of linear RGB."""
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, relative luminance)."""
    low, high = sorted(float(TO_XYZ[1] @ linear(each)) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def colour(variable: str) -> colours.Colour:
    """Return a colour of the page by its variable."""
    return next(each for each in colours.ALL if each.variable == variable)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", DICHROMACY)
def test_series_are_told_apart(sight: str, scheme: str) -> None:
    """Any two of the six backends that trackbench ships differ visibly, whichever cones a reader has."""
    seen = [lab(DICHROMACY[sight] @ linear(getattr(each, scheme))) for each in colours.SERIES[:6]]
    nearest = min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2))

    assert nearest > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_out_from_the_page(scheme: str) -> None:
    """Each series and phase has a contrast of 3 to 1 with the page (WCAG 2.2, 1.4.11)."""
    paper = getattr(colour("--paper"), scheme)
    marks = [each for each in colours.ALL if each.variable.startswith(("--series", "--phase"))]

    assert {each.variable for each in marks if contrast(getattr(each, scheme), paper) < 3} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("muted", "paper"),
        ("accent", "paper"),
        ("good", "paper"),
        ("bad", "paper"),
        ("ink", "panel"),
        ("warn", "warn-panel"),
    ],
)
def test_text_can_be_read(text: str, ground: str, scheme: str) -> None:
    """Text has a contrast of 4.5 to 1 with what it stands on (WCAG 2.2, 1.4.3)."""
    assert contrast(getattr(colour(f"--{text}"), scheme), getattr(colour(f"--{ground}"), scheme)) >= 4.5


def test_markers_are_unique() -> None:
    """No two colours share a marker or a variable: one would be painted as the other."""
    assert len({each.marker for each in colours.ALL}) == len({each.variable for each in colours.ALL})
    assert len({each.marker for each in colours.ALL}) == len(colours.ALL)


def test_a_backend_keeps_its_colour() -> None:
    """A page with other backends on it paints a known backend the same."""
    alone = colours.backend_colours(["h3-index"])
    among = colours.backend_colours(["a-new-one", "baseline", "h3-index", "null"])

    assert among["h3-index"] == alone["h3-index"]
    assert len({each.variable for each in among.values()}) == 4
