"""A local cloud in a process of its own, as its parent sees it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Self

from trackbench.errors import InputError, UnavailableError, UnsupportedError
from trackbench.localcloud.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from trackbench.localcloud.admin import Admin
    from trackbench.localcloud.config import CloudConfig
    from trackbench.localcloud.faults import Fault
    from trackbench.localcloud.ledger import LedgerSnapshot
    from trackbench.localcloud.profiles import Profile
    from trackbench.session import Endpoints

_NEEDED = ("aiohttp", "trustme")
_GRACE = 5.0  # seconds that a server may take to end before it is killed


@dataclass(slots=True)
class LocalCloud:
    """A running local cloud; a context manager that stops it.

    Examples
    --------
    >>> with LocalCloud.start(CloudConfig(files=(path,))) as cloud:  # doctest: +SKIP
    ...     subprocess.run(command, env={**os.environ, **cloud.endpoints.environment})
    ...     print(cloud.ledger().requests)
    """

    _process: subprocess.Popen[str]
    _running: Running
    _folder: str
    _errors: IO[str]

    @classmethod
    def start(cls, config: CloudConfig) -> Self:
        """Start the server process and wait until it listens.

        Learning of many large files for the first time takes a while, half a second for a full granule; give the
        configuration a cache folder.

        Raises
        ------
        InputError
            If a file cannot be served.
        UnavailableError
            If the server ends before it listens.
        UnsupportedError
            If a package that the server needs is not installed.
        """
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise UnsupportedError(
                f"The local cloud needs {' and '.join(missing)}: pip install 'trackbench[cloud]' brings them."
            )
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - lives as long as the server
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "trackbench.localcloud"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(config.to_json() + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        except BaseException:
            process.kill()
            process.wait()
            raise
        told = json.loads(line) if line else {}
        if "folder" in told:
            return cls(process, Running.from_dict(told), told["folder"], errors)
        process.wait()
        process.stdin.close()
        process.stdout.close()
        errors.seek(0)
        said = errors.read().strip()
        errors.close()
        if "error" in told:
            raise InputError(told["error"])
        raise UnavailableError(f"The local cloud ended before it listened (status {process.returncode}):\n{said}")

    @property
    def endpoints(self) -> Endpoints:
        """What clients must be told."""
        return self._running.endpoints

    @property
    def pid(self) -> int:
        """Id of the server process."""
        return self._process.pid

    @property
    def admin(self) -> Admin:
        """The way to the server, which can be handed to another process."""
        return self._running.admin

    @property
    def user(self) -> str:
        """Name of the one user of Earthdata Login."""
        return self._running.user

    @property
    def password(self) -> str:
        """Password of the one user of Earthdata Login."""
        return self._running.password

    def ledger(self) -> LedgerSnapshot:
        """Return what has crossed the wire since the last reset."""
        return self.admin.ledger()

    def reset_ledger(self) -> None:
        """Start counting from nothing."""
        self.admin.reset_ledger()

    def set_profile(self, profile: Profile) -> None:
        """Pretend another network from the next request on."""
        self.admin.set_profile(profile)

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force, and none but these."""
        self.admin.set_faults(faults)

    def complaints(self) -> str:
        """Return what the server has written about its own errors: nothing, if all is well."""
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def check(self) -> None:
        """Make sure that the server still runs.

        Raises
        ------
        UnavailableError
            If it has ended by itself.
        """
        status = self._process.poll()
        if status is not None:
            raise UnavailableError(f"The local cloud has ended by itself (status {status}):\n{self.complaints()}")

    def stop(self) -> None:
        """Stop the server and remove what it left; doing so twice does no harm."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
