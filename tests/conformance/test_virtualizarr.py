"""Reading through chunk manifests keeps what every backend promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackbench.backends.registry import Choice
from trackbench.testing import BackendConformance, Conformance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.testing import World

pytest_plugins = ["trackbench.testing.plugin"]

BUILT = ("kerchunk", "icechunk")


class TestHdf(BackendConformance):
    """Every promise, with references made at read time."""

    choice = "virtualizarr:hdf"


@pytest.fixture(scope="module")
def asked(conformance_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conformance]:
    """Ask variants outside of the region, all in one process: importing clients takes longer than answering."""
    conformance = Conformance(
        Choice("virtualizarr", "hdf"), conformance_world, tmp_path_factory.mktemp("variants")
    )
    yield conformance
    conformance.close()


@pytest.fixture(scope="module")
def inside(conformance_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conformance]:
    """Ask variants beside the data, in another process."""
    folder = tmp_path_factory.mktemp("inside")
    conformance = Conformance(Choice("virtualizarr", "hdf"), conformance_world, folder, profile="in-region")
    yield conformance
    conformance.close()


def _choose(conformance: Conformance, variant: str, *, prepares: bool) -> Conformance:
    conformance.choice, conformance.prepares = Choice("virtualizarr", variant), prepares
    return conformance


def test_references_that_were_not_built_are_missed(asked: Conformance) -> None:
    """Without references the run ends and says how to build them."""
    answer = _choose(asked, "kerchunk", prepares=False).ask("box")

    assert answer.status == "failed"
    assert "prepare" in answer.reason


@pytest.mark.parametrize("variant", ["dmrpp", "earthaccess", *BUILT])
def test_every_variant_reads_what_is_there(variant: str, asked: Conformance) -> None:
    """The other forms of references lead to the rows of granules with everything odd about them."""
    rows = _choose(asked, variant, prepares=variant in BUILT).check("every-oddity")

    assert rows.num_rows > 0


@pytest.mark.parametrize("variant", ["dmrpp", "icechunk"])
def test_every_variant_reads_straight_from_the_store_in_region(variant: str, inside: Conformance) -> None:
    """Beside the data the bytes come from S3, by credentials of the data host."""
    inside.world.cloud.reset_ledger()

    _choose(inside, variant, prepares=variant in BUILT).check("box")

    by_role = inside.world.cloud.ledger().by_role
    assert by_role["s3"].requests > 0
    assert "cdn" not in by_role


@pytest.mark.parametrize("variant", BUILT)
def test_what_is_built_holds_no_secret(variant: str, asked: Conformance) -> None:
    """The token with which references are read is nowhere in them."""
    _choose(asked, variant, prepares=True).check("every-oddity")
    token = asked.world.cloud.endpoints.environment["EARTHDATA_TOKEN"].encode()

    kept = [path for path in asked.folder.glob(f"*/cache/virtualizarr/{variant}/**/*") if path.is_file()]

    assert kept
    assert not [path for path in kept if token in path.read_bytes()]
