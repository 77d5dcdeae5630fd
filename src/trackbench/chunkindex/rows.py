"""The rows of an index: one for each chunk of each ground track, as Arrow columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from trackbench.products import BEAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackbench.chunkindex.scan import Scan, ScannedChunk
    from trackbench.products import Product

H3_RESOLUTION: Final = 5
"""Of the cells listed for each chunk: 250 km² each, about one for every 16 km of a track."""

PARTITION_RESOLUTION: Final = 2
"""Of the cell that a file holds the chunks of: 87,000 km² each."""

_WORD: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("ns", tz="UTC")
_BOX: Final = pa.struct([pa.field(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")])
_MASKS: Final = pa.list_(pa.struct([pa.field("variable", pa.string()), pa.field("mask", pa.uint32())]))

FIXED: Final = pa.schema(
    [
        pa.field("granule", _WORD, nullable=False),
        pa.field("https", _WORD),
        pa.field("s3", _WORD),
        pa.field("path", _WORD),
        pa.field("granule_bytes", pa.int64()),
        pa.field("etag", _WORD),
        pa.field("layout", pa.int16(), nullable=False),
        pa.field("cycle", pa.int16(), nullable=False),
        pa.field("rgt", pa.int16(), nullable=False),
        pa.field("beam", _WORD, nullable=False),
        pa.field("beam_rows", pa.int64(), nullable=False),
        pa.field("chunk", pa.int32(), nullable=False),
        pa.field("first_row", pa.int64(), nullable=False),
        pa.field("rows", pa.int32(), nullable=False),
        pa.field("time_start", _TIME),
        pa.field("time_end", _TIME),
        pa.field("home", pa.bool_(), nullable=False),
        pa.field("h3", pa.list_(pa.uint64()), nullable=False),
        pa.field("bbox", _BOX),
        pa.field("line_error", pa.float32(), nullable=False),
        pa.field("reach_km", pa.float32(), nullable=False),
        pa.field("filter_masks", _MASKS),
        pa.field("geometry", pa.binary()),
    ]
)
"""Columns before those of the variables; ``docs/chunk-index.md`` says what each means."""


def column_names(path: str) -> tuple[str, str]:
    """Return the columns of a variable: where its chunk begins, and how many bytes of it are stored."""
    return f"{path}.offset", f"{path}.size"


def leading_paths(product: Product) -> tuple[str, ...]:
    """Return the variables of every subset: the coordinates and the product's own columns."""
    return tuple(variable.path for variable in (*product.coordinates, *product.columns))


def further_paths(product: Product) -> tuple[str, ...]:
    """Return the variables that can be asked for; their places are kept in files of their own."""
    return tuple(product.further)


def geo_metadata(bounds: Sequence[float] | None) -> str:
    """Return the ``geo`` metadata (GeoParquet 1.1.0), with the covering by which readers skip row groups."""
    crs = Path(__file__).parents[1] / "crs84.json"
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["LineString", "MultiLineString"],
        "crs": json.loads(crs.read_text(encoding="utf-8")),
        "covering": {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if bounds is not None:
        column["bbox"] = list(bounds)
    return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})


def rows_of(scan: Scan, layout: int, product: Product) -> pa.Table:
    """Return the rows of a granule, each chunk once, with the place of every variable."""
    # Imported here: it is for building, which readers do without.
    from trackbench.chunkindex.cells import cells_of  # noqa: PLC0415

    granule, chunks = scan.granule, scan.chunks
    name = granule.name
    count = len(chunks)
    columns: dict[str, Any] = {
        "granule": [str(name)] * count,
        "https": [granule.https] * count,
        "s3": [granule.s3] * count,
        "path": [granule.path] * count,
        "granule_bytes": [granule.size] * count,
        "etag": [scan.etag] * count,
        "layout": [layout] * count,
        "cycle": [name.cycle] * count,
        "rgt": [name.rgt] * count,
        "beam": [chunk.beam for chunk in chunks],
        "beam_rows": [chunk.beam_rows for chunk in chunks],
        "chunk": [chunk.number for chunk in chunks],
        "first_row": [chunk.first_row for chunk in chunks],
        "rows": [chunk.rows for chunk in chunks],
        "time_start": [chunk.times[0] if chunk.times else None for chunk in chunks],
        "time_end": [chunk.times[1] if chunk.times else None for chunk in chunks],
        "home": [True] * count,
        "h3": cells_of([chunk.sampled for chunk in chunks], H3_RESOLUTION),
        "bbox": [_box(chunk) for chunk in chunks],
        "line_error": [chunk.error for chunk in chunks],
        # A thousandth more, so that rounding to float32 does not make it less.
        "reach_km": [chunk.reach * 1.001 for chunk in chunks],
        "filter_masks": [_masks(chunk.places) for chunk in chunks],
        "geometry": [chunk.geometry for chunk in chunks],
    }
    fields, arrays = [], []
    for field in FIXED:
        plain = pa.string() if pa.types.is_dictionary(field.type) else field.type
        array = pa.array(columns[field.name], plain)
        arrays.append(array.dictionary_encode().cast(field.type) if plain is not field.type else array)
        fields.append(field)
    for path in (*leading_paths(product), *further_paths(product)):
        for part, name_of_column in enumerate(column_names(path)):
            kind = pa.int32() if part else pa.int64()
            values = [chunk.places[path][part] if path in chunk.places else None for chunk in chunks]
            arrays.append(pa.array(values, kind))
            fields.append(pa.field(name_of_column, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _box(chunk: ScannedChunk) -> dict[str, float] | None:
    if np.isnan(chunk.bounds[0]):
        return None
    return dict(zip(("xmin", "ymin", "xmax", "ymax"), chunk.bounds, strict=True))


def _masks(places: Mapping[str, tuple[int, int, int]]) -> list[dict[str, Any]] | None:
    skipped = [{"variable": path, "mask": mask} for path, (_, _, mask) in places.items() if mask]
    return skipped or None


def beam_codes(names: Sequence[str]) -> list[int]:
    """Return the place in `trackbench.products.BEAMS` of each beam."""
    return [BEAMS.index(name) for name in names]
