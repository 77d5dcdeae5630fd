"""The conformance kit: every promise that a backend makes, as tests that the backend's own package inherits.

A test module of about ten lines is all that it takes::

    from trackbench.testing import BackendConformance

    pytest_plugins = ["trackbench.testing.plugin"]


    class TestMine(BackendConformance):
        choice = "mine:quick"

The kit makes small granules (once, into the cache folder of `trackbench.bench.paths`), serves them by a local
cloud, runs the backend in a process of its own as ``trackbench run`` does, and compares each answer with the
reference.
"""

import pytest

# The promises are asserted in modules that pytest would otherwise leave as they are.
pytest.register_assert_rewrite("trackbench.testing.conformance")

from trackbench.testing.asking import Answer, Conformance  # noqa: E402
from trackbench.testing.conformance import BackendConformance  # noqa: E402
from trackbench.testing.scenarios import Scenario  # noqa: E402
from trackbench.testing.world import World  # noqa: E402

__all__ = ["Answer", "BackendConformance", "Conformance", "Scenario", "World"]
