"""What can go wrong while a granule is read through references, and what to call it."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from trackbench.errors import FailedError, TrackbenchError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.granules import GranuleName


@contextmanager
def naming(granule: GranuleName) -> Iterator[None]:
    """Name the granule in whatever goes wrong while it is opened or read.

    Raises
    ------
    FailedError
        For a granule that cannot be read: damaged, cut short, without an array that it must have, or broken off.
    UnavailableError
        If the server cannot be reached or refuses.
    """
    try:
        yield
    except TrackbenchError:
        raise
    except (PermissionDeniedError, UnauthenticatedError, ConnectionError, PermissionError, TimeoutError) as error:
        raise UnavailableError(f"{granule} cannot be had: {_said(error)}") from error
    except (BaseError, OSError, LookupError, ValueError, RuntimeError, TypeError, zlib.error) as error:
        raise FailedError(
            f"{granule} cannot be read: {_said(error)}. If the file was cut short or damaged, fetch it again."
        ) from error


def _said(error: BaseException) -> str:
    # obstore appends the whole request and its configuration.
    return f"{type(error).__name__}: {str(error).split('\n', 1)[0]}"
