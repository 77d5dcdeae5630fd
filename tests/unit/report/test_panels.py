"""How records are sorted and what they are compared with."""

from __future__ import annotations

from tests.support_records import make_record, make_run

from trackbench.report.panels import make_panels, newest, older, rows_of


def test_the_background_variant_is_the_baseline() -> None:
    """Ratios are to baseline:background even where another variant of the baseline was measured first."""
    (panel,) = make_panels([make_record("baseline:default", (9.0,)), make_record("baseline:background", (3.0,))])

    assert panel.baseline is not None
    assert panel.baseline.label == "baseline:background"
    assert {entry.label: entry.ratio for entry in panel.entries} == {
        "baseline:background": 1.0,
        "baseline:default": 3.0,
    }


def test_the_first_variant_stands_in_for_a_baseline_that_was_not_measured() -> None:
    """Without baseline:background the first variant of the baseline that has a speed is compared with."""
    (panel,) = make_panels(
        [
            make_record("baseline:a", status="failed", reason="x"),
            make_record("baseline:c", (4.0,)),
            make_record("baseline:b", (2.0,)),
        ]
    )

    assert panel.baseline is not None
    assert panel.baseline.label == "baseline:c"


def test_a_baseline_without_a_speed_is_not_replaced() -> None:
    """When baseline:background failed there are no ratios, rather than ratios to something else."""
    (panel,) = make_panels(
        [make_record("baseline:background", status="failed", reason="x"), make_record("baseline:b", (2.0,))]
    )

    assert panel.baseline is None
    assert [entry.ratio for entry in panel.entries] == [None, None]


def test_the_null_run_is_compared_with_what_it_repeats() -> None:
    """The null run's ratio is to the first measurement of the same variant, and its row follows that one's."""
    (panel,) = make_panels(
        [
            make_record("baseline:background", (2.0,)),
            make_record("h3-index:ranges", (1.0,)),
            make_record("baseline:slow", (8.0,)),
            make_record("null:h3-index:ranges", (1.1,)),
        ]
    )

    assert panel.null is not None
    assert panel.null.ratio == 1.1
    assert [entry.label for entry in rows_of(panel)][:2] == ["h3-index:ranges", "null:h3-index:ranges"]


def test_each_panel_shows_its_newest_run() -> None:
    """A newer run of one case leaves what an older run measured of another case on the page."""
    older_demo = make_record("baseline:a", (1.0,), run="1", started_at="2026-11-01T00:00:00Z")
    older_tiny = make_record("baseline:a", (1.0,), run="1", started_at="2026-11-01T00:00:00Z", case="tiny")
    newer_demo = make_record("baseline:a", (2.0,), run="2", started_at="2026-11-02T00:00:00Z", command="again")
    records = [older_demo, older_tiny, newer_demo]

    assert newest(records) == (newer_demo, older_tiny)
    assert older(records) == ((older_demo,),)


def test_runs_are_not_mixed_in_a_panel() -> None:
    """A newer run of one method does not stand beside an older run of another."""
    old = [
        make_record(label, (1.0,), run="1", started_at="2026-11-01T00:00:00Z") for label in ("baseline:a", "b:c")
    ]
    new = make_record("b:c", (0.5,), run="2", started_at="2026-11-02T00:00:00Z")

    assert newest([*old, new]) == (new,)


def test_the_fastest_comes_first_and_those_without_a_speed_last() -> None:
    """Rows are in the order of their medians; the others follow by name."""
    (panel,) = make_panels(make_run())
    medians = [entry.summary.median for entry in panel.ranked if entry.summary is not None]

    assert medians == sorted(medians)
    assert [entry.label for entry in panel.unranked] == [
        "baseline:download",
        "harmony:trajectory",
        "virtualizarr:icechunk",
    ]
