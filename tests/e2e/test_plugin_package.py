"""A backend in a package of its own: installed into its own environment, found, and held to every promise."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "plugin"


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment into which the package is installed, and which sees the packages of this one."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed, which would install the package: python3 -m pip install uv")
    place = tmp_path_factory.mktemp("plugin")
    environment, package = place / "environment", place / "package"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    made = _run(uv, "venv", "--offline", "--no-project", "--python", sys.executable, environment, cwd=place)
    assert made.returncode == 0, made.stderr
    python = environment / "bin" / "python"
    # A .pth file with code is how Python itself lets an environment see another's packages, editable ones too.
    folders = [*site.getsitepackages()]
    lines = "".join(f"import site; site.addsitedir({folder!r})\n" for folder in folders)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "_packages_of_the_project.pth").write_text(lines)
    # uv builds this package itself, so that nothing is downloaded.
    done = _run(uv, "pip", "install", "--offline", "--no-deps", "--python", python, package, cwd=place)
    assert done.returncode == 0, done.stderr
    return python


def test_the_package_is_listed(python: Path, tmp_path: Path) -> None:
    """``trackbench backends`` shows it beside the project's own, with its package and variants."""
    done = _run(python, "-m", "trackbench.cli", "backends", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = {(each["backend"], each["variant"]): each["package"] for each in json.loads(done.stdout)}
    assert found["whole", "memory"] == "trackbench-whole"
    assert found["baseline", "slice"] == "trackbench"


def test_the_package_keeps_every_promise(python: Path, tmp_path: Path) -> None:
    """Its own tests, ten lines that inherit the conformance kit, pass; so do those of deliberate mistakes."""
    tests = PACKAGE / "tests"
    done = _run(
        python,
        *(
            "-m",
            "pytest",
            "-c",
            PACKAGE / "pyproject.toml",
            "--rootdir",
            tmp_path,
            "-p",
            "no:cacheprovider",
            tests,
        ),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " skipped" not in done.stdout.splitlines()[-1]
