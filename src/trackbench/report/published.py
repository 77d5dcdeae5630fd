"""What others published of the services themselves: cited beside our figures, and never mixed into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trackbench.report.formatting import duration

if TYPE_CHECKING:
    from trackbench.report.panels import Panel


@dataclass(frozen=True, slots=True)
class Published:
    """A time of a real service that somebody else measured.

    Attributes
    ----------
    service
        Name of the backend that asks this service.
    said
        What was published, as published.
    low, high
        Seconds, for the whole case or for a granule.
    each_granule
        Whether the seconds are those of one granule.
    source
        Where it was published.
    """

    service: str
    said: str
    low: float
    high: float
    each_granule: bool
    source: str


_NOTEBOOK: Final = (
    "the notebooks of virtual-insanity (August 2025): ATL06 in the same 40 km square of south-east Greenland,"
    " October 2018 to October 2025"
)

PUBLISHED: Final = (
    Published(
        "sliderule",
        "28.8 s for the whole square by SlideRule's public cluster (atl06sp, Parquet output)",
        28.8,
        28.8,
        each_granule=False,
        source=_NOTEBOOK,
    ),
    Published(
        "harmony",
        "10 to 15 s a granule by Harmony, of 214 granules that match (bounding box, all variables)",
        10.0,
        15.0,
        each_granule=True,
        source=_NOTEBOOK,
    ),
)
"""Their workload is that of the cases ``greenland``; machine, network and load were others."""

_SAME_WORKLOAD: Final = "greenland"


def remarks(panel: Panel) -> tuple[str, ...]:
    """Return a sentence for each service that was measured here and of which something was published.

    On the case of the same workload, the time of the fastest method is set beside the published one.
    """
    measured = {entry.record.backend for entry in panel.entries}
    return tuple(_remark(each, panel) for each in PUBLISHED if each.service in measured or _same(panel))


def _same(panel: Panel) -> bool:
    return panel.case == _SAME_WORKLOAD


def _remark(published: Published, panel: Panel) -> str:
    text = f"Published: {published.said}; {published.source}. Cited, not measured here."
    if not _same(panel) or published.each_granule or not panel.ranked:
        return text
    best = panel.ranked[0]
    assert best.summary is not None
    return (
        f"{text} The fastest method of this run, {best.label}, takes {duration(best.summary.median)} on a"
        " generated case of the same square, dates and number of granules."
    )
