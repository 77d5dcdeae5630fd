"""The conformance kit notices mistakes: each variant makes one, and the question that is there for it shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackbench.backends.registry import Choice
from trackbench.testing import BackendConformance, Conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.testing import World

pytest_plugins = ["trackbench.testing.plugin"]


@pytest.fixture(scope="module")
def asked(conformance_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conformance]:
    """Ask one variant after the other, in one process."""
    conformance = Conformance(Choice("careless", ""), conformance_world, tmp_path_factory.mktemp("careless"))
    yield conformance
    conformance.close()


@pytest.mark.parametrize(
    ("mistake", "question", "verdict"),
    [
        ("bounding-box", "hole", "too many"),
        ("bounding-box", "several-polygons", "too many"),
        ("bounding-box", "crossed-twice", "too many"),
        ("one-stretch", "hole", "too many"),
        ("one-stretch", "crossed-twice", "too many"),
        ("drops-fill", "every-oddity", "missing"),
        ("open-range", "time-range", "missing"),
        ("whole-days", "time-range", "too many"),
    ],
)
def test_wrong_rows_are_noticed(asked: Conformance, mistake: str, question: str, verdict: str) -> None:
    """A mistake about which rows to take fails the question that is there for it, with the verdict in words."""
    asked.choice = Choice("careless", mistake)

    with pytest.raises(AssertionError, match=verdict):
        asked.check(question)


@pytest.mark.parametrize("question", ["damaged", "cut-short"])
def test_going_on_without_a_granule_is_noticed(asked: Conformance, question: str) -> None:
    """A backend that leaves out what it cannot read answers where it should not."""
    asked.choice = Choice("careless", "goes-on")

    assert asked.ask(question).status == "ok"


def test_only_promises_can_be_not_kept_yet() -> None:
    """A mistyped name does not go unnoticed."""
    with pytest.raises(TypeError, match="test_hoel"):
        type("TestTypo", (BackendConformance,), {"choice": "whole:memory", "not_yet": {"test_hoel": "a reason"}})
