"""Pytest fixtures of the conformance kit; name this module in ``pytest_plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackbench.testing.asking import Conformance
    from trackbench.testing.world import World


@pytest.fixture(scope="session")
def conformance_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Granules of the kit, served by a local cloud as long as the session lasts."""
    # Imported here so that a session that does not use the kit does not wait for it.
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415
    from trackbench.testing.world import World  # noqa: PLC0415

    with World.open(cache_folder(), tmp_path_factory.mktemp("conformance")) as world:
        yield world


@pytest.fixture(scope="class")
def conformance(
    request: pytest.FixtureRequest, conformance_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Conformance]:
    """Ask the backend of a `trackbench.testing.BackendConformance`."""
    from trackbench.backends.registry import Choice  # noqa: PLC0415
    from trackbench.testing.asking import Conformance  # noqa: PLC0415

    promises = request.cls
    asked = Conformance(
        choice=Choice(*promises.choice.split(":", 1)),
        world=conformance_world,
        folder=tmp_path_factory.mktemp("asked"),
        profile=promises.profile,
        deadline=promises.deadline,
        prepares=promises.prepares,
    )
    yield asked
    asked.close()
