"""What a run keeps for its page beside the records, and the page made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackbench.bench.records import read_records
from trackbench.report import CaseMap, build_page, case_map

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from trackbench.region import Region


def keep_map(folder: Path, case: str, region: Region, table: pa.Table) -> Path:
    """Write what the map of a case shows to ``FOLDER/CASE.json``, thinned, so that a page can be made later."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.replace('/', '_').replace(':', '-')}.json"
    temporary = path.with_suffix(".json.part")
    temporary.write_text(case_map(case, region, table).to_json(), encoding="utf-8")
    temporary.replace(path)
    return path


def build_from(out: Path) -> Path:
    """Make ``OUT/reports/index.html`` from ``OUT/results``.

    Raises
    ------
    InputError
        If there are no records.
    """
    records = read_records(out / "results" / "runs")
    maps = [
        CaseMap.from_json(path.read_text(encoding="utf-8"))
        for path in sorted((out / "results" / "maps").glob("*.json"))
    ]
    page = out / "reports" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    build_page(records, page, maps=maps)
    return page
