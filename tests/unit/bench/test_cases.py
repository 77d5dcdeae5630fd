"""Cases: which granules they hold, and that their files are made once, whole, and again when damaged."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from trackbench.bench import case_files
from trackbench.bench.case_files import case_folder, generate
from trackbench.bench.case_real import middle_region
from trackbench.bench.case_sets import GREENLAND_TRACKS
from trackbench.bench.cases import list_cases, load_case, materialise
from trackbench.errors import FailedError, InputError
from trackbench.granulegen import BEAMS, EdgeCases, GranuleSpec, tracks_crossing, write_granule
from trackbench.granules import GranuleName

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# One beam makes a sixth of the work.
ONE_BEAM = EdgeCases(missing_beams=("gt1l", "gt1r", "gt2r", "gt3l", "gt3r"))
SHORT = tuple(GranuleSpec(rgt, 8, 3, segments=60, edges=ONE_BEAM) for rgt in (94, 597, 1039))


def ignore(*_: object) -> None:
    """Take no notice of progress."""


@pytest.fixture
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write granules here: the processes are tested apart, and starting them takes most of a test's time."""

    def write_all(jobs: list[tuple[GranuleSpec, Path]]) -> Generator[tuple[str, str]]:
        yield from map(case_files._write_one, jobs)

    monkeypatch.setattr(case_files, "_write_all", write_all)


def rows_inside(path: Path, name: str, cache: Path) -> tuple[int, int]:
    """Count the rows of a granule that a case's region covers, and all of them."""
    region = load_case(name, cache_dir=cache).request.region
    inside = total = 0
    with h5py.File(path, "r") as file:
        for beam in BEAMS:
            if f"{beam}/land_ice_segments/latitude" not in file:
                continue
            latitude, longitude = (file[f"{beam}/land_ice_segments/{key}"][:] for key in ("latitude", "longitude"))
            inside += int(region.covers(longitude, latitude).sum())
            total += latitude.size
    return inside, total


def test_the_eight_tracks_are_those_that_cross_the_square() -> None:
    """Six tracks with all beams, two that only clip it with one pair."""
    assert tracks_crossing(-45.385, 62.632, -44.615, 62.982) == GREENLAND_TRACKS
    assert [(each.rgt, each.region, len(each.beams)) for each in GREENLAND_TRACKS] == [
        (94, 3, 6), (178, 5, 2), (239, 5, 6), (536, 3, 2), (597, 3, 6), (681, 5, 6), (1039, 3, 6), (1123, 5, 6),
    ]  # fmt: skip


def test_greenland_has_214_granules(tmp_path: Path) -> None:
    """As many as the search found that the case follows; all within seven years, no two alike."""
    case = load_case("greenland", cache_dir=tmp_path)
    names = [spec.name for spec in case.specs]

    assert len(set(names)) == 214
    assert min(names, key=lambda name: name.start).start.year == 2018
    assert all(
        case.request.start <= np.datetime64(name.start.replace(tzinfo=None)) <= case.request.end for name in names
    )
    assert {spec.ballast for spec in case.specs} == {"light"}


def test_demo_has_sixteen_granules_of_the_eight_tracks(tmp_path: Path) -> None:
    """Two cycles of release 6."""
    case = load_case("demo", cache_dir=tmp_path)

    assert len(case.specs) == 16
    assert {spec.rgt for spec in case.specs} == {94, 178, 239, 536, 597, 681, 1039, 1123}
    assert {spec.release for spec in case.specs} == {6}


@pytest.mark.parametrize(("name", "count"), [("greenland-full", 20), ("greenland-full:3", 3)])
def test_greenland_full_takes_a_number(tmp_path: Path, name: str, count: int) -> None:
    """Every variable of its real size; 20 granules unless another number is asked for."""
    case = load_case(name, cache_dir=tmp_path)

    assert len(case.specs) == count
    assert {spec.ballast for spec in case.specs} == {"full"}
    assert case.name == name


@pytest.mark.parametrize(
    "name", ["nowhere", "demo:3", "greenland-full:none", "greenland-full:0", "real:no/such/folder"]
)
def test_a_case_that_does_not_exist_is_refused(tmp_path: Path, name: str) -> None:
    """The error names what was asked for."""
    with pytest.raises(InputError, match=name.rsplit(":", maxsplit=1)[-1]):
        load_case(name, cache_dir=tmp_path)


