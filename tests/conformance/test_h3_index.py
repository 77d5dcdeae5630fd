"""Reading through the chunk index keeps what every backend promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackbench.backends.registry import Choice
from trackbench.testing import BackendConformance, Conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.testing import World

pytest_plugins = ["trackbench.testing.plugin"]


class TestLocal(BackendConformance):
    """Every promise, with the index on this machine."""

    choice = "h3-index:local"
    prepares = True


@pytest.fixture(scope="module")
def asked(conformance_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conformance]:
    """Ask the other variants, all in one process."""
    conformance = Conformance(
        Choice("h3-index", "zlib"), conformance_world, tmp_path_factory.mktemp("variants"), prepares=True
    )
    yield conformance
    conformance.close()


@pytest.mark.parametrize("variant", ["latlon-first", "zlib"])
@pytest.mark.parametrize("question", ["box", "every-oddity", "hole", "crossed-twice"])
def test_other_variants_give_the_same_rows(asked: Conformance, variant: str, question: str) -> None:
    """However chunks are fetched and inflated, the rows are those of the reference."""
    asked.choice = Choice("h3-index", variant)
    asked.check(question)
