"""Reading through chunk manifests keeps what every backend promises."""

from __future__ import annotations

from trackbench.testing import BackendConformance

pytest_plugins = ["trackbench.testing.plugin"]


class TestHdf(BackendConformance):
    """Every promise, with references made at read time."""

    choice = "virtualizarr:hdf"
