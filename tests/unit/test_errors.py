"""Errors and the statuses of runs."""

from __future__ import annotations

from typing import get_args

import pytest

from trackbench import errors
from trackbench.errors import InputError, Status, TrackbenchError


def _subclasses() -> list[type[TrackbenchError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and TrackbenchError in each.__bases__]


def test_each_status_but_ok_has_one_error() -> None:
    """Errors and statuses are one to one, so that an error alone says how a run ended."""
    assert sorted(each.status for each in _subclasses()) == sorted(set(get_args(Status)) - {"ok"})


@pytest.mark.parametrize("kind", _subclasses(), ids=lambda kind: kind.__name__)
def test_each_error_says_its_own_status(kind: type[TrackbenchError]) -> None:
    """No error inherits the root's status by chance."""
    assert "status" in vars(kind)


def test_bad_input_is_a_value_error_too() -> None:
    """Who calls trackbench as a library can catch bad input as Python's own ValueError."""
    assert issubclass(InputError, ValueError)
    assert InputError.status == "failed"
