"""What a local cloud is started with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackbench.localcloud.profiles import PROFILES, Profile


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """What to serve, and how.

    Attributes
    ----------
    files
        Files to serve. Those named like granules are found by searching; the others are objects beside them.
    profile
        The network to pretend.
    credentials_ttl
        Seconds that temporary S3 credentials and signed addresses live.
    cache_dir
        Folder that keeps what was learned of each file (footprint, checksum), by path, size and time of change.
        None learns it again at each start.
    seed
        Seed of the model's random draws.
    s3_tls
        Serve the object store over TLS as well. The model charges the handshake's round trip either way; over
        plain HTTP both sides are spared the work of encryption.
    artifacts
        Folder that anyone may read as a bucket of its own, as it is at that moment: for what is built beforehand.
    """

    files: tuple[Path, ...]
    profile: Profile = field(default_factory=lambda: PROFILES["loopback"])
    credentials_ttl: float = 3600
    cache_dir: Path | None = None
    seed: int = 0
    s3_tls: bool = False
    artifacts: Path | None = None

    def to_json(self) -> str:
        """Return the configuration as one line of JSON."""
        values: dict[str, Any] = {
            "files": [str(path.absolute()) for path in self.files],
            "profile": self.profile.to_dict(),
            "credentials_ttl": self.credentials_ttl,
            "cache_dir": None if self.cache_dir is None else str(self.cache_dir.absolute()),
            "seed": self.seed,
            "s3_tls": self.s3_tls,
            "artifacts": None if self.artifacts is None else str(self.artifacts.absolute()),
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> CloudConfig:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        return cls(
            files=tuple(Path(path) for path in values["files"]),
            profile=Profile(**values["profile"]),
            credentials_ttl=values["credentials_ttl"],
            cache_dir=None if values["cache_dir"] is None else Path(values["cache_dir"]),
            seed=values["seed"],
            s3_tls=values["s3_tls"],
            artifacts=None if values["artifacts"] is None else Path(values["artifacts"]),
        )
