"""Sidecars: DMR++ beside granules, made once, never in a user's folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from trackbench.bench.cases import Case, sidecars
from trackbench.bench.sidecars import SUFFIXES, make_sidecars
from trackbench.dmrpp import read_dmrpp
from trackbench.errors import FailedError
from trackbench.granulegen import GranuleSpec
from trackbench.region import Region
from trackbench.request import SubsetRequest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("in_this_process")
NAME = "ATL06_20191206203649_10840505_006_01.h5"
OTHER = "ATL06_20200103120000_01020612_006_02.h5"


class InThisProcess:
    """Does what a pool of processes does, without the second that it takes to start one."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.map = map

    def shutdown(self, **_: Any) -> None:
        """Do nothing."""


@pytest.fixture
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare all tests but one the processes."""
    if request.node.originalname != "test_made_beside_granules_and_kept":
        monkeypatch.setattr("trackbench.bench.sidecars.ProcessPoolExecutor", InThisProcess)


def write(path: Path, count: int = 3) -> Path:
    """Write a file that stands for a granule."""
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file["gt1l/land_ice_segments/h_li"] = np.zeros(count, "f4")
    return path


def length(sidecar: Path) -> int:
    """Return how many segments a DMR++ tells of."""
    return read_dmrpp(sidecar).variable("/gt1l/land_ice_segments/h_li").shape[0]


def test_made_beside_granules_and_kept(tmp_path: Path) -> None:
    """Both dialects stand beside each granule; only what is missing or of an older granule is made again."""
    paths = (write(tmp_path / NAME), write(tmp_path / OTHER))
    told: list[tuple[int, int]] = []

    made = make_sidecars(paths, lambda done, total, _: told.append((done, total)))

    assert [path.name for path in made] == [
        f"{NAME}.dmrpp", f"{NAME}.flattened.dmrpp", f"{OTHER}.dmrpp", f"{OTHER}.flattened.dmrpp",
    ]  # fmt: skip
    assert {path.parent for path in made} == {tmp_path}
    assert [read_dmrpp(path).dialect for path in made] == [*SUFFIXES, *SUFFIXES]
    assert told == [(0, 2), (1, 2), (2, 2)]

    write(paths[0], 5)
    before = [path.stat().st_mtime_ns for path in made]
    told.clear()
    assert make_sidecars(paths, lambda done, total, _: told.append((done, total))) == made
    assert [length(path) for path in made] == [5, 5, 3, 3]
    assert told == [(1, 2), (2, 2)]
    assert [path.stat().st_mtime_ns for path in made[2:]] == before[2:]

    made[3].unlink()
    assert make_sidecars(paths) == made
    assert length(made[3]) == 3


def test_nothing_is_made_where_all_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again, no process is started and no file is written."""
    made = make_sidecars((write(tmp_path / NAME),))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr("trackbench.bench.sidecars.ProcessPoolExecutor", None)

    assert make_sidecars((tmp_path / NAME,)) == made
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_users_folders_are_left_alone(tmp_path: Path) -> None:
    """With a cache nothing is written beside the granules, and equal names in two folders do not meet."""
    paths = (write(tmp_path / "one" / NAME, 1), write(tmp_path / "two" / NAME, 2))

    made = make_sidecars(paths, cache_dir=tmp_path / "cache")

    assert [length(path) for path in made] == [1, 1, 2, 2]
    assert all(path.is_relative_to(tmp_path / "cache") for path in made)
    assert [path.name for path in made[:2]] == [f"{NAME}{suffix}" for suffix in SUFFIXES.values()]
    assert [len(list((tmp_path / name).iterdir())) for name in ("one", "two")] == [1, 1]


@pytest.mark.parametrize("real", [True, False])
def test_a_case_tells_where_they_belong(tmp_path: Path, *, real: bool) -> None:
    """Those of files that a case found go to the cache, those of generated granules beside them."""
    path = write(tmp_path / "granules" / NAME)
    request = SubsetRequest.build("ATL06", Region.from_bbox(0, 0, 1, 1))
    found = {"files": (path,)} if real else {"specs": (GranuleSpec(1084, 5, 5),)}
    case = Case("any", "any", request, **found)

    made = sidecars(case, (path,), tmp_path / "cache")

    assert len(made) == 2
    assert [each.parent == path.parent for each in made] == [not real, not real]


def test_what_cannot_be_described_has_none(tmp_path: Path) -> None:
    """A granule that DMR++ cannot describe is told with the reason; the others have theirs."""
    good, bad = write(tmp_path / NAME), tmp_path / OTHER
    with h5py.File(bad, "w") as file:
        file["odd"] = np.zeros(3, [("a", "i4")])
    told: list[str] = []

    made = make_sidecars((bad, good), lambda _done, _total, text: told.append(text))

    assert [path.name for path in made] == [f"{NAME}{suffix}" for suffix in SUFFIXES.values()]
    assert told[1] == (
        f"{OTHER} has no DMR++: /odd is neither of numbers nor of text, which is not described as DMR++ here."
    )


def test_leftovers_and_a_damaged_manifest_do_no_harm(tmp_path: Path) -> None:
    """What a killed process left is removed, what a living one writes is not, and a bad manifest is made anew."""
    path = write(tmp_path / NAME)
    dead, living = (tmp_path / f"{NAME}.dmrpp.{owner}.tmp" for owner in (2**22 + 1, os.getppid()))
    dead.touch()
    living.touch()
    (tmp_path / "dmrpp.json").write_text("[")

    assert len(make_sidecars((path,))) == 2
    assert not dead.exists()
    assert living.exists()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where no file can be written, the error says what to do."""
    path = write(tmp_path / NAME)
    (tmp_path / f"{NAME}.dmrpp").mkdir()

    with pytest.raises(FailedError, match=r"could not be written: .*another cache"):
        make_sidecars((path,))
