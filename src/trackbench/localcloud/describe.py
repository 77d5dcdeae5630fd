"""Telling people how to point their own clients at a local cloud."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from trackbench.localcloud.process import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackbench.localcloud.config import CloudConfig
    from trackbench.session import Endpoints

_SNIPPET = """\
import earthaccess
from earthaccess.system import System

system = System(
    cmr_base_url="{cmr_url}",
    status_url="{cmr_url}",
    status_api_url="{cmr_url}",
    edl_hostname="{edl_host}",
)
earthaccess.login(strategy="environment", system=system)
granules = earthaccess.search_data(short_name="ATL06", count=10)
files = earthaccess.open(granules)
"""


def describe(endpoints: Endpoints) -> str:
    """Return shell lines that a client's process must start with, and Python lines for earthaccess."""
    exports = "\n".join(
        f"export {name}={shlex.quote(value)}" for name, value in sorted(endpoints.environment.items())
    )
    snippet = _SNIPPET.format(cmr_url=endpoints.cmr_url, edl_host=endpoints.edl_host)
    commented = "\n".join(f"#   {line}".rstrip() for line in snippet.splitlines())
    return (
        f"# Local stand-ins for the Earthdata cloud. In the shell of the client:\n{exports}\n"
        f"# In Python, beside other clients that read these variables by themselves:\n{commented}\n"
        f"# Object store: {endpoints.s3_endpoint} (keys from /s3credentials of the data host)\n"
    )


def serve(config: CloudConfig, tell: Callable[[str], None] = print) -> None:
    """Run a local cloud until it is interrupted (Ctrl-C), after telling how to use it.

    Raises
    ------
    InputError
        If a file cannot be served.
    UnavailableError
        If the server does not start, or ends by itself.
    """
    with LocalCloud.start(config) as cloud:
        tell(describe(cloud.endpoints))
        try:
            while True:
                cloud.check()
                time.sleep(1)
        except KeyboardInterrupt:
            tell("Stopping.")
