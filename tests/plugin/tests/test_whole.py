"""The backend of this package keeps what every backend promises."""

from trackbench.testing import BackendConformance

pytest_plugins = ["trackbench.testing.plugin"]


class TestMemory(BackendConformance):
    """Every promise, with the only variant."""

    choice = "whole:memory"
