"""The baseline keeps what every backend promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackbench.backends.baseline import Baseline
from trackbench.backends.registry import Choice
from trackbench.testing import BackendConformance, Conformance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trackbench.testing import World

pytest_plugins = ["trackbench.testing.plugin"]

FULLY_TESTED = "slice"
IN_REGION = "s3"


class TestSlice(BackendConformance):
    """Every promise, with the variant that reads coordinates first."""

    choice = f"baseline:{FULLY_TESTED}"


@pytest.fixture(scope="module")
def asked(conformance_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conformance]:
    """Ask variants outside of the region, all in one process: importing clients takes longer than answering."""
    conformance = Conformance(
        Choice("baseline", FULLY_TESTED), conformance_world, tmp_path_factory.mktemp("variants")
    )
    yield conformance
    conformance.close()


@pytest.mark.parametrize("variant", [name for name in Baseline.variants if name not in {FULLY_TESTED, IN_REGION}])
def test_every_variant_reads_what_is_there(variant: str, asked: Conformance) -> None:
    """The other variants open granules in other ways, and each finds the beams of one that lacks some."""
    asked.choice = Choice("baseline", variant)

    assert asked.check("some-beams").num_rows > 0


def test_direct_access_is_refused_outside_of_the_region(asked: Conformance) -> None:
    """The variant that insists on S3 says that it cannot, instead of reading some other way."""
    asked.choice = Choice("baseline", IN_REGION)
    answer = asked.ask("box")

    assert answer.status == "unsupported"
    assert "us-west-2" in answer.reason


def test_direct_access_reads_in_the_region(conformance_world: World, tmp_path: Path) -> None:
    """The variant that insists on S3 reads from there where it can."""
    inside = Conformance(Choice("baseline", IN_REGION), conformance_world, tmp_path, profile="in-region")
    try:
        assert inside.check("some-beams").num_rows > 0
    finally:
        inside.close()
