"""Faults on demand: answers and connections that go wrong as those of real services do."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from trackbench.errors import InputError
from trackbench.localcloud.reply import Reply, s3_error, text_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

type FaultKind = Literal[
    "slow-down",
    "internal-error",
    "expired-token",
    "wrong-signature",
    "too-many-requests",
    "delay",
    "reset",
    "reset-in-body",
    "truncation",
    "stall",
]
FAULT_KINDS: Final[tuple[str, ...]] = get_args(FaultKind.__value__)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and for which requests.

    Attributes
    ----------
    kind
        ``slow-down`` (503), ``internal-error`` (500), ``expired-token`` (400), ``wrong-signature`` (403),
        ``too-many-requests`` (429 with Retry-After), ``delay`` (the answer comes late), ``reset`` (the connection
        is reset before the head), ``reset-in-body``, ``truncation`` (closed in order within the body), ``stall``
        (silence within the body, then closed).
    role
        Name of the role, such as ``s3``; None for any.
    match
        Regular expression that is searched for in the request's path.
    methods
        HTTP methods.
    first
        How many matching requests it happens to; None for all.
    probability
        Chance of each matching request, drawn with the cloud's seed.
    seconds
        Length of a delay or a stall, or the value of Retry-After.
    after
        Bytes of the body that still arrive before it breaks; None for half of it.
    """

    kind: FaultKind
    role: str | None = None
    match: str = ""
    methods: tuple[str, ...] = ("GET",)
    first: int | None = None
    probability: float = 1.0
    seconds: float = 1.0
    after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise InputError(f"There is no fault {self.kind!r}. Known: {', '.join(FAULT_KINDS)}.")
        try:
            re.compile(self.match)
        except re.error as error:
            raise InputError(f"The fault's pattern {self.match!r} is no regular expression: {error}.") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fault:
        """Read what `to_dict` wrote, also after a way through JSON."""
        return cls(**{**values, "methods": tuple(values["methods"])})


@dataclass(frozen=True, slots=True)
class Break:
    """Where and how a connection breaks.

    Attributes
    ----------
    after
        Bytes of the body before it.
    reset
        Whether with a reset, or closed in order.
    stall
        Seconds of silence before that.
    """

    after: int = 0
    reset: bool = False
    stall: float = 0.0


class FaultBook:
    """Holds the faults that are in force and counts down those that happen a number of times."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.replace(())

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put `faults` in force instead of those before."""
        self._faults = [(fault, re.compile(fault.match)) for fault in faults]
        self._left = [fault.first for fault in faults]
        self._random = Random(self._seed)  # noqa: S311 - a model, not a secret

    def pick(self, role: str, method: str, path: str) -> Fault | None:
        """Return the fault that happens to a request, the first in force that matches, and count it."""
        for index, (fault, pattern) in enumerate(self._faults):
            left = self._left[index]
            if (
                left == 0
                or fault.role not in (None, role)
                or method not in fault.methods
                or pattern.search(path) is None
                or (fault.probability < 1.0 and self._random.random() >= fault.probability)
            ):
                continue
            if left is not None:
                self._left[index] = left - 1
            return fault
        return None


def faulty_reply(fault: Fault, method: str) -> Reply | None:
    """Return what the fault answers instead of the right answer, or None if it leaves that alone."""
    bodiless = method == "HEAD"
    match fault.kind:
        case "slow-down":
            return s3_error(503, "SlowDown", "Please reduce your request rate.", bodiless=bodiless)
        case "internal-error":
            return s3_error(500, "InternalError", "We encountered an internal error.", bodiless=bodiless)
        case "expired-token":
            return s3_error(400, "ExpiredToken", "The provided token has expired.", bodiless=bodiless)
        case "wrong-signature":
            text = "The request signature we calculated does not match the signature you provided."
            return s3_error(403, "SignatureDoesNotMatch", text, bodiless=bodiless)
        case "too-many-requests":
            return text_reply("Too many requests.", 429, Retry_After=f"{fault.seconds:g}")
    return None


def faulty_break(fault: Fault, body_size: int) -> Break | None:
    """Return where the fault breaks a connection with a body of `body_size` bytes, or None if it does not."""
    after = body_size // 2 if fault.after is None else fault.after
    match fault.kind:
        case "reset-in-body":
            return Break(after, reset=True)
        case "truncation":
            return Break(after)
        case "stall":
            return Break(after, stall=fault.seconds)
    return None
