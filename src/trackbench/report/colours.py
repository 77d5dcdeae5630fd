"""One colour for each backend and each phase, in a light and a dark scheme.

Charts are drawn with marker colours that stand for CSS variables; the page gives the variables their value, so
that one drawing serves a light screen, a dark one and paper. The series keep apart for people who see few colours
(tests simulate the three kinds of dichromacy) and stand out from the page by 3 to 1 (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.session import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of the page.

    Attributes
    ----------
    variable
        CSS variable that holds it.
    marker
        The colour that stands for it while a chart is drawn; nothing else has it.
    light, dark
        Its value in either scheme, ``#rrggbb``.
    """

    variable: str
    marker: str
    light: str
    dark: str


def _series(names: Mapping[str, tuple[str, str]], first: int) -> dict[str, Colour]:
    return {
        name: Colour(f"--{name}", f"#0000{first + place:02x}", light, dark)
        for place, (name, (light, dark)) in enumerate(names.items())
    }


_PAGE: Final = _series(
    {
        "paper": ("#ffffff", "#14181d"),
        "panel": ("#f5f6f8", "#1c2229"),
        "ink": ("#15191e", "#e8ebee"),
        "muted": ("#59626d", "#a3adb8"),
        "line": ("#d3d8de", "#353e48"),
        "accent": ("#0b57b0", "#7db8ff"),
        "warn": ("#8a4b00", "#ffbe6b"),
        "warn-panel": ("#fff3dd", "#33270f"),
        "bad": ("#a61b1b", "#ff9a94"),
        "good": ("#1a6b34", "#7fd49a"),
    },
    first=1,
)
INK: Final = _PAGE["ink"].marker
MUTED: Final = _PAGE["muted"].marker
LINE: Final = _PAGE["line"].marker
PAPER: Final = _PAGE["paper"].marker
PANEL: Final = _PAGE["panel"].marker
WARN: Final = _PAGE["warn"].marker
WARN_PANEL: Final = _PAGE["warn-panel"].marker
BAD: Final = _PAGE["bad"].marker
ACCENT: Final = _PAGE["accent"].marker

# The hues of Okabe and Ito (2008), moved apart until the nearest two of the first six differ by more than 20 in
# CIE L*a*b* to every reader while each stands out from the page.
_SERIES: Final = _series(
    {
        "series-1": ("#2250d4", "#4b80cc"),
        "series-2": ("#bd8919", "#ccac00"),
        "series-3": ("#127f4f", "#26da7c"),
        "series-4": ("#e251a9", "#f882ac"),
        "series-5": ("#a2340a", "#d85934"),
        "series-6": ("#0d96f8", "#a8c0ff"),
        "series-7": ("#4a2197", "#8f71ff"),
        "series-8": ("#494020", "#f3e964"),
        "series-null": ("#7a838d", "#88929d"),
    },
    first=32,
)
_PHASES: Final = _series(
    {
        "phase-startup": ("#8b949e", "#77818c"),
        "phase-discover": ("#4a2197", "#8f71ff"),
        "phase-metadata": ("#e251a9", "#f882ac"),
        "phase-coordinates": ("#0d96f8", "#a8c0ff"),
        "phase-read": ("#2250d4", "#4b80cc"),
        "phase-filter": ("#127f4f", "#26da7c"),
        "phase-write": ("#bd8919", "#ccac00"),
    },
    first=64,
)
ALL: Final = (*_PAGE.values(), *_SERIES.values(), *_PHASES.values())
"""Every colour of the page."""

SERIES: Final = tuple(colour for name, colour in _SERIES.items() if name != "series-null")
"""The colours that backends may have, in the order in which they are given away."""

NULL: Final = "null"
"""The backend name of the run that measures the baseline against itself."""

_KNOWN: Final = ("baseline", "virtualizarr", "h3-index", "sliderule", "harmony", "opendap")


def backend_colours(backends: Iterable[str]) -> dict[str, Colour]:
    """Return a colour for each backend.

    Those that trackbench ships have the same one on every page; others take what is left in the order of their
    names, and share colours when there are more than eight.
    """
    wanted = set(backends)
    chosen = {name: SERIES[place] for place, name in enumerate(_KNOWN)}
    rest = SERIES[len(_KNOWN) :] + SERIES[: len(_KNOWN)]
    for place, name in enumerate(sorted(wanted - set(_KNOWN) - {NULL})):
        chosen[name] = rest[place % len(rest)]
    chosen[NULL] = _SERIES["series-null"]
    return {name: chosen[name] for name in sorted(wanted)}


def phase_colours() -> dict[str, Colour]:
    """Return a colour for each phase of a run, in their order."""
    return {phase: _PHASES[f"phase-{phase}"] for phase in PHASES}


def style_sheet() -> str:
    """Return the CSS that gives each variable its value: dark on a screen that prefers it, else light."""
    light = "".join(f"{colour.variable}:{colour.light};" for colour in ALL)
    dark = "".join(f"{colour.variable}:{colour.dark};" for colour in ALL)
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
