"""What the attributes and single values of a granule say of it: names, times, extent, orientation, versions."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trackbench.granulegen.orbit import TRACKS, TURN_SECONDS, node_time, reference_track, region_angles, to_degrees
from trackbench.granulegen.spec import BEAMS, EPOCH, GranuleSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackbench.granulegen.track import Beam

GPS_EPOCH_OFFSET: Final = 1198800018.0
"""Seconds from the GPS epoch (1980-01-06) to the epoch of delta_time."""
_WEEK: Final = 604_800
_HDF5: Final = {3: "HDF5 1.10.3", 7: "HDF5 1.14.4"}
_FORMAT: Final = {3: "4.3", 4: "4.4", 5: "4.5", 6: "5.0", 7: "5.1"}

# Settings of the land-ice algorithm, as released granules hold them.
_SETTINGS: Final[dict[str, float]] = {
    "dt_hist": 2.5e-11, "fit_maxiter": 25, "fpb_maxiter": 20, "max_res_ids": 10, "maxiter": 50, "min_dist": 17,
    "min_gain_th": 0, "min_n_pe": 10, "min_n_sel": 10, "min_signal_conf": 2, "n_hist": 5000, "n_sigmas": 6,
    "nhist_bins": 1000, "proc_interval": 10_000, "qs_lim_bsc": 3, "qs_lim_hrs": 1, "qs_lim_hsigma": 1,
    "qs_lim_msw": 3, "qs_lim_snr": 0.002, "qs_lim_sss": 1, "rbin_width": 0.01, "sigma_beam": 4.25,
    "sigma_tx": 6.8e-10, "t_dead": 3.2e-9, "txp_maxiter": 50,
}  # fmt: skip


def is_forward(cycle: int) -> bool:
    """Whether the spacecraft flies with its weak beams ahead: it turned round about every three cycles."""
    return (cycle + 1) // 3 % 2 == 0


def is_strong(beam: str, cycle: int) -> bool:
    """Whether a beam is a strong one; which of a pair it is depends on the orientation of the spacecraft."""
    return beam.endswith("r") == is_forward(cycle)


def beam_facts(beam: str, cycle: int) -> dict[str, Any]:
    """Return what the attributes of a beam's group say, by the names that the layout uses."""
    forward = is_forward(cycle)
    spot = 6 - BEAMS.index(beam) if forward else 1 + BEAMS.index(beam)
    pair = (spot + 1) // 2
    return {
        "atlas_pce": f"pce{pair}",
        "atlas_beam_type": "strong" if is_strong(beam, cycle) else "weak",
        "groundtrack_id": beam,
        "atmosphere_profile": f"profile_{4 - pair}",
        "atlas_spot_number": str(spot),
        "sc_orientation": "Forward" if forward else "Backward",
    }


def granule_facts(spec: GranuleSpec, beams: Mapping[str, Beam]) -> dict[str, Any]:
    """Return what the other attributes and single values say, by the names that the layout uses."""
    name = str(spec.name)
    end = region_angles(spec.region)[1]
    node = node_time(spec.rgt, spec.cycle)
    stop = EPOCH + timedelta(seconds=int(node + end / (2 * np.pi) * TURN_SECONDS))
    first = min(float(beam.delta_time[0]) for beam in beams.values())
    last = max(float(beam.delta_time[-1]) for beam in beams.values())
    numbers = [beam.segment_id for beam in beams.values()]
    longitude = np.concatenate([beam.longitude[::50] for beam in beams.values()])
    latitude = np.concatenate([beam.latitude[::50] for beam in beams.values()])
    node_longitude = to_degrees(reference_track(np.zeros(1)), spec.rgt)[0][0]
    release = f"{spec.release:03d}"
    count = {key: np.int32(value) for key, value in (
        ("cycle", spec.cycle), ("rgt", spec.rgt), ("region", spec.region),
        ("orbit", (spec.cycle - 1) * TRACKS + spec.rgt + 201),
    )}  # fmt: skip
    stamp = _utc(stop + timedelta(days=60))
    unique = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return {
        **{f"{edge}_{key}": value for key, value in count.items() for edge in ("start", "end")},
        "start_geoseg": np.int32(min(number[0] for number in numbers)),
        "end_geoseg": np.int32(max(number[-1] for number in numbers)),
        "start_delta_time": first,
        "end_delta_time": last,
        "start_gpsweek": np.int32((first + GPS_EPOCH_OFFSET) // _WEEK),
        "end_gpsweek": np.int32((last + GPS_EPOCH_OFFSET) // _WEEK),
        "start_gpssow": (first + GPS_EPOCH_OFFSET) % _WEEK,
        "end_gpssow": (last + GPS_EPOCH_OFFSET) % _WEEK,
        "granule_start_utc": _utc(spec.start),
        "granule_end_utc": _utc(stop),
        "data_start_utc": _utc(EPOCH + timedelta(seconds=first)),
        "data_end_utc": _utc(EPOCH + timedelta(seconds=last)),
        "duration": float((stop - spec.start).total_seconds()),
        "south": float(latitude.min()),
        "north": float(latitude.max()),
        "west": float(longitude.min()),
        "east": float(longitude.max()),
        "bounding_polygon_lat1": _ring(latitude)[1],
        "bounding_polygon_lon1": _ring(longitude)[0],
        "crossing_time": node,
        "sc_orient_time": node_time(1, spec.cycle),
        "sc_orient": int(is_forward(spec.cycle)),
        "lan": float(node_longitude),
        "rgt": spec.rgt,
        "cycle_number": spec.cycle,
        "orbit_number": int(count["orbit"]),
        "release": release,
        "version": f"{spec.revision:02d}",
        "control": f"cf_name=CTL_synthetic.ctl trackbench\nOUT_ATL06={name}\n".ljust(100_000),
        "control_name": "CTL_synthetic.ctl",
        "atlas_sdp_gps_epoch": GPS_EPOCH_OFFSET,
        "qa_at_interval": 0.0,
        "qa_granule_fail_reason": 0,
        "qa_granule_pass_fail": 0,
        **_SETTINGS,
        "created": stamp,
        "history": f"{stamp};{unique};Synthetic granule written by trackbench",
        "uuid": unique,
        "lineage_uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#lineage")),
        "file_name": name,
        "qa_name": name.removesuffix(".h5") + ".qa",
        "atl03_name": name.replace("ATL06", "ATL03"),
        "atl09_name": name.replace("ATL06", "ATL09"),
        "doi": f"doi:10.5067/ATLAS/ATL06.{release}",
        "format_version": _FORMAT[spec.release],
        "software_version": f"Version {_FORMAT[spec.release]}",
        "hdf_version": _HDF5.get(spec.release, "HDF5 1.10.7"),
        "about": (
            f"Synthetic granule in the layout of ATL06 release {release}: made-up land-ice heights along a"
            " modelled ground track, for tests and benchmarks. Not an ICESat-2 measurement."
        ),
        "citation": f"Synthetic granule {name}, written by trackbench. No data of NASA: do not cite as such.",
        "license": "Synthetic data written by trackbench: free to use, with no warranty.",
    }


def _utc(moment: datetime) -> str:
    """Write a time as granules do: 27 characters."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _ring(values: np.ndarray[Any, Any]) -> tuple[list[float], list[float]]:
    """Eleven corners of the box around the data, as longitudes and as latitudes."""
    low, high = float(values.min()), float(values.max())
    steps = np.linspace(low, high, 5).tolist()
    along = [*steps, *reversed(steps), steps[0]]
    across = [low] * 5 + [high] * 5 + [low]
    return across, along
