"""Arrow arrays over numpy's memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from trackbench.arrow import array_of, nulls_of, strings_of, values_of


def test_values_and_nulls_come_back() -> None:
    """What went into an array comes out of it, from a slice and from chunks too."""
    values = np.arange(20, dtype=np.int16)
    missing = values % 3 == 0
    array = array_of(values, missing=missing)
    assert array.null_count == missing.sum()
    chunked = pa.chunked_array([array.slice(5, 7), array.slice(12, 8)])
    assert np.array_equal(nulls_of(chunked), missing[5:])
    assert np.array_equal(values_of(chunked)[~missing[5:]], values[5:][~missing[5:]])


def test_an_array_equals_the_one_that_arrow_makes() -> None:
    """Types, values and nulls are those of pyarrow's own constructor."""
    values = np.array([1.5, np.nan, 3e38], dtype=np.float32)
    missing = np.array([False, False, True])
    assert array_of(values, missing=missing).equals(pa.array(values, mask=missing)) is False  # NaN is not NaN
    assert array_of(values[[0, 2]], missing=missing[[0, 2]]).equals(pa.array(values[[0, 2]], mask=missing[[0, 2]]))
    moments = np.array([0, 1_539_475_200_000_000_001])
    stamps = pa.timestamp("ns", tz="UTC")
    assert array_of(moments, stamps).equals(pa.array(moments).view(stamps))


@pytest.mark.parametrize("words", [(), ("",), ("gt1l", "", "é")])
def test_strings(words: tuple[str, ...]) -> None:
    """Strings of any length, beyond ASCII too, make the array that pyarrow makes."""
    assert strings_of(words).equals(pa.array(words, pa.string()))


def test_empty_columns_have_their_type() -> None:
    """A column without chunks still has values of its type, and no nulls."""
    empty = pa.chunked_array([], type=pa.float32())
    assert values_of(empty).dtype == np.float32
    assert nulls_of(empty).shape == (0,)


def test_a_subset_is_written_without_pandas(tmp_path: object) -> None:
    """Making rows and writing them imports neither pandas nor geopandas: both take seconds of a cold start."""
    program = f"""
import sys
import numpy as np
from trackbench.geoparquet import write_geoparquet
from trackbench.granules import GranuleName
from trackbench.region import Region
from trackbench.request import SubsetRequest
from trackbench.table import canonical_batch
request = SubsetRequest.build("ATL06", Region.from_bbox(0, 0, 1, 1))
name = GranuleName.parse("ATL06_20181014001049_02350102_003_01.h5")
values = {{"h_li": np.ones(2, "f4"), "h_li_sigma": np.ones(2, "f4"), "atl06_quality_summary": np.zeros(2, "i1")}}
half = np.full(2, 0.5)
batch = canonical_batch(
    request, name, "gt1l", latitude=half, longitude=half, delta_time=np.arange(2.0), values=values
)
write_geoparquet([batch], {str(tmp_path)!r} + "/out.parquet", request=request)
print(sorted({{"pandas", "geopandas", "pyarrow.dataset"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
