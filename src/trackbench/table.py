"""The canonical rows: which rows a request selects, and the table that every backend makes of them."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa

from trackbench.arrow import array_of, nulls_of, strings_of, values_of
from trackbench.errors import InputError
from trackbench.products import BEAMS, EPOCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from trackbench.granules import GranuleName
    from trackbench.products import Product, Variable
    from trackbench.region import Region
    from trackbench.request import SubsetRequest

TRACK_TYPE: Final = pa.dictionary(pa.int8(), pa.string())
"""Type of ``track_id``: an index into `BEAMS`."""

_TRACKS: Final = strings_of(BEAMS)
_TIME: Final = pa.timestamp("ns", tz="UTC")
_NO_TIME: Final = np.iinfo(np.int64).min
_NS_PER_SECOND: Final = 1_000_000_000
_EPOCH_NS: Final = int(EPOCH.astype(np.int64))
# Nanoseconds since 1970 fit into 64 bits up to the year 2262; a day less keeps the sum below the limit.
_MAX_SECONDS: Final = (np.iinfo(np.int64).max - _EPOCH_NS) // _NS_PER_SECOND - 86_400
# Well-known binary of a point (OGC 06-103r4): byte order 1 is little endian, geometry type 1 is a point.
_WKB_POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])


def schema(product: Product, variables: Sequence[Variable] = ()) -> pa.Schema:
    """Return the columns of a subset in their order.

    Parameters
    ----------
    product
        Its own columns come after the coordinates.
    variables
        Further variables; each becomes a nullable column after ``cycle``.

    Returns
    -------
    pyarrow.Schema
        ``time``, ``latitude``, ``longitude``, the product's columns, ``track_id``, ``rgt``, ``cycle``, the further
        variables, ``geometry``.
    """

    def column(variable: Variable, *, nullable: bool) -> pa.Field:
        return pa.field(variable.column, pa.from_numpy_dtype(variable.dtype), nullable=nullable)

    return pa.schema(
        [
            pa.field("time", _TIME, nullable=False),
            pa.field("latitude", pa.float64(), nullable=False),
            pa.field("longitude", pa.float64(), nullable=False),
            *(column(variable, nullable=variable.fill is not None) for variable in product.columns),
            pa.field("track_id", TRACK_TYPE, nullable=False),
            pa.field("rgt", pa.int16(), nullable=False),
            pa.field("cycle", pa.int16(), nullable=False),
            *(column(variable, nullable=True) for variable in variables),
            pa.field("geometry", pa.binary(), nullable=False),
        ]
    )


def select_rows(
    region: Region,
    start: np.datetime64,
    end: np.datetime64,
    *,
    latitude: ArrayLike,
    longitude: ArrayLike,
    delta_time: ArrayLike,
) -> NDArray[np.bool_]:
    """Tell which rows belong to a subset: the one predicate that every backend uses.

    Parameters
    ----------
    region
        Covers the point of a row, or does not; its boundary belongs to it.
    start, end
        Closed time range, ``datetime64[ns]`` in UTC.
    latitude, longitude
        Degrees, float64 of shape (n,). A point with a NaN or out of range is in no region.
    delta_time
        Seconds since 2018-01-01T00:00:00Z, float64 of shape (n,). NaN is in no range.

    Returns
    -------
    numpy.ndarray
        bool of shape (n,).
    """
    selected = region.covers(longitude, latitude)
    inside = np.flatnonzero(selected)
    time = nanoseconds(np.asarray(delta_time)[inside])
    first, last = (int(moment.astype("datetime64[ns]").astype(np.int64)) for moment in (start, end))
    selected[inside] = (time != _NO_TIME) & (time >= first) & (time <= last)
    return selected


def nanoseconds(delta_time: ArrayLike) -> NDArray[np.int64]:
    """Convert seconds since 2018-01-01T00:00:00Z to nanoseconds since 1970-01-01T00:00:00Z.

    The result is the nearest nanosecond to the exact value of the float64, halves to the even one.

    Parameters
    ----------
    delta_time
        Seconds, float64 of shape (n,).

    Returns
    -------
    numpy.ndarray
        int64 of shape (n,). The smallest int64, which is numpy's NaT, stands where the input is NaN or too large.
    """
    seconds = np.asarray(delta_time, dtype=np.float64)
    known = np.abs(seconds) <= _MAX_SECONDS
    exact = np.where(known, seconds, 0.0)
    whole = np.trunc(exact)
    fraction = exact - whole
    scaled = fraction * _NS_PER_SECOND
    rounded = np.rint(scaled)
    # The product is itself rounded, which can only mislead where it lands on a half: the exact value decides.
    for half in np.flatnonzero(np.abs(scaled - np.trunc(scaled)) == 0.5):  # noqa: PLR2004
        rounded[half] = round(Fraction(float(fraction[half])) * _NS_PER_SECOND)
    time = whole.astype(np.int64) * _NS_PER_SECOND + rounded.astype(np.int64) + _EPOCH_NS
    return np.where(known, time, _NO_TIME)


def canonical_batch(
    request: SubsetRequest,
    name: GranuleName,
    track_id: str | NDArray[np.int8],
    *,
    latitude: ArrayLike,
    longitude: ArrayLike,
    delta_time: ArrayLike,
    values: Mapping[str, ArrayLike],
) -> pa.RecordBatch:
    """Make canonical rows of one granule from values as they are stored in the file.

    Parameters
    ----------
    request
        Gives the columns.
    name
        Gives ``rgt`` and ``cycle``.
    track_id
        One of `BEAMS`, for all rows; or the place in `BEAMS` of each row's, int8 of shape (n,).
    latitude, longitude
        Degrees, float64 of shape (n,), of the rows that `select_rows` chose.
    delta_time
        Seconds since 2018-01-01T00:00:00Z, float64 of shape (n,).
    values
        For each of the request's columns its raw values of shape (n,), by the column's name. A fill value, and NaN
        in a column that may be null, becomes null.

    Returns
    -------
    pyarrow.RecordBatch
        With the schema of `schema`.

    Raises
    ------
    InputError
        When a column is missing, the lengths differ or the track is unknown.
    """
    columns = schema(request.product, request.variables)
    lat = np.ascontiguousarray(latitude, dtype=np.float64)
    if isinstance(track_id, str):
        if track_id not in BEAMS:
            raise InputError(f"{track_id!r} is no ground track; they are {', '.join(BEAMS)}.")
        tracks = np.full(len(lat), BEAMS.index(track_id), dtype=np.int8)
        where = f"{name} {track_id}"
    else:
        tracks, where = track_id, str(name)
    lon = np.ascontiguousarray(longitude, dtype=np.float64)
    arrays: dict[str, pa.Array] = {
        "time": array_of(nanoseconds(delta_time), _TIME),
        "latitude": array_of(lat),
        "longitude": array_of(lon),
        "track_id": track_column(tracks),
        "rgt": array_of(np.full(len(lat), name.rgt, dtype=np.int16)),
        "cycle": array_of(np.full(len(lat), name.cycle, dtype=np.int16)),
    }
    for variable in request.columns:
        if variable.column not in values:
            raise InputError(f"The rows of {where} lack the column {variable.column}.")
        nullable = columns.field(variable.column).nullable
        stored = _as_stored(values[variable.column], variable)
        arrays[variable.column] = array_of(stored, missing=_missing(stored, variable) if nullable else None)
    lengths = {column: len(array) for column, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"The columns of {where} differ in length: {lengths}.")
    arrays["geometry"] = point_wkb(lon, lat)
    return pa.RecordBatch.from_arrays([arrays[column] for column in columns.names], schema=columns)


def point_wkb(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> pa.Array:
    """Encode points as well-known binary, 21 bytes each, without a loop.

    Parameters
    ----------
    longitude, latitude
        Degrees, float64 of shape (n,).

    Returns
    -------
    pyarrow.BinaryArray
        Length n.
    """
    points = np.empty(len(longitude), dtype=_WKB_POINT)
    points["order"] = 1
    points["type"] = 1
    points["x"] = longitude
    points["y"] = latitude
    offsets = np.arange(len(points) + 1, dtype=np.int32) * np.int32(_WKB_POINT.itemsize)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(points)]
    return pa.Array.from_buffers(pa.binary(), len(points), buffers)


def track_codes(column: pa.ChunkedArray | pa.Array) -> NDArray[np.int8]:
    """Return the place in `BEAMS` of each track, -1 where it is none of them, int8 of shape (n,).

    The column is a dictionary in any order, or plain strings.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    codes = [np.empty(0, dtype=np.int8)]
    for chunk in chunks:
        encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        place = np.array([*(BEAMS.index(name) if name in BEAMS else -1 for name in names), -1], dtype=np.int8)
        indices = encoded.indices
        codes.append(place[np.where(nulls_of(indices), len(names), values_of(indices))])
    return np.concatenate(codes)


