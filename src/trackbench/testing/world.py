"""What the conformance kit tests against: granules, a local cloud that serves them, and the right rows."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trackbench.bench.reference import load_or_build
from trackbench.bench.sidecars import make_sidecars
from trackbench.granules import Granule, GranuleName
from trackbench.localcloud import CloudConfig, LocalCloud
from trackbench.localcloud.objects import BUCKET, object_key
from trackbench.testing.kit_granules import make_granules
from trackbench.testing.scenarios import Scenario, build_scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from trackbench.session import Endpoints


@dataclass(frozen=True, slots=True)
class World:
    """Granules, served.

    Attributes
    ----------
    cloud
        The local cloud that serves them.
    paths
        Where they are on disk, by the words of `trackbench.testing.kit_granules.SPECS`.
    scenarios
        What can be asked, by name.
    cache
        Folder of the references.
    """

    cloud: LocalCloud
    paths: Mapping[str, Path]
    scenarios: Mapping[str, Scenario]
    cache: Path

    @classmethod
    @contextmanager
    def open(cls, cache: Path, folder: Path) -> Iterator[World]:
        """Make the granules where they are missing and serve them until the block ends.

        Parameters
        ----------
        cache
            Folder that is kept between sessions.
        folder
            Folder of this session.
        """
        paths = make_granules(cache, folder)
        files = (*paths.values(), *make_sidecars(tuple(paths.values())))
        with LocalCloud.start(
            CloudConfig(files, cache_dir=cache / "localcloud", artifacts=cache / "artifacts")
        ) as cloud:
            addresses = {word: served(path, cloud.endpoints) for word, path in paths.items()}
            scenarios = build_scenarios(paths, addresses, cut_short=_halve(paths["ascending"], folder))
            yield cls(cloud, paths, scenarios, cache / "references")

    def reference(self, scenario: Scenario) -> pa.Table:
        """Return the rows that are right, in canonical order."""
        return load_or_build(scenario.files, scenario.request, self.cache).table

    def endpoints(self, scenario: Scenario) -> Endpoints:
        """Return where the cloud is in a scenario: the cloud's, or such at which nothing listens."""
        return self.cloud.endpoints if scenario.online else nowhere(self.cloud.endpoints)


def _halve(whole: Path, folder: Path) -> Path:
    half = folder / whole.name
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return half


def served(path: Path, endpoints: Endpoints) -> Granule:
    """Return a file's granule with the addresses at which a local cloud serves it."""
    key = object_key(path.name)
    host = endpoints.s3_credentials.removesuffix("/s3credentials")
    return Granule(
        GranuleName.parse(path.name),
        https=f"{host}/{BUCKET}/{key}",
        s3=f"s3://{BUCKET}/{key}",
        size=path.stat().st_size,
    )


def nowhere(endpoints: Endpoints) -> Endpoints:
    """Return endpoints like these at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    return replace(
        endpoints,
        cmr_url=f"http://{host}/search/",
        edl_host=host,
        s3_credentials=f"https://{host}/s3credentials",
        s3_endpoint=f"http://{host}",
        environment={**endpoints.environment, "AWS_ENDPOINT_URL": f"http://{host}"},
        services=dict.fromkeys(endpoints.services, f"http://{host}"),
    )
