"""What the page says, and what it must never say."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.support_records import make_record, make_run

from trackbench.errors import InputError
from trackbench.report import build_page, render

if TYPE_CHECKING:
    from pathlib import Path

    from trackbench.errors import Status


def visible(page: str) -> str:
    """Return the page without its style, its script and its data, and with plain spaces."""
    page = page.replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"<(style|script)>.*?</\1>|base64,[\w+/=]+", "", page, flags=re.DOTALL)


def raw_records(page: str) -> list[dict[str, object]]:
    """Return the records that the page offers for download."""
    found = re.search(r'href="data:application/x-ndjson;base64,([\w+/=]+)"', page)
    assert found is not None
    return [json.loads(line) for line in base64.b64decode(found[1]).decode().splitlines()]


def test_the_page_is_written_whole(tmp_path: Path) -> None:
    """The file stands under its name, missing folders are made, and nothing else is left in the folder."""
    path = tmp_path / "reports" / "index.html"
    build_page(make_run(), path)

    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [each.name for each in path.parent.iterdir()] == ["index.html"]


def test_the_same_records_give_the_same_bytes() -> None:
    """Nothing of the moment or the process gets into the page."""
    assert render(make_run()) == render(make_run())


def test_no_records_is_an_error() -> None:
    """An empty page would look like a result; the error says how to get records."""
    with pytest.raises(InputError, match="trackbench run"):
        render([])


def test_the_headline_is_made_of_the_numbers() -> None:
    """Fastest method, its time, and its ratio to the baseline and to the bound."""
    page = visible(render(make_run()))

    assert (
        "<h1>h3-index:ranges is fastest on demo: 0.910 s, 7.7 times as fast as baseline:background,"
        " 2.2 times the least possible.</h1>"
    ) in page


@pytest.mark.parametrize("status", ["mismatch", "timeout", "failed", "unavailable", "unsupported"])
def test_a_run_that_is_not_ok_shows_no_speed(status: Status) -> None:
    """With its seconds and without, the page is the same to the byte: chart, table, sentences and download."""
    others = make_run()[:3]
    fast = make_record("virtualizarr:icechunk", (0.0123, 0.0124), status=status, reason="It went wrong.")
    none = dataclasses.replace(
        fast, seconds=(), samples=(), phases={}, cpu_seconds=None, peak_rss_bytes=None, wire=None
    )

    assert render([*others, fast]) == render([*others, none])
    assert "It went wrong." in render([*others, fast])
    assert "12.3 ms" not in visible(render([*others, fast]))


def test_a_faster_mismatch_is_not_the_fastest() -> None:
    """A wrong answer never makes the headline, however fast."""
    page = render([*make_run()[:3], make_record("virtualizarr:icechunk", (0.001,), status="mismatch")])

    assert "<h1>baseline:background is fastest" in page


def test_stand_ins_are_badged_everywhere() -> None:
    """Notice, chart, caption and table row say that a local endpoint stood in; without one nothing does."""
    page = visible(render(make_run()))
    row = re.search(r'<tr data-method="sliderule:atl06sp".*?</tr>', page, re.DOTALL)
    assert row is not None

    assert "STAND-IN" in row[0]
    assert all("STAND-IN" in chart for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL)[:2])
    assert all("STAND-IN" in words for words in re.findall(r"<figcaption>.*?</figcaption>", page, re.DOTALL))
    without = visible(render(make_run()[:3]))
    assert without.count("STAND-IN") == without.split('id="reading"')[1].count("STAND-IN") == 1


def test_text_of_records_is_escaped() -> None:
    """Whatever a service put into an error message, it stays text."""
    attack = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    run = make_record(
        "baseline:background", (1.0, 1.1), case=attack, command=attack, versions={attack: attack}, machine={}
    )
    page = render([run, make_record("harmony:" + attack, status="failed", reason=attack, case=attack)])

    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    """Several drawings in one page do not share ids, and every link within the page has a target."""
    page = render(make_run() + make_run(case="other"))
    ids = re.findall(r'\bid="([^"]+)"', page)

    assert len(ids) == len(set(ids))
    referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"', page)
    assert {name for group in referred for each in group for name in each.split()} <= set(ids)


def test_the_page_refers_to_nothing_outside() -> None:
    """No address but those of namespaces: the page works offline."""
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<>)]+", render(make_run())))

    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_only_the_newest_run_is_shown_and_older_ones_are_history() -> None:
    """Older runs are in the table of earlier runs with date, commit and medians, and nowhere else."""
    old = make_record(
        "baseline:oldest", (55.5, 55.6, 55.7), run="old", started_at="2026-11-01T08:00:00+00:00", commit="feedbeef"
    )
    page = visible(render([*make_run(), old]))
    before, after = page.split('id="history"')

    assert "baseline:oldest" not in before
    assert "baseline:oldest <b>55.6 s</b>" in after
    assert "feedbeef" in after


def test_the_null_run_is_the_noise_and_not_a_competitor() -> None:
    """The baseline against itself is told as the machine's noise and takes no part in the ranking."""
    records = [
        make_record("baseline:background", (2.0, 2.1, 2.2)),
        make_record("null:baseline:background", (1.0,)),
    ]
    page = visible(render(records))

    assert "<h1>baseline:background takes 2.10 s on demo" in page
    assert "0.476 times its own time" in page


def test_a_run_in_which_nothing_succeeded_still_makes_a_page() -> None:
    """Statuses and reasons are told, no speed is, and the headline says so."""
    page = render([make_record("baseline:default", status="failed", reason="The disk is full.")])

    assert "<h1>No method earned a speed on demo: 1 failed.</h1>" in page
    assert "The disk is full." in page
    assert "<svg" not in page


def test_raw_records_can_be_downloaded() -> None:
    """The download holds every record of the run as it was written."""
    records = make_run()[:5]

    assert raw_records(render(records)) == [json.loads(record.to_json()) for record in records]
