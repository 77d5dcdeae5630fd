"""Which bytes of a granule to fetch: ranges of chunks, joined where little lies between them."""

from __future__ import annotations

from dataclasses import dataclass
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

GAP: Final = 8192
"""Bytes between two chunks that are fetched rather than asked around: a request costs more than these."""


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
    held: list[tuple[int, int, Key]] = []
    stop = 0
    for offset, size, key in wanted:
        if held and offset - stop > gap:
            yield _span(held, stop)
            held = []
        held.append((offset, size, key))
        stop = max(stop, offset + size) if len(held) > 1 else offset + size
    if held:
        yield _span(held, stop)


def _span(held: Sequence[tuple[int, int, Key]], stop: int) -> Span:
    start = held[0][0]
    return Span(start, stop, tuple((key, offset - start, offset - start + size) for offset, size, key in held))


def chunk_name(selection: Selection, number: int, path: str) -> str:
    """Name a chunk of a variable for people: granule, beam, variable, first row."""
    name = selection.granules[int(selection.granule[number])].granule.name
    beam = BEAMS[int(selection.track[number])]
    return f"The chunk of {name} {beam}/{path} that begins with row {int(selection.first_row[number])}"
