"""Which bytes of a granule to fetch: ranges of chunks, joined where little lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from trackbench.chunkindex.decode import most_stored
from trackbench.chunkindex.model import MISSING
from trackbench.errors import FailedError
from trackbench.products import BEAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trackbench.chunkindex.decode import Stored
    from trackbench.chunkindex.model import IndexedGranule, Layout, Selection

type Key = tuple[int, str]
"""A chunk of one variable: position in the selection, and path of the variable."""

GAP: Final = 65_536
"""Bytes between two chunks that may be fetched with them: a request costs more than some of these."""

_MOST_EXTRA: Final = 0.06
"""Share of the bytes of a granule's chunks that may be fetched for nothing."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file that is fetched in one request, and the chunks within it.

    Attributes
    ----------
    start, stop
        Bytes of the file; `stop` is the first beyond.
    parts
        For each chunk its key, and where it begins and ends within the stretch.
    """

    start: int
    stop: int
    parts: tuple[tuple[Key, int, int], ...]

    def split(self, data: Stored) -> Mapping[Key, memoryview]:
        """Return each chunk's own bytes, without a copy."""
        view = memoryview(data)
        return {key: view[begin:end] for key, begin, end in self.parts}


def plan_spans(
    selection: Selection,
    granule: IndexedGranule,
    layout: Layout,
    keys: Iterable[Key],
    *,
    gap: int = GAP,
) -> tuple[Span, ...]:
    """Return the stretches that hold these chunks of a granule, by their place in the file.

    Raises
    ------
    FailedError
        If a chunk lies outside of the file, or is larger than one of its kind can be.
    """
    wanted = []
    for number, path in keys:
        offset, size = int(selection.offsets[path][number]), int(selection.sizes[path][number])
        if offset == MISSING:
            continue
        if size <= 0 or offset < 0 or (granule.granule.size is not None and offset + size > granule.granule.size):
            raise FailedError(
                f"{chunk_name(selection, number, path)} would be at bytes {offset} to {offset + size}, outside of"
                f" the file of {granule.granule.size} bytes. The index is wrong: build it again."
            )
        if size > most_stored(layout.storages[path]):
            raise FailedError(
                f"{chunk_name(selection, number, path)} would take {size} bytes, more than such a chunk can. The"
                " index is wrong: build it again."
            )
        wanted.append((offset, size, (number, path)))
    return tuple(_joined(sorted(wanted), gap))


def _joined(wanted: Sequence[tuple[int, int, Key]], gap: int) -> Iterable[Span]:
    """Close the smallest gaps first, as long as little is fetched for nothing."""
    if not wanted:
        return
    gaps = [following[0] - (before[0] + before[1]) for before, following in pairwise(wanted)]
    left = _MOST_EXTRA * sum(size for _, size, _ in wanted)
    closed = set()
    for place in sorted(range(len(gaps)), key=gaps.__getitem__):
        if gaps[place] > min(gap, left):
            break
        left -= max(gaps[place], 0)
        closed.add(place)
    held = [wanted[0]]
    for place, following in enumerate(wanted[1:]):
        if place not in closed:
            yield _span(held)
            held = []
        held.append(following)
    yield _span(held)


def _span(held: Sequence[tuple[int, int, Key]]) -> Span:
    start, stop = held[0][0], max(offset + size for offset, size, _ in held)
    return Span(start, stop, tuple((key, offset - start, offset - start + size) for offset, size, key in held))


def chunk_name(selection: Selection, number: int, path: str) -> str:
    """Name a chunk of a variable for people: granule, beam, variable, first row."""
    name = selection.granules[int(selection.granule[number])].granule.name
    beam = BEAMS[int(selection.track[number])]
    return f"The chunk of {name} {beam}/{path} that begins with row {int(selection.first_row[number])}"