def track_column(codes: NDArray[np.int8]) -> pa.DictionaryArray:
    """Make a ``track_id`` column of places in `BEAMS`, int8 of shape (n,); a negative one becomes null."""
    return pa.DictionaryArray.from_arrays(array_of(codes, missing=codes < 0), _TRACKS)


def sort_order(table: pa.Table) -> NDArray[np.int64]:
    """Return the row numbers in canonical order: cycle, rgt, track_id, time.

    Rows equal in all four are ordered by latitude, longitude and then every other column, so that the order of
    the input does not matter.
    """
    time = _integers(table["time"])
    major = (
        (_integers(table["cycle"]) << 32)
        | (_integers(table["rgt"]) << 8)
        | track_codes(table["track_id"]).astype(np.int64)
    )
    order = np.lexsort((time, major))
    tied = (np.diff(major[order]) == 0) & (np.diff(time[order]) == 0)
    if tied.any():
        first = ("time", "latitude", "longitude", "track_id", "rgt", "cycle", "geometry")
        others = [column for column in table.column_names if column not in first]
        minor = [key for column in reversed(others) for key in _keys(table[column])]
        order = np.lexsort((*minor, *_keys(table["longitude"]), *_keys(table["latitude"]), time, major))
    return order


def sort_rows(table: pa.Table) -> pa.Table:
    """Return the table with its rows in canonical order, as `sort_order` says."""
    return table.take(array_of(sort_order(table)))


def _as_stored(values: ArrayLike, variable: Variable) -> NDArray[Any]:
    given = np.asarray(values)
    # A reader that decodes fill values may turn a flag of 0 into NaN, and casting that back would hide it.
    if not np.can_cast(given.dtype, variable.dtype, casting="same_kind"):
        raise InputError(
            f"{variable.column} came as {given.dtype}, but {variable.path} is stored as {variable.dtype}; "
            "hand over the stored values, not decoded ones."
        )
    return np.ascontiguousarray(given, dtype=variable.dtype)


def _missing(stored: NDArray[Any], variable: Variable) -> NDArray[np.bool_]:
    missing = np.zeros(stored.shape, dtype=np.bool_)
    if variable.fill is not None:
        missing |= stored == cast("Any", variable.dtype.type)(variable.fill)
    if stored.dtype.kind == "f":
        missing |= np.isnan(stored)
    return missing


def _integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return values_of(column).astype(np.int64, copy=False)


def _keys(column: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return sort keys, the less important first: the values with nulls as zero, and which are null."""
    missing = nulls_of(column)
    return np.where(missing, 0, values_of(column)), operator.inv(missing)
