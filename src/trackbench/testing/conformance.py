"""The promises of a backend, one test method for each."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import pytest

from trackbench.backends.protocol import Backend, Variant
from trackbench.backends.registry import Choice, load
from trackbench.geoparquet import read_metadata
from trackbench.localcloud import Fault
from trackbench.table import schema, sort_rows
from trackbench.testing.kit_granules import SPECS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from trackbench.granules import GranuleName
    from trackbench.testing.asking import Answer, Conformance

_REFUSED: Final = ("unavailable", "failed")


class BackendConformance:
    """Inherit this in a class whose name begins with ``Test``, and set `choice`.

    The class attributes below say what is particular about a backend. They never loosen what a right answer is,
    but for `bitwise`.
    """

    choice: ClassVar[str]
    """The backend and its variant, such as ``baseline:slice``."""

    profile: ClassVar[str] = "loopback"
    """The network profile to run under; ``in-region`` for a backend that only reads S3 directly."""

    bitwise: ClassVar[bool] = True
    """Whether every value is equal bit for bit. A service that computes its values may only be equivalent."""

    prepares: ClassVar[bool] = False
    """Whether the backend builds an artifact, which is then done before each question."""

    takes_granules: ClassVar[bool] = True
    """Whether the user can name the granules; not so where a server finds them."""

    reads_granules: ClassVar[bool] = True
    """Whether the client itself reads the granules, and so notices one that is damaged."""

    deadline: ClassVar[float] = 120.0
    """Seconds that one answer may take, retries of a client included."""

    not_yet: ClassVar[Mapping[str, str]] = types.MappingProxyType({})
    """Promises that are not kept yet: name of the test, and why. They must fail; once kept, remove them here."""

    def __init_subclass__(cls) -> None:
        """Mark what is not kept yet."""
        for name, reason in cls.not_yet.items():
            method = getattr(cls, name, None)
            if not name.startswith("test_") or not isinstance(method, types.FunctionType):
                raise TypeError(f"{cls.__name__}.not_yet names {name!r}, which is no test of the conformance kit.")
            copy = types.FunctionType(
                method.__code__, method.__globals__, name, method.__defaults__, method.__closure__
            )
            copy.__dict__.update(method.__dict__)
            copy.__doc__ = method.__doc__
            expected = (AssertionError, pytest.fail.Exception)
            setattr(cls, name, pytest.mark.xfail(raises=expected, strict=True, reason=reason)(copy))

    # What it is

    def test_keeps_the_protocol(self) -> None:
        """The entry point leads to a class with a name, variants with a description, and both methods."""
        name, variant = self.choice.split(":", 1)
        backend = load(name)

        assert variant in backend.variants
        assert all(isinstance(each, Variant) and each.description for each in backend.variants.values())
        made = backend(variant)
        assert isinstance(made, Backend)
        assert made.variant == variant

    def test_prepares_what_it_says(self, conformance: Conformance) -> None:
        """`prepare` builds an artifact whose size and build time are told, or needs none."""
        artifact = conformance.prepare(conformance.world.scenarios["box"])

        assert (artifact is not None) == self.prepares
        if artifact is not None:
            assert artifact["bytes_stored"] > 0
            assert artifact["build_seconds"] > 0

    # Which rows

    def test_box(self, conformance: Conformance) -> None:
        """Points on the edge of the region belong to it; of two releases of the same data the newest counts."""
        rows = self._check(conformance, "box")

        region = conformance.world.scenarios["box"].request.region
        assert {region.bounds[1], region.bounds[3]} <= set(rows["latitude"].to_pylist())

    def test_hole(self, conformance: Conformance) -> None:
        """Points in a hole of the region are left out."""
        self._check(conformance, "hole")

    def test_several_polygons(self, conformance: Conformance) -> None:
        """Each polygon of a region counts, and one without any data does no harm."""
        self._check(conformance, "several-polygons")

    def test_region_crossed_twice(self, conformance: Conformance) -> None:
        """A track that leaves the region and enters it again keeps both stretches, and nothing between them."""
        self._check(conformance, "crossed-twice")

    def test_time_range_cuts_a_granule(self, conformance: Conformance) -> None:
        """The first and the last nanosecond of the time range belong to it, within a granule too."""
        rows = self._check(conformance, "time-range")

        request = conformance.world.scenarios["time-range"].request
        times = np.asarray(rows["time"].to_numpy(), dtype="datetime64[ns]")
        assert {request.start, request.end} <= set(times)

    def test_antimeridian(self, conformance: Conformance) -> None:
        """A region that crosses the antimeridian holds the points on both of its sides."""
        longitude = np.asarray(self._check(conformance, "antimeridian")["longitude"])

        assert set(np.sign(longitude)) == {-1.0, 1.0}

    def test_pole(self, conformance: Conformance) -> None:
        """A region with a pole inside holds the points around it."""
        self._check(conformance, "pole")

    def test_missing_and_hollow_beams(self, conformance: Conformance) -> None:
        """Beams that are absent, hold only a histogram or have no segment do no harm; the others are read."""
        rows = self._check(conformance, "every-oddity")

        assert {"gt1r", "gt2l", "gt3l"} == set(_of(rows, "missing-and-hollow")["track_id"].to_pylist())
        assert all(_of(rows, word).num_rows == 0 for word in ("no-beams", "all-hollow", "no-segments"))

    def test_odd_coordinates(self, conformance: Conformance) -> None:
        """A point with NaN or out-of-range coordinates is in no region."""
        rows = _of(self._check(conformance, "every-oddity"), "odd-values")

        assert rows.num_rows > 0
        assert not np.isnan(rows["latitude"].to_numpy()).any()

    def test_fill_values(self, conformance: Conformance) -> None:
        """A row without a height stays, with null in place of the fill value."""
        rows = _of(self._check(conformance, "every-oddity"), "odd-values")

        assert 0 < rows["h_li"].null_count < rows.num_rows

    def test_cycles_and_releases(self, conformance: Conformance) -> None:
        """Each cycle's granule counts once, in whatever release and file layout it is the newest."""
        rows = self._check(conformance, "every-oddity")

        assert {8, 9} == set(rows["cycle"].to_pylist())

    def test_release_asked_for(self, conformance: Conformance) -> None:
        """A release that is asked for is read instead of the newest."""
        rows = self._check(conformance, "older-release")

        assert not rows.equals(conformance.world.reference(conformance.world.scenarios["box"]))

    def test_further_variables(self, conformance: Conformance) -> None:
        """Variables that are asked for come with their values and types, fill values as null."""
        rows = self._check(conformance, "variables")

        request = conformance.world.scenarios["variables"].request
        assert {each.column for each in request.variables} <= set(rows.column_names)

    def test_granules_asked_for(self, conformance: Conformance) -> None:
        """When granules are named exactly those are read, be there a newer release or not."""
        if not self.takes_granules:
            pytest.skip(f"{self.choice} finds granules at a server and takes none by name")

        self._check(conformance, "given")

    # Nothing there

    @pytest.mark.parametrize("name", ["no-track", "before-any", "between-tracks"])
    def test_no_rows(self, conformance: Conformance, name: str) -> None:
        """A question whose answer is nothing gets all columns and no row, whether or not a granule is near."""
        assert self._check(conformance, name).num_rows == 0

    # What is written

    def test_columns_and_order(self, conformance: Conformance) -> None:
        """The columns are those of the request in their order, the rows sorted by cycle, RGT, track and time."""
        table = conformance.ask("every-oddity").table
        request = conformance.world.scenarios["every-oddity"].request

        assert table.schema.remove_metadata().equals(schema(request.product, request.variables))
        assert table.equals(sort_rows(table))

    def test_granules_are_cited(self, conformance: Conformance) -> None:
        """The file names the granules that its rows came from."""
        answer = conformance.ask("box")

        assert answer.status == "ok", answer.reason
        named = {each["name"] for each in read_metadata(answer.outputs[0])["granules"]}
        assert str(SPECS["ascending"].name) in named
        assert str(SPECS["older-release"].name) not in named

    def test_same_bytes_twice(self, conformance: Conformance) -> None:
        """The same question gets the same bytes, in one process and in another, and nothing else is written."""
        twice = conformance.run_twice()
        other = conformance.ask("box")

        assert (twice.status, other.status) == ("ok", "ok"), twice.reason or other.reason
        assert len({path.read_bytes() for path in (*twice.outputs, *other.outputs)}) == 1
        # Nothing else was written but the cache and the scratch folder.
        assert twice.left == ()

    def test_tells_progress_and_phases(self, conformance: Conformance) -> None:
        """Each granule done is told, and finding, reading and filtering take no longer than the whole."""
        answer = conformance.run_twice()

        assert answer.status == "ok", answer.reason
        assert answer.progress
        assert max(done for done, _ in answer.progress) == max(total for _, total in answer.progress)
        for subset in answer.subsets:
            work = sum(subset.phases[phase] for phase in ("discover", "metadata", "coordinates", "read", "filter"))
            assert 0 < work <= sum(subset.phases.values()) <= 1.05 * subset.seconds

    # What goes wrong

    def test_damaged_granule(self, conformance: Conformance) -> None:
        """A granule that cannot be decoded ends the run, is named, and no output is left."""
        if not self.reads_granules:
            pytest.skip(f"{self.choice} leaves reading to a server")

        _refused(conformance.ask("damaged"), naming=SPECS["damaged"].name)

    def test_transfer_that_breaks_off(self, conformance: Conformance) -> None:
        """Answers that end in the middle never become fewer rows.

        Either the client tries again and all rows are right, or the granule is named and no output is left.
        """
        if not self.reads_granules:
            pytest.skip(f"{self.choice} leaves reading to a server")
        name = SPECS["ascending"].name

        scenario = conformance.world.scenarios["box"]

        answer = conformance.run(scenario, faults=[Fault("truncation", match=name.stem)])

        if answer.status == "ok":
            assert answer.table.equals(conformance.world.reference(scenario))
        else:
            _refused(answer, naming=name)

    def test_unreachable_servers(self, conformance: Conformance) -> None:
        """Where nothing listens the run ends by itself, with a reason and no output."""
        _refused(conformance.run(conformance.world.scenarios["unreachable"]))

    # Files on this machine

    def test_local_files(self, conformance: Conformance) -> None:
        """Granules given by path are read without any server."""
        self._skip_without_local_files()

        self._check(conformance, "local")

    def test_local_file_cut_short(self, conformance: Conformance) -> None:
        """A file that was cut short ends the run, is named, and no output is left."""
        self._skip_without_local_files()

        _refused(conformance.ask("cut-short"), naming=SPECS["ascending"].name)

    def _skip_without_local_files(self) -> None:
        if not load(Choice(*self.choice.split(":", 1)).backend).reads_local_files:
            pytest.skip(f"{self.choice} says that it cannot read local files")

    def _check(self, conformance: Conformance, name: str) -> pa.Table:
        return conformance.check(name, bitwise=self.bitwise)


def _of(rows: pa.Table, word: str) -> pa.Table:
    """Return the rows of one granule of the kit."""
    name: GranuleName = SPECS[word].name
    return rows.filter((np.asarray(rows["rgt"]) == name.rgt) & (np.asarray(rows["cycle"]) == name.cycle))


def _refused(answer: Answer, *, naming: GranuleName | None = None) -> None:
    assert answer.status in _REFUSED, f"{answer.status}: {answer.reason}"
    assert answer.reason
    assert naming is None or naming.stem in answer.reason
    assert answer.outputs == ()
    assert answer.left == ()
