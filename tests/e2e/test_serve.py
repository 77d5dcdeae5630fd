"""The local cloud in the foreground, for a user's own clients."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import CommandLine


def test_what_serve_prints_points_a_client_at_it(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """The printed lines, run by a shell and by Python, let earthaccess open the granules; Ctrl-C ends it."""
    serving = trackbench.start("cloud", "serve", "--case", "tiny")
    assert serving.stdout is not None
    printed = []
    for line in serving.stdout:
        printed.append(line.rstrip("\n"))
        if line.startswith("# Object store"):
            break
    exports = [line for line in printed if line.startswith("export ")]
    program = [line.removeprefix("#   ") for line in printed if line.startswith("#   ")]
    program += ["print(sorted(file.full_name.rsplit('/')[-1] for file in files))"]
    script = "\n".join([*exports, f"{sys.executable} - <<'END'", *program, "END"])
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env=trackbench.environment(),
        check=False,
        timeout=60,
    )
    serving.send_signal(signal.SIGINT)
    _, told = serving.communicate(timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(sorted(path.name for path in tiny_granules))
    assert serving.returncode == 0
    assert f"Serving {len(tiny_granules)} granules" in told
    assert trackbench.processes() == []