def test_every_listed_case_has_a_line(tmp_path: Path) -> None:
    """Each name has a description; those that need nothing can be loaded."""
    assert set(list_cases()) == {"demo", "greenland", "greenland-full", "real", "tiny", "edges"}
    for name in set(list_cases()) - {"real"}:
        case = load_case(name, cache_dir=tmp_path)
        assert case.description == list_cases()[name]
        assert len({spec.name for spec in case.specs}) == len(case.specs)


def test_tiny_is_made_by_processes_and_gives_rows(tmp_path: Path) -> None:
    """Each of its granules has rows in the region and outside; a release 7 and odd beams are among them."""
    told: list[tuple[int, int]] = []
    case = load_case("tiny", cache_dir=tmp_path)
    paths = materialise(case, tmp_path, lambda done, total, _: told.append((done, total)))

    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert [path.name for path in paths] == [str(spec.name) for spec in case.specs]
    assert {GranuleName.parse(path.name).release for path in paths} == {6, 7}
    assert all(path.parent == case_folder("tiny", case.specs, tmp_path) for path in paths)
    for path in paths:
        inside, total = rows_inside(path, "tiny", tmp_path)
        assert 0 < inside < total
    with h5py.File(paths[1], "r") as file:
        assert "gt1l" not in file
        assert "land_ice_segments" not in file["gt3r"]


@pytest.mark.usefixtures("_in_this_process")
def test_an_interrupted_case_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What stood is not made again, and nothing else is left behind."""

    def interrupt_after_one(done: int, _total: int, _text: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(SHORT, tmp_path, interrupt_after_one)
    first = tmp_path / str(SHORT[0].name)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([first.name, "manifest.json"])
    modified = first.stat().st_mtime_ns
    told: list[int] = []
    paths = generate(SHORT, tmp_path, lambda done, *_: told.append(done))

    assert told == [1, 2, 3]
    assert first.stat().st_mtime_ns == modified
    assert all(path.is_file() for path in paths)


def test_an_interrupt_ends_the_processes(tmp_path: Path) -> None:
    """Files that were being written are gone, and so is the folder that they were in."""

    def interrupt(done: int, _total: int, _text: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    specs = [GranuleSpec(1039, cycle, 3, segments=60, edges=ONE_BEAM) for cycle in (5, 6, 7, 8)]
    with pytest.raises(KeyboardInterrupt):
        generate(specs, tmp_path, interrupt)

    left = [each.name for each in tmp_path.iterdir()]
    assert len(left) == 2
    assert "manifest.json" in left


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """What happened in a process reaches the caller as an error that says what to do."""
    jobs = [(SHORT[0], tmp_path / "no such folder" / "granule.h5")]

    with pytest.raises(FailedError, match=r"could not be written.*no such folder"):
        list(case_files._write_all(jobs))


def test_a_process_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that is killed ends the call instead of hanging it."""
    monkeypatch.setattr(case_files, "_work", die)

    with pytest.raises(FailedError, match="ended too early"):
        list(case_files._write_all([(SHORT[0], tmp_path / "granule.h5")]))


