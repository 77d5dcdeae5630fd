"""What is told of a change from one run to another, and what is not."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from tests.support_records import make_record
from typer.testing import CliRunner

from trackbench.bench.records import append_records
from trackbench.cli import app
from trackbench.report.changes import find_changes

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.bench.records import Record

_BASELINE = (7.44, 7.39, 7.58)
_NULL = (7.52, 7.61, 7.40)
_OTHER = (8.85, 7.87, 9.49)


def _run(*, other: float = 1.0, **changed: Any) -> tuple[Record, ...]:
    return (
        make_record("baseline:background", _BASELINE),
        make_record("virtualizarr:dmrpp", [each * other for each in _OTHER], **changed),
        make_record("null:baseline:background", _NULL),
    )


def _told(before: tuple[Record, ...], after: tuple[Record, ...]) -> list[tuple[str, str, str]]:
    return [(each.label, each.metric, each.kind) for each in find_changes(before, after) if each.kind != "same"]


def test_a_run_against_itself_shows_nothing() -> None:
    """Nothing is a change when nothing changed, the null run least of all."""
    changes = find_changes(_run(), _run())
    assert {each.label for each in changes} == {"baseline:background", "virtualizarr:dmrpp"}
    assert all(each.kind == "same" for each in changes)


def test_a_delay_of_30_percent_in_one_backend_is_found_and_nothing_else() -> None:
    """The one that was slowed down is named, with the ratio."""
    assert _told(_run(), _run(other=1.3)) == [("virtualizarr:dmrpp", "seconds", "worse")]
    assert _told(_run(other=1.3), _run()) == [("virtualizarr:dmrpp", "seconds", "better")]
    (found,) = (each for each in find_changes(_run(), _run(other=1.3)) if each.kind == "worse")
    assert found.ratio == pytest.approx(1.3)
    assert found.regression


def test_samples_that_overlap_say_nothing() -> None:
    """A median that moved is no change while samples of the one lie among those of the other."""
    assert _told(_run(), _run(other=1.12)) == []


def test_what_is_within_the_null_run_is_noise() -> None:
    """On a machine whose null run is off by a third, a change of 30 % is none."""
    noisy = (*_run()[:2], make_record("null:baseline:background", [each * 1.34 for each in _NULL]))
    assert _told(noisy, _run(other=1.3)) == []


def test_requests_and_bytes_are_compared_as_counts() -> None:
    """Twice the requests is a change whatever the time."""
    assert _told(_run(), _run(requests=2_000)) == [("virtualizarr:dmrpp", "requests", "worse")]


def test_a_backend_that_fails_now_is_broken() -> None:
    """The status comes before any figure, and the reason is told."""
    broken = (_run()[0], make_record("virtualizarr:dmrpp", status="failed", reason="no such chunk"), _run()[2])
    (found,) = (each for each in find_changes(_run(), broken) if each.kind != "same")
    assert (found.metric, found.kind, found.regression) == ("status", "broken", True)
    assert "no such chunk" in found.why
    assert _told(broken, _run()) == [("virtualizarr:dmrpp", "status", "mended")]


def test_what_was_not_measured_again_is_told() -> None:
    """A backend cannot get rid of a regression by not being run."""
    assert _told(_run(), _run()[:1]) == [("virtualizarr:dmrpp", "status", "gone")]
    assert _told(_run()[:1], _run()) == [("virtualizarr:dmrpp", "status", "new")]


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """Write the records of a run, and of one in which a backend takes 30 % longer."""
    paths = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, records in zip(paths, (_run(), _run(other=1.3)), strict=True):
        append_records(path, records)
    return str(paths[0]), str(paths[1])


def test_a_regression_ends_with_1(runs: tuple[str, str], tmp_path: Path) -> None:
    """So that a CI can be stopped by it; JUnit names the one that failed."""
    assert CliRunner().invoke(app, ["compare-runs", runs[0], runs[0]]).exit_code == 0
    junit = tmp_path / "junit.xml"
    outcome = CliRunner().invoke(app, ["compare-runs", *runs, "--json", "--junit", str(junit)])
    assert outcome.exit_code == 1
    assert [each["kind"] for each in json.loads(outcome.stdout) if each["metric"] == "seconds"] == [
        "same",
        "worse",
    ]
    failed = [case.get("name") for case in ET.parse(junit).getroot() if case.find("failure") is not None]
    assert failed == ["virtualizarr:dmrpp seconds"]


def test_the_summary_goes_where_github_shows_it(
    runs: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row for each backend, and more for what changed."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert CliRunner().invoke(app, ["compare-runs", *runs, "--github"]).exit_code == 1
    rows = (tmp_path / "summary.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[4:]] == ["| baseline:background", "| virtualizarr:dmrpp"]
