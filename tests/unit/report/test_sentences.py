"""Sentences say what the numbers say, and no more."""

from __future__ import annotations

from tests.support_records import make_record, make_run

from trackbench.report.panels import make_panels
from trackbench.report.sentences import explanation, headline, main_panel, noise, opening


def test_a_clear_winner_is_named() -> None:
    """With intervals apart the fastest is named, compared with the baseline and the bound."""
    (panel,) = make_panels(make_run())

    assert headline(panel) == (
        "h3-index:ranges is fastest on demo: 0.910 s, 7.7 times as fast as baseline:background,"
        " 2.2 times the least possible."
    )


def test_methods_within_each_others_spread_share_the_headline() -> None:
    """Where intervals meet nobody wins, and the baseline among them is not called slower."""
    (panel,) = make_panels(
        [
            make_record("baseline:background", (10.0, 14.0, 15.0)),
            make_record("baseline:slice", (9.0, 11.0, 12.0)),
            make_record("h3-index:ranges", (99.0, 100.0, 101.0)),
        ]
    )

    assert headline(panel) == (
        "baseline:slice and baseline:background cannot be told apart on demo: 11.0 s to 14.0 s,"
        " at best 27 times the least possible."
    )


def test_many_that_tie_are_counted() -> None:
    """A headline does not list more than three names."""
    records = [make_record(f"other:{name}", (10.0, 11.0, 12.0), bound=None) for name in "abcd"]
    (panel,) = make_panels([*records, make_record("baseline:background", (50.0, 51.0, 52.0), bound=None)])

    assert headline(panel) == (
        "other:a and 3 others cannot be told apart on demo: 11.0 s, 4.6 times as fast as baseline:background."
    )


def test_a_stand_in_is_called_one_even_in_the_headline() -> None:
    """A fast stand-in is never presented as the service."""
    (panel,) = make_panels([make_record("sliderule:a", (1.0,), stand_in=True), make_record("baseline:a", (5.0,))])

    assert headline(panel).startswith("sliderule:a (stand-in) is fastest on demo: 1.00 s, 5.0 times")


def test_what_is_not_known_is_left_out() -> None:
    """Without baseline, bound and counts the sentences are shorter, not wrong."""
    (panel,) = make_panels([make_record("h3-index:ranges", (2.0,), bound=None, wire=None)])

    assert headline(panel) == "h3-index:ranges takes 2.00 s on demo."
    assert explanation(panel) == ""
    assert noise(panel) == ""


def test_the_opening_counts_what_there_is() -> None:
    """Methods, cases, profile, samples and statuses are those of the records; the null run is not a method."""
    records = make_run()

    assert opening(records, make_panels(records)) == (
        "On 22 November 2026, 9 ways of getting every row of a region out of ICESat-2 granules into one GeoParquet"
        " file were timed on demo (16 granules, 402 MB), over the network profile in-region, cold, with 3 samples"
        " each. Each output was compared row by row with a reference that reads the whole files: 6 ok, 1 mismatch,"
        " 1 timeout and 1 unavailable."
    )


def test_the_headline_is_about_the_newest_command_and_its_largest_panel() -> None:
    """An older, larger case does not take the headline from what was just measured."""
    new = [make_record("baseline:a", (1.0,), case=case, granule_bytes=size) for case, size in (("s", 1), ("l", 9))]
    old = make_record("baseline:a", (1.0,), case="huge", granule_bytes=99, command="older")

    assert main_panel(make_panels([*new, old])).case == "l"
