"""Where trackbench keeps what it makes once: cases, references, artifacts."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder for files that can be made again: ``TRACKBENCH_CACHE``, else the user's cache folder."""
    named = os.environ.get("TRACKBENCH_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("trackbench"))
