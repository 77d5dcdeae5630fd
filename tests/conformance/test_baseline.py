"""The baseline keeps what every backend promises."""

from __future__ import annotations

from trackbench.testing import BackendConformance

pytest_plugins = ["trackbench.testing.plugin"]


class TestSlice(BackendConformance):
    """Every promise, with the variant that reads coordinates first."""

    choice = "baseline:slice"
