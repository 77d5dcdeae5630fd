"""What a run ran on: the machine, the packages, the commit."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import trackbench

if TYPE_CHECKING:
    from collections.abc import Mapping


def versions() -> Mapping[str, str]:
    """Return the version of Python, of trackbench and of each package that trackbench can use, where installed."""
    found = {"python": platform.python_version()}
    names = {"trackbench", *(_name(text) for text in metadata.requires("trackbench") or ())}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0]


def machine() -> Mapping[str, Any]:
    """Describe the machine without naming it: a record may be published.

    ``TRACKBENCH_MACHINE`` gives it a name, so that the history of one machine is told apart from another's.
    """
    return {
        "name": os.environ.get("TRACKBENCH_MACHINE", "unnamed"),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def commit() -> str | None:
    """Return the commit of the checkout that trackbench runs from, with a plus sign where files differ from it."""
    git = shutil.which("git")
    root = Path(trackbench.__file__).parents[2]
    if git is None or not (root / ".git").exists():
        return None

    def ask(*words: str) -> str:
        answer = subprocess.run([git, "-C", str(root), *words], capture_output=True, text=True, check=False)  # noqa: S603 - git, with our own words
        return answer.stdout.strip()

    head = ask("rev-parse", "--short=12", "HEAD")
    return (head + ("+" if ask("status", "--porcelain", "--untracked-files=no") else "")) or None
