"""The page in a real browser: nothing leaves it, nothing goes wrong in it, and it fits."""

from __future__ import annotations

import os
import re
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from tests.support_records import make_run

from trackbench.region import Region
from trackbench.report import build_page, case_map

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A browser on its own asks for updates and settings; a test must not reach out for any of them.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the Chromium that is installed."""
    found = os.environ.get("TRACKBENCH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"No browser: install one of {', '.join(NAMES)}, or name one in TRACKBENCH_CHROMIUM.")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a page with two cases, every status, a stand-in, a null run, earlier runs and a map."""
    region = Region.from_bbox(-45.4, 62.6, -44.6, 63.0)
    latitude = np.arange(62.61, 62.99, 0.001)
    rows = pa.table(
        {
            "longitude": -45 + (latitude - 62.8) / 3,
            "latitude": latitude,
            "rgt": np.full(len(latitude), 7, np.int16),
            "cycle": np.full(len(latitude), 1, np.int16),
            "track_id": pa.array(["gt1l"] * len(latitude)).dictionary_encode(),
        }
    )
    path = tmp_path_factory.mktemp("page") / "reports" / "index.html"
    old = make_run(run="old", started_at="2026-11-01T08:00:00Z")
    other = make_run(case="a workload with a long name", profile="in-region-busy", run="other")
    build_page([*old, *make_run(), *other], path, maps=[case_map("demo", region, rows)])
    return path


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Any]:
    """Open the page; afterwards, nothing was asked of the network and the console is empty."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    outside: list[str] = []

    def watch(route: Any) -> None:
        address = route.request.url
        if address == page_file.as_uri() or address.startswith("data:"):
            route.continue_()
        else:
            outside.append(address)
            route.abort()

    page.route("**/*", watch)
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(page_file.as_uri())
    yield page
    page.wait_for_load_state("networkidle")
    context.close()
    assert outside == []
    assert complaints == []


def methods(page: Any) -> list[str]:
    """Return the labels of the first results table from top to bottom."""
    found: list[str] = page.locator("table[id$=-results]").first.locator("tbody th .label").all_inner_texts()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_the_page_fits(opened: Any, width: int, scheme: str) -> None:
    """No width makes the page scroll sideways, and one drawing of each chart is seen, as large as fits."""
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": width, "height": 800})

    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    sizes = opened.evaluate("[...document.querySelectorAll('svg.chart')].map(each => each.clientWidth)")
    seen = [each for each in sizes if each > 0]
    assert len(seen) == (len(sizes) - 1) / 2 + 1
    assert all(300 <= each <= width for each in seen)


def test_tables_sort_by_keyboard(opened: Any) -> None:
    """Enter on a head sorts up, again down; rows without a speed stay last, and screen readers are told."""
    table = opened.locator("table[id$=-results]").first
    head = table.locator("tr.heads th").filter(has_text=re.compile("median"))
    as_measured = methods(opened)
    head.locator("button").focus()
    opened.keyboard.press("Enter")
    rising = methods(opened)
    assert head.get_attribute("aria-sort") == "ascending"
    opened.keyboard.press("Enter")
    falling = methods(opened)

    assert head.get_attribute("aria-sort") == "descending"
    assert rising == as_measured
    assert falling[:7] == rising[:7][::-1]
    assert set(falling[7:]) == {"baseline:download", "harmony:trajectory", "virtualizarr:icechunk"}
    assert opened.locator("[aria-sort]").count() == 1


def test_tables_can_be_filtered(opened: Any) -> None:
    """Words and a status choose rows, and what is hidden is said."""
    opened.get_by_label("Methods with").fill("BASELINE")
    opened.get_by_label("Status").select_option("timeout")
    rows = opened.locator("table[id$=-results] tbody tr:visible")

    assert rows.locator(".label").all_inner_texts() == ["baseline:download", "baseline:download"]
    assert opened.locator("#filter output").inner_text() == "2 of 20 results shown in the tables"


def test_the_page_is_complete_without_scripts(browser: Any, page_file: Path) -> None:
    """With scripts switched off every table and chart is there, and no control that does nothing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    labels = methods(page)
    controls = page.locator("button, input, select").count()
    context.close()

    assert len(labels) == 10
    assert controls == 0


def test_the_raw_records_can_be_saved(opened: Any) -> None:
    """The link gives a JSONL file with a line for each record that is shown."""
    with opened.expect_download() as waiting:
        opened.get_by_role("link", name="Download the raw records").click()

    assert waiting.value.suggested_filename.endswith(".jsonl")
    assert len(waiting.value.path().read_text(encoding="utf-8").splitlines()) == 20


def test_names_and_landmarks(opened: Any) -> None:
    """A screen reader finds one title, landmarks, tables with captions and charts with titles."""
    assert opened.get_by_role("heading", level=1).count() == 1
    for landmark in ("banner", "main", "contentinfo", "navigation", "search"):
        assert opened.get_by_role(landmark).count() == 1, landmark
    assert opened.locator("table:not(:has(caption))").count() == 0
    assert opened.locator("svg[role=img]:not(:has(title))").count() == 0
    assert opened.locator("th:not([scope])").count() == 0
    headings = opened.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => each.tagName)")
    assert all(int(after[1]) - int(before[1]) <= 1 for before, after in pairwise(headings))


def test_the_page_prints(opened: Any) -> None:
    """Chromium makes a PDF of it, and on paper nothing is wider than the sheet even where the screen is dark."""
    opened.emulate_media(media="print", color_scheme="dark")
    # A4 across, less its margins of 13 mm, at 96 pixels an inch.
    opened.set_viewport_size({"width": 1024, "height": 700})

    assert opened.evaluate("document.documentElement.scrollWidth") <= 1024
    assert opened.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.pdf(prefer_css_page_size=True).startswith(b"%PDF-")
