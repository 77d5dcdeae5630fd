"""Where the numbers come from: versions, machine, network, command, earlier runs, and the records themselves."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trackbench.report.colours import NULL
from trackbench.report.formatting import DASH, duration, number
from trackbench.report.panels import earned, key_of, older
from trackbench.report.statistics import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackbench.bench.records import Record


_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of names and values under a title."""

    title: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PastRun:
    """What one earlier run measured in one panel: the median of each method in words."""

    started_at: str
    commit: str
    panel: str
    medians: tuple[tuple[str, str], ...]


def facts(records: Sequence[Record]) -> tuple[Facts, ...]:
    """Return machine, versions and the settings of each network profile, as the records tell them."""
    lists = [Facts("Machine", _merged([record.machine for record in records]))]
    for profile in dict.fromkeys(record.profile for record in records):
        settings = _merged([record.network for record in records if record.profile == profile])
        lists.append(Facts(f"Network profile {profile}", settings))
    lists.append(Facts("Versions", _merged([record.versions for record in records])))
    return tuple(each for each in lists if each.pairs)


def commands(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the commands that repeat the run."""
    return tuple(dict.fromkeys(record.command for record in records if record.command))


def commits(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the commits that were measured."""
    return tuple(dict.fromkeys(record.commit or "not in a checkout" for record in records))


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


def _merged(mappings: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    # Records of one run rarely disagree; where they do, every value is told.
    found: dict[str, dict[str, None]] = {}
    for mapping in mappings:
        for name, value in _flat(mapping):
            found.setdefault(name, {})[value] = None
    return tuple((name, " / ".join(values)) for name, values in found.items())


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in mapping.items():
        title = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{title}, ")
        elif isinstance(value, float):
            pairs.append((title, number(value, 4)))
        elif isinstance(value, list | tuple):
            pairs.append((title, ", ".join(str(each) for each in value)))
        else:
            pairs.append((title, DASH if value is None else str(value)))
    return pairs
