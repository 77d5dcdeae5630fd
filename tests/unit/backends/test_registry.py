"""Backends found by entry point: of packages that are written here, put on the path and really imported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from trackbench.backends import registry
from trackbench.backends.baseline import Baseline
from trackbench.backends.registry import Choice, choose, entry_points, load
from trackbench.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKEND = """
from trackbench.backends.protocol import Variant

class Mine:
    name = "mine"
    variants = {"quick": Variant("quick"), "careful": Variant("careful"), "naive": Variant("slow", default=False)}
    reads_local_files = True

    def __init__(self, variant):
        self.variant = variant

    def prepare(self, request, session):
        return None

    def subset(self, request, session):
        return iter(())
"""


class Install(Protocol):
    """Put a package on the path: its name, its entry point and the code of its one module."""

    def __call__(self, package: str, point: str, code: str) -> None:
        """Install it."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Yield what installs a package for the length of a test."""
    before = set(sys.modules)

    def write(package: str, point: str, code: str) -> None:
        place = tmp_path / package
        metadata = place / f"{package}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{point}\n")
        (place / f"{package}_module.py").write_text(code)
        monkeypatch.syspath_prepend(place)

    yield write
    for name in set(sys.modules) - before:
        if name.partition(".")[0].endswith("_module"):
            del sys.modules[name]


def test_the_projects_own_backend_is_found() -> None:
    """The baseline is a backend like any other."""
    assert load("baseline") is Baseline


def test_a_backend_of_another_package_is_found_and_loaded(install: Install) -> None:
    """What an installed package offers under its entry point can be used at once."""
    install("first", "mine = first_module:Mine", BACKEND)

    assert load("mine").name == "mine"
    assert {"baseline", "mine"} <= set(entry_points())


def test_listing_imports_nothing(install: Install) -> None:
    """A backend that cannot be imported does not keep others from being listed."""
    install("first", "mine = first_module:Mine", "raise SystemError")

    assert "mine" in entry_points()


def test_two_packages_of_one_backend_name_are_an_error(install: Install) -> None:
    """Which of two was measured must never be luck: both packages are named."""
    install("first", "mine = first_module:Mine", BACKEND)
    install("second", "mine = second_module:Mine", BACKEND)

    with pytest.raises(InputError, match=r"'mine': first \(first_module:Mine\) and second \(second_module:Mine\)"):
        load("baseline")


def test_an_unknown_backend_names_the_known_ones() -> None:
    """The error says what is installed."""
    with pytest.raises(InputError, match=r"No backend is called 'mine'\. Installed: .*baseline"):
        load("mine")


def test_a_missing_dependency_names_the_command_that_installs_it(install: Install) -> None:
    """The user reads what is missing and what to type."""
    install("first", "mine = first_module:Mine", "import no_such_client.core\n" + BACKEND)

    with pytest.raises(UnsupportedError, match=r"'no_such_client'.*uv pip install 'first'"):
        load("mine")


def test_a_missing_dependency_of_ours_names_the_extra(monkeypatch: pytest.MonkeyPatch, install: Install) -> None:
    """The project's own backends come with extras of their name."""
    install("first", "mine = first_module:Mine", "import no_such_client\n" + BACKEND)
    monkeypatch.setattr(registry, "_package", lambda _: "trackbench")

    with pytest.raises(UnsupportedError, match=r"uv pip install 'trackbench\[mine\]'"):
        load("mine")


def test_a_dependency_of_the_wrong_version_is_named(install: Install) -> None:
    """A package that is there but lacks what the backend needs is no crash."""
    install("first", "mine = first_module:Mine", "from json import no_such_function\n" + BACKEND)

    with pytest.raises(UnsupportedError, match=r"cannot be imported.*no_such_function"):
        load("mine")


@pytest.mark.parametrize(
    ("point", "code", "why"),
    [
        ("mine = first_modul:Mine", BACKEND, "no module 'first_modul'"),
        ("mine = first_module.deeper:Mine", BACKEND, "first_module"),
        ("mine = first_module:Yours", BACKEND, "has no attribute 'Yours'"),
        (
            "mine = first_module:Mine",
            "class Mine:\n    name = 'mine'",
            "it has no variants, reads_local_files, prep",
        ),
        ("yours = first_module:Mine", BACKEND, "calls itself 'mine', but its entry point says 'yours'"),
    ],
)
def test_what_is_no_backend_is_an_error(install: Install, point: str, code: str, why: str) -> None:
    """An entry point that leads nowhere, or to something else, is named with what is wrong."""
    install("first", point, code)

    with pytest.raises(InputError, match=why):
        load(point.split(" ", 1)[0])


def test_default_variants_are_chosen_unless_all_are_asked_for(install: Install) -> None:
    """Slow, naive variants are measured by name or with all."""
    install("first", "mine = first_module:Mine", BACKEND)

    assert choose(["mine"]) == (Choice("mine", "quick"), Choice("mine", "careful"))
    assert choose(["mine:naive"]) == (Choice("mine", "naive"),)
    assert choose(["mine"], all_variants=True)[-1] == Choice("mine", "naive")


def test_without_names_every_backend_is_chosen(install: Install) -> None:
    """Each installed backend takes part, in order of name."""
    install("first", "mine = first_module:Mine", BACKEND)

    names = [each.backend for each in choose([])]
    assert {"baseline", "mine"} <= set(names)
    assert names == sorted(names)


def test_in_an_overview_a_backend_is_stood_for(install: Install) -> None:
    """Without names only variants that stand for their backend are measured; by name all the usual ones."""
    overview = "\nMine.variants['careful'] = type(Mine.variants['careful'])('careful', overview=True)\n"
    install("first", "mine = first_module:Mine", BACKEND + overview)

    assert [each for each in choose([]) if each.backend == "mine"] == [Choice("mine", "careful")]
    assert choose(["mine"]) == (Choice("mine", "quick"), Choice("mine", "careful"))
    assert Choice("mine", "naive") in choose([], all_variants=True)


def test_each_choice_is_made_once(install: Install) -> None:
    """Naming a variant twice, or beside its backend, does not measure it twice."""
    install("first", "mine = first_module:Mine", BACKEND)

    assert choose(["mine:careful", "mine", "mine:careful"]) == (Choice("mine", "careful"), Choice("mine", "quick"))


def test_an_unknown_variant_names_the_known_ones(install: Install) -> None:
    """The error says which variants there are."""
    install("first", "mine = first_module:Mine", BACKEND)

    with pytest.raises(InputError, match=r"mine has no variant 'fast'\. It has: quick, careful, naive"):
        choose(["mine:fast"])


def test_a_backend_without_default_variants_is_not_silently_left_out(install: Install) -> None:
    """Named alone it is an error that says what to name; among all it takes no part."""
    install("first", "mine = first_module:Mine", BACKEND + "\nMine.variants = {'naive': Mine.variants['naive']}\n")

    with pytest.raises(InputError, match="mine has no default variant; name one of: naive"):
        choose(["mine"])
    assert choose(["mine:naive"]) == (Choice("mine", "naive"),)
    assert "mine" not in {each.backend for each in choose([])}


def test_a_backend_that_cannot_be_loaded_is_still_chosen(install: Install) -> None:
    """Its run then ends as unsupported, with the reason: what was left out of a measurement stays in sight."""
    install("first", "mine = first_module:Mine", "import no_such_client\n" + BACKEND)

    assert choose(["mine"]) == (Choice("mine", "default"),)
    assert Choice("mine", "default") in choose([])
