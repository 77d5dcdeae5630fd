"""Who may import whom: the contracts of pyproject.toml hold, and they would notice if they did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from importlinter.cli import lint_imports

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """Every import of the package keeps the contracts; a broken one is named with its line."""
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)

    assert status == 0, capsys.readouterr().out


def test_every_module_is_imported_by_name() -> None:
    """Each folder of the package holds an ``__init__.py``: the contracts would not see one without."""
    package = ROOT / "src" / "trackbench"
    folders = {path.parent for path in package.rglob("*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


FORBIDDEN = (
    ("backends/hdf5.py", "trackbench.bench.records"),
    ("backends/hdf5.py", "trackbench.localcloud"),
    ("backends/hdf5.py", "trackbench.granulegen"),
    ("localcloud/__init__.py", "trackbench.backends"),
    ("localcloud/__init__.py", "trackbench.chunkindex"),
    ("chunkindex/__init__.py", "trackbench.bench"),
    ("table.py", "trackbench.session"),
    ("errors.py", "trackbench.products"),
    ("bench/records.py", "trackbench.cli"),
)


def test_contracts_notice_forbidden_imports(tmp_path: Path) -> None:
    """Imports that must never be, put into a copy of the package, break the contracts and are all named."""
    package = tmp_path / "trackbench"
    shutil.copytree(ROOT / "src" / "trackbench", package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("backends", "chunkindex", "cli", "granulegen", "localcloud"):
        (package / name).mkdir(exist_ok=True)
        (package / name / "__init__.py").touch()
    for module, imported in FORBIDDEN:
        with (package / module).open("a") as file:
            file.write(f"\nimport {imported}\n")

    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    for module, imported in FORBIDDEN:
        importer = "trackbench." + module.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {imported}" in done.stdout
