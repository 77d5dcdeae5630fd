"""The book of faults: which request goes wrong, and how."""

from __future__ import annotations

import json

import pytest

from trackbench.errors import InputError
from trackbench.localcloud import FAULT_KINDS, Fault
from trackbench.localcloud.faults import Break, FaultBook, faulty_break, faulty_reply


def test_a_fault_happens_to_the_first_matching_requests() -> None:
    """Role, method and path must match, and it happens as often as it was asked for."""
    book = FaultBook(seed=0)
    fault = Fault("slow-down", role="s3", match=r"\.h5$", first=2)
    book.replace([fault])
    assert book.pick("cdn", "GET", "/a.h5") is None
    assert book.pick("s3", "HEAD", "/a.h5") is None
    assert book.pick("s3", "GET", "/a.txt") is None
    assert [book.pick("s3", "GET", "/a.h5") for _ in range(3)] == [fault, fault, None]


def test_the_first_of_several_in_force_happens() -> None:
    """When one fault is used up, the next one has its turn."""
    book = FaultBook(seed=0)
    one, other = Fault("reset", first=1), Fault("internal-error")
    book.replace([one, other])
    assert [book.pick("s3", "GET", "/") for _ in range(3)] == [one, other, other]


def test_chance_is_drawn_with_the_seed() -> None:
    """About as many requests as the probability says go wrong, the same ones with the same seed."""

    def pattern(seed: int) -> list[bool]:
        book = FaultBook(seed)
        book.replace([Fault("reset", probability=0.3)])
        return [book.pick("s3", "GET", "/") is not None for _ in range(1000)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 250 < sum(pattern(1)) < 350


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("slow-down", 503),
        ("internal-error", 500),
        ("expired-token", 400),
        ("wrong-signature", 403),
        ("too-many-requests", 429),
    ],
)
def test_statuses(kind: str, status: int) -> None:
    """Faults that answer do so with the status of the real service, and without a body to HEAD."""
    reply = faulty_reply(Fault(kind), "GET")  # type: ignore[arg-type] # the parameters are kinds
    assert reply is not None
    assert reply.status == status
    assert reply.body


def test_breaks() -> None:
    """Faults within a body break it in the middle unless told where."""
    assert faulty_break(Fault("truncation"), 100) == Break(50)
    assert faulty_break(Fault("reset-in-body", after=7), 100) == Break(7, reset=True)
    assert faulty_break(Fault("stall", seconds=3), 100) == Break(50, stall=3)
    assert faulty_break(Fault("delay"), 100) is None
    assert faulty_reply(Fault("truncation"), "GET") is None


def test_faults_go_through_json() -> None:
    """What the parent asks for is what the server does."""
    fault = Fault("stall", role="cdn", match="x", methods=("GET", "HEAD"), first=3, probability=0.5, after=9)
    assert Fault.from_dict(json.loads(json.dumps(fault.to_dict()))) == fault


def test_faults_that_do_not_exist() -> None:
    """An unknown kind and a broken pattern are refused, naming what there is."""
    with pytest.raises(InputError, match=FAULT_KINDS[0]):
        Fault("explosion")  # type: ignore[arg-type] # on purpose
    with pytest.raises(InputError, match="no regular expression"):
        Fault("reset", match="(")
