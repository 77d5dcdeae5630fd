"""Where the numbers come from: versions, machine, network, command, earlier runs, and the records themselves."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trackbench.report.colours import NULL
from trackbench.report.formatting import duration, size
from trackbench.report.panels import earned, key_of, older
from trackbench.report.statistics import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record


_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values under a title, and what is better said in whole sentences."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PastRun:
    """What one earlier run measured in one panel: the median of each method in words."""

    started_at: str
    commit: str
    panel: str
    medians: tuple[tuple[str, str], ...]


def facts(records: Sequence[Record]) -> tuple[Facts, ...]:
    """Return machine, versions and the settings of each network profile, as the records tell them."""
    lists = [_facts("Machine", [record.machine for record in records])]
    for profile in dict.fromkeys(record.profile for record in records):
        settings = [record.network for record in records if record.profile == profile]
        lists.append(_facts(f"Network profile {profile}, as asked for", settings))
    lists.append(_facts("Versions", [record.versions for record in records]))
    return tuple(each for each in lists if each.pairs or each.notes)


def commands(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the commands that repeat the run."""
    return tuple(dict.fromkeys(record.command for record in records if record.command))


def runs(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the first record of each run."""
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record.run, record)
    return tuple(first.values())


def history(records: Sequence[Record]) -> tuple[PastRun, ...]:
    """Return the medians of earlier runs, the newest first."""
    return tuple(
        PastRun(
            run[0].started_at,
            (run[0].commit or "")[:_SHORT],
            ", ".join(key_of(run[0])),
            tuple((record.label, _median(record)) for record in run if record.backend != NULL),
        )
        for run in older(records)
    )


def _median(record: Record) -> str:
    if record.status != "ok" or not record.seconds:
        return record.status
    return duration(summarise(record.seconds).median)


def download(records: Sequence[Record]) -> str:
    """Return the records as a ``data:`` address of a JSONL file."""
    text = "".join(earned(record).to_json() + "\n" for record in records)
    return f"data:application/x-ndjson;base64,{base64.b64encode(text.encode()).decode()}"


def _facts(title: str, mappings: Sequence[Mapping[str, Any]]) -> Facts:
    # Records of one page rarely disagree; where they do, every value is told.
    found: dict[str, dict[str, None]] = {}
    for mapping in mappings:
        for name, value in _flat(mapping):
            found.setdefault(name, {})[value] = None
    notes = tuple(each for name in _NOTES for each in found.pop(name, {}) if each)
    if notes or list(found.get("name", ())) == ["unnamed"]:
        found.pop("name", None)
    return Facts(title, tuple((name, " / ".join(values)) for name, values in found.items()), notes)


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{name.replace('_', ' ')}, ")
            continue
        words, say = _SETTINGS.get(name, (name.replace("_", " "), _say))
        pairs.append((f"{prefix}{words}", _say(value) if value is None or isinstance(value, str) else say(value)))
    return pairs


def _say(value: Any) -> str:  # noqa: ANN401 - anything that JSON holds
    if value is None:
        return "not limited"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return str(value)


def _rate(value: float) -> str:
    return f"{size(value)}/s"


def _rarity(probability: float) -> str:
    return f"once in {1 / probability:,.0f}" if probability else "never"


_NOTES: Final = ("description", "sources")
_SETTINGS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "rtt": ("round trip", duration),
    "ttfb_median": ("first byte, median", duration),
    "ttfb_sigma": ("first byte, sigma of its logarithm", _say),
    "ttfb_tail": ("first byte, rarely", duration),
    "ttfb_tail_probability": ("how rarely", _rarity),
    "connection_bandwidth": ("bandwidth of a connection", _rate),
    "total_bandwidth": ("bandwidth of the link", _rate),
    "edge_delay_median": ("other services, median", duration),
    "edge_delay_sigma": ("other services, sigma of its logarithm", _say),
    "request_limit": ("requests a second", _say),
    "memory_bytes": ("memory", size),
}
"""Words and units for settings that are known; others are told as they are named."""
