"""Starting without what the server needs, and configurations on their way to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trackbench.errors import UnsupportedError
from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud, process


def test_missing_packages_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the server's packages the error says what to install, before any process starts."""
    monkeypatch.setattr(process, "_NEEDED", ("trackbench", "no_such_package"))
    with pytest.raises(UnsupportedError, match=r"needs no_such_package: pip install 'trackbench\[cloud\]'"):
        LocalCloud.start(CloudConfig(files=()))


def test_configuration_goes_through_json() -> None:
    """What the parent says is what the server process reads."""
    config = CloudConfig((Path("/a/b.h5"),), PROFILES["campus"], 60, Path("/cache"), 7, s3_tls=True)
    assert CloudConfig.from_json(config.to_json()) == config
    assert CloudConfig.from_json(CloudConfig((Path("/a"),)).to_json()).cache_dir is None
