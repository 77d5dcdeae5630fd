"""What goes wrong in the middle: a clear error, nothing half-written, no process left."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import CommandLine

BOX = "-45.385,62.632,-44.615,62.982"
_PATIENCE = 60.0


def _wait_for(trackbench: CommandLine, module: str) -> psutil.Process:
    """Wait until a process of the module runs."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        found = trackbench.processes(module)
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no process of {module} appeared")


def _gone(trackbench: CommandLine) -> bool:
    """Wait a moment for processes that are ending."""
    _, alive = psutil.wait_procs(trackbench.processes(), timeout=10)
    return not alive and not trackbench.processes()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(
    trackbench: CommandLine, tiny_granules: tuple[Path, ...], how: signal.Signals
) -> None:
    """Interrupted while a backend reads, a run leaves no process, no record and no temporary file."""
    assert tiny_granules
    running = trackbench.start("run", "--case", "tiny", "--backend", "baseline:slice", "--profile", "laptop")
    _wait_for(trackbench, "trackbench.bench.child")
    time.sleep(1)
    running.send_signal(how)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 128 + how
    assert "Interrupted" in told
    assert "Traceback" not in told
    assert _gone(trackbench)
    assert trackbench.left_behind() == []
    assert not (trackbench.folder / "results").exists()


def test_killing_a_run_leaves_no_process(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """Even when the command is killed outright, what it started ends with it."""
    assert tiny_granules
    running = trackbench.start("run", "--case", "tiny", "--backend", "baseline:slice", "--profile", "laptop")
    _wait_for(trackbench, "trackbench.bench.child")
    time.sleep(1)
    running.kill()
    running.communicate(timeout=30)
    assert _gone(trackbench)


def test_killing_the_cloud_is_told(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """When the local cloud dies in the middle, the run says so and ends at once."""
    assert tiny_granules
    running = trackbench.start("run", "--case", "tiny", "--backend", "baseline:slice", "--profile", "laptop")
    _wait_for(trackbench, "trackbench.bench.child")
    _wait_for(trackbench, "trackbench.localcloud").kill()
    _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "local cloud" in told
    assert "Traceback" not in told
    assert _gone(trackbench)
    assert trackbench.left_behind() == []


def test_a_truncated_granule_is_named(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """A granule that was cut short ends in an error that names it; an older output stays as it was."""
    cut = trackbench.folder / tiny_granules[0].name
    cut.write_bytes(tiny_granules[0].read_bytes()[:-200_000])
    output = trackbench.folder / "out.parquet"
    output.write_bytes(b"older")
    done = trackbench("subset", "--region", BOX, "--granules", str(cut), "--output", str(output))
    assert done.returncode == 1
    assert cut.name in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
    assert output.read_bytes() == b"older"
    assert sorted(path.name for path in trackbench.folder.iterdir()) == sorted([cut.name, "out.parquet"])


def test_a_full_disk_is_told(trackbench: CommandLine, tiny_granules: tuple[Path, ...]) -> None:
    """A disk that is full before all is written ends in an error that names it, and leaves nothing there."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted: this machine allows no user namespaces")
    small = trackbench.folder / "small"
    small.mkdir()
    subset = [
        sys.executable,
        "-m",
        "trackbench.cli",
        "subset",
        "--region",
        BOX,
        "--output",
        f"{small}/out.parquet",
    ]
    for granule in tiny_granules:
        subset += ["--granules", str(granule)]
    script = f'mount -t tmpfs -o size=64k tmpfs {small} || exit 99; "$@"; code=$?; ls -A {small}; exit $code'
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", script, "sh", *subset],
        capture_output=True,
        text=True,
        env=trackbench.environment(),
        check=False,
        timeout=120,
    )
    if done.returncode == 99:
        pytest.skip("a small file system cannot be mounted here")
    assert done.returncode == 1, done.stderr
    assert "full" in done.stderr
    assert "out.parquet" in done.stderr.replace("\n", "")
    assert done.stdout.strip() == ""
    assert "Traceback" not in done.stderr
