"""Put the page together: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trackbench.report import charts, colours, map_drawing, provenance, published, sentences, tables
from trackbench.report.formatting import count, size
from trackbench.report.panels import make_panels, newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackbench.bench.records import Record
    from trackbench.report.colours import Colour
    from trackbench.report.maps import CaseMap
    from trackbench.report.panels import Panel

_TEMPLATE: Final = "page.html.j2"
_UNIT: Final = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|[kMGT]?B|times)\b)")


@dataclass(frozen=True, slots=True)
class PanelView:
    """A panel with its drawings and tables."""

    panel: Panel
    name: str
    finding: str
    explanation: str
    noise: str
    published: tuple[str, ...]
    time_charts: tuple[Markup, ...]
    phase_charts: tuple[Markup, ...]
    results: tables.Table
    samples: tables.Table
    phases: tables.Table

    @property
    def title(self) -> str:
        """What tells it from the other panels of its case."""
        return f"{self.panel.profile}, {self.panel.temperature}"

    @property
    def stand_in(self) -> bool:
        """Whether any run of it met a stand-in."""
        return any(row.record.stand_in for row in self.results.rows)

    @property
    def server_bound(self) -> bool:
        """Whether the local cloud was the bottleneck of any run of it."""
        return any(row.record.server_bound and row.cells for row in self.results.rows)


@dataclass(frozen=True, slots=True)
class MapView:
    """A map and the words below it."""

    drawing: Markup
    shown: CaseMap
    place: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with its map and panels."""

    case: str
    name: str
    granules: int
    granule_bytes: int
    rows: int | None
    map: MapView | None
    panels: tuple[PanelView, ...]


def build_page(records: Sequence[Record], path: Path, *, maps: Sequence[CaseMap] = ()) -> None:
    """Write the page of the newest run of each case, profile and temperature.

    The same records and maps give the same bytes. The file appears under its name when it is whole.

    Parameters
    ----------
    records
        Of one or several runs; what a newer run measured again is history.
    path
        The HTML file; folders that are missing are made.
    maps
        For each case at most one map.

    Raises
    ------
    InputError
        If there is no record.
    """
    text = render(records, maps)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # A temporary file is its owner's alone; a page is for everyone whom the folder lets in.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def render(records: Sequence[Record], maps: Sequence[CaseMap] = ()) -> str:
    """Return the page as text.

    Raises
    ------
    InputError
        If there is no record.
    """
    run = newest(records)
    panels = make_panels(run)
    palette = colours.backend_colours(record.backend for record in run)
    environment = Environment(
        loader=PackageLoader("trackbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(size=size, day=sentences.day, together=_together, breakable=_breakable)
    environment.globals.update(count=count)
    script = _source(environment, "page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    main = sentences.main_panel(panels)
    return environment.get_template(_TEMPLATE).render(
        run=run[0],
        headline=sentences.headline(main, several=len(panels) > 1),
        main=main,
        opening=sentences.opening(run, panels),
        cases=_cases(panels, main, palette, {each.case: each for each in maps}),
        overview=tables.overview(panels),
        artifacts=tables.artifacts(panels),
        phases=colours.phase_colours(),
        stand_ins=sum(record.stand_in for record in run),
        records=run,
        facts=provenance.facts(run),
        commands=provenance.commands(run),
        runs=provenance.runs(run),
        history=provenance.history(records),
        download=provenance.download(run),
        # Both are files of this package, not anything that was measured.
        style=Markup(colours.style_sheet() + _source(environment, "page.css")),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_digest=digest,
    )


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _cases(
    panels: Sequence[Panel], main: Panel, palette: Mapping[str, Colour], shown: Mapping[str, CaseMap]
) -> tuple[CaseView, ...]:
    views = []
    for number_of_case, case in enumerate(dict.fromkeys(panel.case for panel in panels), start=1):
        own = [panel for panel in panels if panel.case == case]
        records = [entry.record for panel in own for entry in panel.entries]
        rows = [record.rows for record in records if record.status == "ok" and record.rows is not None]
        name = f"case-{number_of_case}-{_slug(case)}"
        views.append(
            CaseView(
                case,
                name,
                max((record.granules for record in records), default=0),
                max((record.granule_bytes for record in records), default=0),
                rows[0] if rows else None,
                _map(shown[case], records, f"{name}-map") if case in shown else None,
                tuple(
                    _panel(panel, f"{name}-{place}", palette, main=panel is main)
                    for place, panel in enumerate(own, start=1)
                ),
            )
        )
    return tuple(views)


def _map(kept: CaseMap, records: Sequence[Record], name: str) -> MapView:
    verdicts = [record.verdict for record in records if record.verdict is not None]
    shown = kept.with_examples(example for verdict in verdicts for example in verdict.examples)
    return MapView(map_drawing.draw_map(shown, name), shown, map_drawing.describe_place(shown.region))


def _panel(panel: Panel, name: str, palette: Mapping[str, Colour], *, main: bool) -> PanelView:
    timed = bool(panel.ranked)
    return PanelView(
        panel,
        name,
        "" if main else sentences.headline(panel),
        sentences.explanation(panel),
        sentences.noise(panel),
        published.remarks(panel),
        charts.time_chart(panel, f"{name}-time", palette) if timed else (),
        charts.phase_chart(panel, f"{name}-phases") if timed else (),
        tables.results(panel),
        tables.samples(panel),
        tables.phases(panel),
    )


def _together(text: str) -> str:
    """Keep each number on the line of its unit."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def _breakable(label: str) -> Markup:
    """Let ``backend:variant`` go on in the next line after the colon."""
    return Markup(":<wbr>").join(label.split(":"))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
