"""The errors of trackbench: one root, and one subclass for each status a run can end in."""

from __future__ import annotations

from typing import ClassVar, Literal

Status = Literal["ok", "mismatch", "unsupported", "unavailable", "timeout", "failed"]
"""How a run ended. Only ``ok`` earns a speed."""


class TrackbenchError(Exception):
    """Root of every error trackbench raises on purpose.

    A subclass carries the status of the run that it ends. The message says what is wrong and what to do.
    """

    status: ClassVar[Status] = "failed"


class MismatchError(TrackbenchError):
    """The output was written, but its rows differ from the reference."""

    status = "mismatch"


class UnsupportedError(TrackbenchError):
    """The backend cannot do this by its nature, or a package that it needs is not installed."""

    status = "unsupported"


class UnavailableError(TrackbenchError):
    """A service, a server or a credential that is needed cannot be had at the moment."""

    status = "unavailable"


class DeadlineError(TrackbenchError):
    """The run did not end within its deadline and was stopped."""

    status = "timeout"


class FailedError(TrackbenchError):
    """Anything else that went wrong while running."""

    status = "failed"


class InputError(FailedError, ValueError):
    """What the user gave cannot be used: a region, a date, a file, a name. Commands exit with 2."""
