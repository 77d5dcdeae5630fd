"""The report without the packages of its extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trackbench.report

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import trackbench.report
import trackbench.report.formatting
from trackbench.errors import UnsupportedError

try:
    trackbench.report.build_page
except UnsupportedError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(package: str) -> None:
    """Who installed trackbench without the extra is told what to do, and what does not draw works."""
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package=package)], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == (
        f"The report needs the package '{package}', which is not installed."
        " Install it: uv pip install 'trackbench[report]'"
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy names do not swallow mistakes."""
    with pytest.raises(AttributeError, match="build_paige"):
        _ = trackbench.report.build_paige
