"""The way of a first tutorial, slow with a whole granule, gets the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support_virtualizarr import REQUEST, rows_of, write_granule

from trackbench.backends.virtualizarr import VirtualiZarr
from trackbench.bench.reference import reference_rows
from trackbench.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path


def test_naive_rows_are_right(tmp_path: Path) -> None:
    """A small granule, read whole as a tree, gives the rows of the reference."""
    path = write_granule(tmp_path)

    assert rows_of("naive", path).equals(reference_rows([path], REQUEST))


def test_naive_is_not_measured_unless_named() -> None:
    """It would take minutes of every run."""
    assert [name for name, each in VirtualiZarr.variants.items() if not each.default] == ["naive"]


def test_earthaccess_takes_no_named_granules(tmp_path: Path) -> None:
    """It wants what its own search found, and the refusal names a variant that does not."""
    with pytest.raises(UnsupportedError, match="virtualizarr:hdf"):
        rows_of("earthaccess", write_granule(tmp_path))


def test_unknown_variant_is_refused() -> None:
    """The variants that there are get named."""
    with pytest.raises(InputError, match="dmrpp, hdf"):
        VirtualiZarr("zarr")
