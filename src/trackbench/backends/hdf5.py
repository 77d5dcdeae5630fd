"""Read the rows of a request out of an open HDF5 granule, as a user of h5py or of xarray would."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from trackbench.errors import FailedError, TrackbenchError, UnavailableError
from trackbench.products import BEAMS
from trackbench.table import canonical_batch, select_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py
    import numpy.typing as npt
    import pyarrow as pa

    from trackbench.granules import GranuleName
    from trackbench.products import Variable
    from trackbench.request import SubsetRequest
    from trackbench.session import PhaseTimer

type Read = Callable[[Variable, slice], npt.NDArray[Any]]
"""Reads rows of a variable of one beam."""

_ALL = slice(None)


@contextmanager
def naming(granule: GranuleName, *transport: type[Exception]) -> Iterator[None]:
    """Name the granule in whatever goes wrong while it is read.

    Parameters
    ----------
    granule
        The granule.
    transport
        Further errors of the client that mean that the server could not be reached, or broke off.

    Raises
    ------
    FailedError
        For a file that cannot be read: damaged, cut short, or without a dataset that it must have.
    UnavailableError
        If the server cannot be reached or refuses.
    """
    broken: tuple[type[Exception], ...] = (ConnectionError, PermissionError, TimeoutError, *transport)
    try:
        yield
    except TrackbenchError:
        raise
    except broken as error:
        raise UnavailableError(f"{granule} cannot be had: {type(error).__name__}: {error}") from error
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise FailedError(
            f"{granule} cannot be read: {type(error).__name__}: {error}. If the file was cut short or damaged,"
            " fetch it again."
        ) from error


def beams_with_segments(file: h5py.File, request: SubsetRequest) -> Iterator[str]:
    """Yield the ground tracks that hold rows at all.

    Subsetters leave out whole beams, or leave a beam with its residual histogram alone; both are normal.
    """
    for beam in BEAMS:
        if f"{beam}/{request.product.latitude.path}" in file:
            yield beam


def read_beam(
    read: Read,
    beam: str,
    *,
    request: SubsetRequest,
    name: GranuleName,
    timer: PhaseTimer,
    coordinates_first: bool,
) -> pa.RecordBatch | None:
    """Read one beam's rows of the request.

    Parameters
    ----------
    read
        Reads rows of a variable of this beam.
    beam
        The ground track.
    request, name
        What is asked, and the granule.
    timer
        Times reading and filtering.
    coordinates_first
        Read the coordinates, then of the other variables only the span of rows that the request needs. Otherwise
        each variable is read whole and filtered afterwards.

    Returns
    -------
    pyarrow.RecordBatch or None
        None where the beam has no row in the request.
    """
    product = request.product
    with timer.phase("coordinates"):
        latitude, longitude, delta_time = (read(variable, _ALL) for variable in product.coordinates)
    with timer.phase("read"):
        whole = None if coordinates_first else [read(variable, _ALL) for variable in request.columns]
    with timer.phase("filter"):
        rows = np.flatnonzero(
            select_rows(
                request.region,
                request.start,
                request.end,
                latitude=latitude,
                longitude=longitude,
                delta_time=delta_time,
            )
        )
    if rows.size == 0:
        return None
    if whole is None:
        span = slice(int(rows[0]), int(rows[-1]) + 1)
        with timer.phase("read"):
            columns = [read(variable, span) for variable in request.columns]
        within = rows - span.start
    else:
        columns, within = whole, rows
    with timer.phase("filter"):
        values = {
            variable.column: column[within] for variable, column in zip(request.columns, columns, strict=True)
        }
        return canonical_batch(
            request,
            name,
            beam,
            latitude=latitude[rows],
            longitude=longitude[rows],
            delta_time=delta_time[rows],
            values=values,
        )
