"""Writes synthetic ATL06 granules that a reader cannot tell from released ones."""

from trackbench.granulegen.orbit import angle_at, node_time, reference_track, region_angles, to_degrees
from trackbench.granulegen.overpass import OUTAGES, Crossing, passes, tracks_crossing
from trackbench.granulegen.spec import BEAMS, EPOCH, EdgeCases, GranuleSpec
from trackbench.granulegen.writer import WRITER_VERSION, write_granule

__all__ = [
    "BEAMS",
    "EPOCH",
    "OUTAGES",
    "WRITER_VERSION",
    "Crossing",
    "EdgeCases",
    "GranuleSpec",
    "angle_at",
    "node_time",
    "passes",
    "reference_track",
    "region_angles",
    "to_degrees",
    "tracks_crossing",
    "write_granule",
]
