"""What others published stands beside our figures, and not among them."""

from __future__ import annotations

from tests.support_records import make_record, make_run

from trackbench.report import render
from trackbench.report.panels import make_panels
from trackbench.report.published import remarks

_INDEX = make_record("h3-index:local", (2.1, 2.2, 2.0), case="greenland")


def test_the_same_workload_is_set_beside_what_was_published() -> None:
    """On the case of the published figure, its time and that of the fastest method stand in one remark."""
    (panel,) = make_panels([_INDEX])
    sliderule, harmony = remarks(panel)
    assert "28.8 s" in sliderule
    assert "h3-index:local, takes 2.10 s" in sliderule
    assert "10 to 15 s a granule" in harmony
    assert "takes" not in harmony


def test_another_workload_is_compared_with_nothing() -> None:
    """A stand-in's row on another case names what its service was seen to need, without a comparison."""
    (panel,) = make_panels([make_record("sliderule:atl06x", (3.1, 3.2, 3.3), stand_in=True)])
    (remark,) = remarks(panel)
    assert "Cited, not measured here." in remark
    assert "fastest method" not in remark


def test_without_services_nothing_is_cited() -> None:
    """A page of files alone says nothing of services."""
    (panel,) = make_panels(list(make_run()[:1]))
    assert remarks(panel) == ()


def test_a_published_time_is_no_median() -> None:
    """It stands in a sentence of the page; the records that the page offers hold nothing of it."""
    page = render([_INDEX])
    assert "Published: 28.8" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert 28.8 not in _INDEX.seconds
