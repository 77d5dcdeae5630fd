"""In which order samples are taken, and when no more are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from trackbench.backends.registry import Choice
from trackbench.bench import runner
from trackbench.bench.measure import Attempt, Workbench
from trackbench.session import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.bench.records import Record
    from trackbench.session import Progress


class _Bench:
    """Notes what is tried; the variant `broken` fails."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def attempt(self, choice: Choice, progress: Progress) -> Iterator[Attempt]:
        progress(0, 1, "")
        self.tried.append(choice.variant)
        yield Attempt("failed" if choice.variant == "broken" else "ok")


class _Silent:
    def stage(self, text: str) -> Progress:
        assert text
        return no_progress

    def recorded(self, record: Record) -> None:
        raise AssertionError(record)


def _tried(variants: tuple[str, ...], rounds: int, patience: float | None) -> list[str]:
    bench = _Bench()
    entries = [runner._Entry(Choice("some", variant), "some", variant) for variant in variants]
    runner._sample(cast("Workbench", bench), entries, rounds, patience, _Silent())
    return bench.tried


def test_samples_take_turns() -> None:
    """A machine that slows down in the middle slows all variants."""
    assert _tried(("a", "b"), 3, None) == ["a", "b", "a", "b", "a", "b"]


def test_a_failed_variant_is_not_tried_again() -> None:
    """The others go on."""
    assert _tried(("a", "broken"), 3, None) == ["a", "broken", "a", "a"]


def test_without_patience_each_has_one_sample() -> None:
    """A round that was begun is finished, so that all have the same number of samples."""
    assert _tried(("a", "b"), 3, 0.0) == ["a", "b"]
