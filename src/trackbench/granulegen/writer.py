"""Writes a synthetic ATL06 granule to a file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np

from trackbench.granulegen import columns as values
from trackbench.granulegen.chunks import Chunk, Packer
from trackbench.granulegen.facts import beam_facts, granule_facts
from trackbench.granulegen.layout import BEAM, Item, load_layout
from trackbench.granulegen.spec import BEAMS, GranuleSpec
from trackbench.granulegen.structure import create, open_new
from trackbench.granulegen.track import Beam, fly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Column = NDArray[Any]

WRITER_VERSION: Final = 3
"""Rises when the same spec no longer gives the same bytes: files of an older writer are then made again."""

_THREADS: Final = 2
_PAGED_SINCE: Final = 7
_HOLLOW: Final = "{beam}/residual_histogram"
_OF_THE_FIT: Final = ("land_ice_segments/fit_statistics/", "land_ice_segments/bias_correction/")
"""Where no surface was fitted, these are fill as the height is."""
# How far a chunk strays from its turn in files before release 7, in chunks along the track: data of all variables
# and beams were flushed as they came.
_STRAY: Final = 2.0


def write_granule(spec: GranuleSpec, path: Path) -> None:
    """Write a granule; the same spec gives the same bytes.

    Parameters
    ----------
    spec
        What to write.
    path
        Where to. The folder must exist. The file is written under a temporary name beside it and then renamed, so
        that `path` never holds half a granule.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        _write(spec, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write(spec: GranuleSpec, path: Path) -> None:
    beams = fly(spec)
    facts = {"": granule_facts(spec, beams)} | {beam: beam_facts(beam, spec.cycle) for beam in BEAMS}
    items = list(_places(spec))
    columns = _Columns(spec, beams, facts[""])
    chunks: list[Chunk] = []
    written: list[tuple[str, Column]] = []
    shapes: list[tuple[str, Item, tuple[int, ...]]] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        packer = Packer(pool)
        for place, beam, item in items:
            if item.storage == "group":
                shapes.append((place, item, ()))
                continue
            column = columns.of(item, beam)
            shapes.append((place, item, column.shape))
            if item.storage == "chunked":
                chunks.extend(packer.pack(item, place, column))
            else:
                written.append((place, column))
    with open_new(path, spec.release) as file:
        create(file, shapes, facts)
        for place, column in written:
            file[place][...] = column
        for chunk in _in_order(spec, chunks):
            h5py.h5d.open(file.id, chunk.path.encode()).write_direct_chunk(chunk.offset, chunk.stored)


def _places(spec: GranuleSpec) -> Iterator[tuple[str, str, Item]]:
    """Yield path, beam and layout of all that a granule holds, groups before what is in them."""
    layout = load_layout(spec.release)
    for item in layout:
        if BEAM not in item.path:
            yield item.path, "", item
    for beam in BEAMS:
        for item in layout:
            if BEAM not in item.path:
                continue
            if item.path.startswith(BEAM):
                if beam in spec.edges.missing_beams:
                    continue
                if beam in spec.edges.hollow_beams and not (item.path == BEAM or item.path.startswith(_HOLLOW)):
                    continue
            yield item.path.replace(BEAM, beam), beam, item


class _Columns:
    """Makes the values of datasets, those of one beam at a time."""

    def __init__(self, spec: GranuleSpec, beams: Mapping[str, Beam], facts: Mapping[str, Any]) -> None:
        self._spec = spec
        self._beams = beams
        self._facts = facts
        self._beam = ""
        self._made: dict[str, Column] = {}
        self._lengths: dict[str, int] = {}

    def of(self, item: Item, beam: str) -> Column:
        """Return the values of a dataset in the dtype of its layout."""
        assert item.dtype is not None
        if beam == "":
            return self._single(item)
        if beam != self._beam:
            self._load(beam)
        below = item.path.removeprefix(f"{BEAM}/")
        if below in self._made:
            return self._made[below].astype(item.dtype, copy=False)
        shape = tuple(int(length) if length.isdigit() else self._lengths[length] for length in item.shape)
        rule = values.load_rules().get(below)
        if rule is None:
            return values.constant(0, shape, item.dtype)
        if self._spec.ballast == "light":
            return values.constant(rule.typical, shape, item.dtype)
        rng = np.random.default_rng(
            (self._spec.seed, self._spec.rgt, self._spec.cycle, *item.path.encode(), *beam.encode())
        )
        column = values.bulk(rule, rng, shape[0], item.dtype)
        if item.fill is not None and below.startswith(_OF_THE_FIT) and column.size:
            column[self._made["land_ice_segments/h_li"] == values.FILL_F4] = item.fill
        return column

    def _single(self, item: Item) -> Column:
        """Return a dataset that belongs to no beam: a value or a few."""
        assert item.dtype is not None
        value = self._facts[item.path.rsplit("/", 1)[-1]]
        shape = tuple(int(length) for length in item.shape)
        return np.broadcast_to(np.array(value, item.dtype), shape)

    def _load(self, beam: str) -> None:
        """Make what depends on the track, for one beam."""
        track = self._beams[beam]
        land_ice = values.land_ice(self._spec, beam, track)
        rows = values.histogram_rows(self._spec, track)
        self._beam = beam
        self._lengths = {
            "segments": land_ice["latitude"].size,
            "dense": 0 if self._spec.edges.empty else track.found.size,
            "histogram": rows,
            "qa": rows,
        }
        self._made = {
            f"{group}/{name}": column
            for group, made in (
                ("land_ice_segments", land_ice),
                ("segment_quality", values.segment_quality(self._spec, track)),
                ("residual_histogram", values.residual_histogram(self._spec, beam, track)),
            )
            for name, column in made.items()
        }


def _in_order(spec: GranuleSpec, chunks: list[Chunk]) -> list[Chunk]:
    """Sort chunks as they lie in the file: before release 7 all variables mixed, since then dataset by dataset."""
    if spec.release >= _PAGED_SINCE:
        return sorted(chunks, key=lambda chunk: (chunk.path, chunk.offset))
    rng = np.random.default_rng((spec.seed, spec.rgt, spec.cycle, spec.region))
    stray = rng.uniform(0, _STRAY, len(chunks))
    turns = [chunk.offset[0] / 10_000 + late for chunk, late in zip(chunks, stray, strict=True)]
    return [chunks[index] for index in np.argsort(turns, kind="stable")]