def die(_: object) -> None:
    """End this process as a lack of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """A folder of a process that is gone is removed; one of a process that lives is not."""
    gone, alive = tmp_path / ".writing-4194999-x", tmp_path / f".writing-{os.getppid()}-x"
    for folder in (gone, alive):
        folder.mkdir()
        (folder / "half.h5").write_bytes(b"half")
    generate((), tmp_path, ignore)

    assert not gone.exists()
    assert alive.exists()


@pytest.mark.usefixtures("_in_this_process")
@pytest.mark.parametrize("damage", ["shorter", "other bytes", "gone", "manifest"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    """A changed size, changed bytes, a missing file and a broken manifest are all found and mended."""
    paths = generate(SHORT, tmp_path, ignore)
    whole = [path.read_bytes() for path in paths]
    if damage == "shorter":
        paths[1].write_bytes(whole[1][:-1])
    elif damage == "other bytes":
        paths[1].write_bytes(whole[1][:5000] + b"\1" + whole[1][5001:])
    elif damage == "gone":
        paths[1].unlink()
    else:
        (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    told: list[int] = []
    generate(SHORT, tmp_path, lambda done, *_: told.append(done))

    assert told == ([0, 1, 2, 3] if damage == "manifest" else [2, 3])
    assert [path.read_bytes() for path in paths] == whole


@pytest.mark.usefixtures("_in_this_process")
def test_bytes_changed_behind_the_clock_are_found_when_asked(tmp_path: Path) -> None:
    """With its size and time as before, only `verify` reads the file."""
    paths = generate(SHORT[:1], tmp_path, ignore)
    whole, status = paths[0].read_bytes(), paths[0].stat()
    paths[0].write_bytes(whole[:5000] + b"\1" + whole[5001:])
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns))
    generate(SHORT[:1], tmp_path, ignore)
    assert paths[0].read_bytes() != whole

    generate(SHORT[:1], tmp_path, ignore, verify=True)
    assert paths[0].read_bytes() == whole


@pytest.mark.usefixtures("_in_this_process")
def test_the_manifest_tells_size_and_digest(tmp_path: Path) -> None:
    """One entry for each file, in strict JSON."""
    paths = generate(SHORT[:2], tmp_path, ignore)
    told = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))

    assert set(told["files"]) == {path.name for path in paths}
    for path in paths:
        assert told["files"][path.name]["size"] == path.stat().st_size
        assert len(told["files"][path.name]["blake2b"]) == 32


def test_other_specs_have_another_folder(tmp_path: Path) -> None:
    """A seed, an edge or another writer changes the folder; the same specs keep it."""
    other = GranuleSpec(94, 8, 3, segments=60, edges=EdgeCases(empty=True))

    assert case_folder("x", SHORT, tmp_path) == case_folder("x", SHORT, tmp_path)
    assert case_folder("x", SHORT, tmp_path) != case_folder("x", (*SHORT[1:], other), tmp_path)
    assert case_folder("greenland-full:3", SHORT, tmp_path).name.startswith("greenland-full-3-")


def test_real_granules_all_give_some_rows_and_lose_some(real_atl06: tuple[Path, ...], tmp_path: Path) -> None:
    """The region is the middle of each granule's own data."""
    name = f"real:{real_atl06[0].parent}"
    case = load_case(name, cache_dir=tmp_path)
    paths = materialise(case, tmp_path)

    assert paths == real_atl06
    for path in paths:
        inside, total = rows_inside(path, name, tmp_path)
        assert 0 < inside < total


def test_real_is_found_by_the_environment(
    real_atl06: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`real` alone takes the folder atl06 of TRACKBENCH_REAL_DATA."""
    monkeypatch.setenv("TRACKBENCH_REAL_DATA", str(real_atl06[0].parents[1]))

    assert load_case("real", cache_dir=tmp_path).files == real_atl06


def test_granules_of_a_folder_give_rows_across_the_antimeridian_and_at_the_pole(tmp_path: Path) -> None:
    """The box of a granule that crosses 180 degrees is narrow; one without segments is left out."""
    specs = (
        GranuleSpec(17, 8, 4, segments=6000, around=(180.0, 84.5)),
        GranuleSpec(17, 9, 4, segments=6000),
        GranuleSpec(17, 10, 4, segments=60, edges=EdgeCases(empty=True)),
    )
    paths = tuple(tmp_path / str(spec.name) for spec in specs)
    for spec, path in zip(specs, paths, strict=True):
        write_granule(spec, path)
    region = middle_region(paths)

    counts = [rows_inside(path, f"real:{tmp_path}", tmp_path) for path in paths]
    assert 0 < counts[0][0] < counts[0][1]
    assert 0 < counts[1][0] < counts[1][1]
    assert counts[2] == (0, 0)
    assert not region.covers([0.0], [84.5])[0]
    with pytest.raises(InputError, match="None of the granules"):
        middle_region(paths[2:])


def test_a_folder_without_granules_is_refused(tmp_path: Path) -> None:
    """The error says what a granule is called."""
    (tmp_path / "notes.h5").write_bytes(b"")
    with pytest.raises(InputError, match="ATL06_yyyymmdd"):
        load_case(f"real:{tmp_path}", cache_dir=tmp_path)
