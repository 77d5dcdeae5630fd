"""What happened when, in a form that a person can look at: Chrome's trace event format."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Event:
    """Something that took time.

    Attributes
    ----------
    kind
        ``lookup``, ``login``, ``fetch``, ``decode``, ``filter`` or ``write``.
    name
        Of what.
    begin, end
        Seconds of `time.perf_counter`.
    lane
        The thread, or a row of its own for what only waits.
    about
        Bytes, requests and the like.
    """

    kind: str
    name: str
    begin: float
    end: float
    lane: int
    about: dict[str, Any]


@dataclass(slots=True)
class Trace:
    """Collects events while `on`; costs nothing otherwise."""

    on: bool = False
    start: float = field(default_factory=time.perf_counter)
    events: list[Event] = field(default_factory=list)

    def add(self, kind: str, name: str, begin: float, end: float, **about: Any) -> None:  # noqa: ANN401 - plain data
        """Note something that has ended."""
        lane = threading.get_ident() % 100_000 if kind != "fetch" else self._free_lane(begin)
        self.events.append(Event(kind, name, begin, end, lane, about))

    @contextmanager
    def timed(self, kind: str, name: str) -> Iterator[None]:
        """Note the block."""
        begin = time.perf_counter()
        yield
        if self.on:
            self.add(kind, name, begin, time.perf_counter())

    def _free_lane(self, begin: float) -> int:
        """Return a row that is free: events of one row must not overlap."""
        busy = {event.lane for event in self.events if event.kind == "fetch" and event.end > begin}
        return next(lane for lane in range(len(busy) + 1) if lane not in busy)

    def write(self, path: Path) -> None:
        """Write the events, and in words where the time went, for chrome://tracing or Perfetto.

        The form is that of the "Trace Event Format": complete events, in microseconds.
        """
        events = [
            {
                "name": event.name,
                "cat": event.kind,
                "ph": "X",
                "ts": round((event.begin - self.start) * 1e6, 1),
                "dur": round((event.end - event.begin) * 1e6, 1),
                "pid": 1 if event.kind == "fetch" else 2,
                "tid": event.lane,
                "args": event.about,
            }
            for event in self.events
        ]
        names = [
            {"name": "process_name", "ph": "M", "pid": number, "args": {"name": name}}
            for number, name in ((1, "network: granules being fetched"), (2, "work: threads"))
        ]
        fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            fresh.write_text(
                json.dumps({"traceEvents": [*names, *events], "otherData": {"summary": self.summary()}}),
                encoding="utf-8",
            )
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def summary(self) -> str:
        """Say in words where the time went."""
        if not self.events:
            return "Nothing was traced."
        wall = max(event.end for event in self.events) - self.start
        parts = [f"{wall:.3f} s in all"]
        for kind in dict.fromkeys(event.kind for event in self.events):
            own = [event for event in self.events if event.kind == kind]
            size = sum(event.about.get("bytes", 0) for event in own)
            requests = sum(event.about.get("requests", 0) for event in own)
            moved = f", {requests} requests, {size / 1e6:.1f} MB" if requests else ""
            parts.append(
                f"{kind} {_covered(own):.3f} s of it ({sum(e.end - e.begin for e in own):.3f} s summed{moved})"
            )
        parts.append(f"nothing of these {wall - _covered(self.events):.3f} s")
        return "; ".join(parts) + "."


def _covered(events: list[Event]) -> float:
    """Return the seconds in which at least one of the events went on."""
    total, until = 0.0, float("-inf")
    for event in sorted(events, key=lambda event: event.begin):
        total += max(0.0, event.end - max(event.begin, until))
        until = max(until, event.end)
    return total
