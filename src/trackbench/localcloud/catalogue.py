"""The catalogue: granules and collections as records of the Unified Metadata Model.

The fields are those of UMM-G 1.6.5 and UMM-C 1.17 that clients of ICESat-2 data read.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import shapely

from trackbench.localcloud.object_store import REGION
from trackbench.localcloud.objects import BUCKET, object_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely.geometry.base import BaseGeometry

    from trackbench.granules import GranuleName
    from trackbench.localcloud.footprint import Footprint
    from trackbench.localcloud.learning import Learned

PROVIDER: Final = "NSIDC_CPRD"
_DMRPP: Final = ".dmrpp"
_EPOCH: Final = datetime(2018, 1, 1, tzinfo=UTC)
_RECORDED: Final = "2023-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class CatalogueGranule:
    """A granule that can be found.

    Attributes
    ----------
    name
        What its name says.
    file_name
        Name of the file: the granule UR and the producer's granule id.
    concept_id, collection_id
        Identifiers of the granule and of its collection.
    start, end
        First and last time (UTC).
    area
        Footprint in degrees, cut at the antimeridian; empty if unknown.
    record
        The whole UMM-G item.
    """

    name: GranuleName
    file_name: str
    concept_id: str
    collection_id: str
    start: datetime
    end: datetime
    area: BaseGeometry
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogueCollection:
    """A product in one release."""

    short_name: str
    version: str
    concept_id: str
    record: dict[str, Any]


def catalogue_granules(files: Iterable[Learned], data_host: str) -> list[CatalogueGranule]:
    """Return the granules among `files`, ordered by start and name.

    The DMR++ of a granule is named in its record where it is among them too.
    """
    served = list(files)
    names = {known.path.name for known in served}
    found = [_granule(known, known.granule, data_host, names) for known in served if known.granule is not None]
    return sorted(found, key=lambda granule: (granule.start, granule.file_name))


def catalogue_collections(granules: Sequence[CatalogueGranule], data_host: str) -> list[CatalogueCollection]:
    """Return one collection for each product and release among `granules`."""
    counts: dict[tuple[str, int], int] = {}
    for granule in granules:
        key = (granule.name.product, granule.name.release)
        counts[key] = counts.get(key, 0) + 1
    return [_collection(*key, count, data_host) for key, count in sorted(counts.items())]


def collection_id(product: str, release: int) -> str:
    """Return the concept id of a collection: invented, but always the same."""
    return f"C9{int(product[3:]):02d}{release:06d}-{PROVIDER}"


def _granule(known: Learned, name: GranuleName, data_host: str, names: set[str]) -> CatalogueGranule:
    file_name = known.path.name
    number = int(hashlib.sha256(file_name.encode()).hexdigest()[:8], 16)
    concept_id = f"G9{number:010d}-{PROVIDER}"
    footprint = known.footprint
    start, end = _times(name, footprint)
    area = shapely.Polygon() if footprint is None else shapely.from_wkt(footprint.area)
    collection = collection_id(name.product, name.release)
    meta = {
        "concept-type": "granule",
        "concept-id": concept_id,
        "collection-concept-id": collection,
        "revision-id": 1,
        "native-id": file_name,
        "provider-id": PROVIDER,
        "format": "application/vnd.nasa.cmr.umm+json",
        "revision-date": _RECORDED,
    }
    key = object_key(file_name)
    umm = {
        "GranuleUR": file_name,
        "CollectionReference": {"ShortName": name.product, "Version": f"{name.release:03d}"},
        "TemporalExtent": {
            "RangeDateTime": {"BeginningDateTime": _milliseconds(start), "EndingDateTime": _milliseconds(end)}
        },
        "SpatialExtent": {"HorizontalSpatialDomain": _spatial(name, area)},
        "OrbitCalculatedSpatialDomains": [_orbit(name, footprint)],
        "DataGranule": {
            "DayNightFlag": "Unspecified",
            "ProductionDateTime": _RECORDED,
            "Identifiers": [{"Identifier": file_name, "IdentifierType": "ProducerGranuleId"}],
            "ArchiveAndDistributionInformation": [
                {
                    "Name": file_name,
                    "SizeInBytes": known.size,
                    "Size": known.size / 2**20,
                    "SizeUnit": "MB",
                    "Checksum": {"Value": known.md5, "Algorithm": "MD5"},
                }
            ],
        },
        "RelatedUrls": [
            {"URL": f"{data_host}/{BUCKET}/{key}", "Type": "GET DATA", "MimeType": "application/x-hdf5"},
            {
                "URL": f"s3://{BUCKET}/{key}",
                "Type": "GET DATA VIA DIRECT ACCESS",
                "MimeType": "application/x-hdf5",
            },
            *(_dmrpp_urls(key, data_host) if f"{file_name}{_DMRPP}" in names else ()),
            {"URL": f"{data_host}/s3credentials", "Type": "VIEW RELATED INFORMATION"},
        ],
        "MetadataSpecification": {
            "URL": "https://cdn.earthdata.nasa.gov/umm/granule/v1.6.5",
            "Name": "UMM-G",
            "Version": "1.6.5",
        },
    }
    return CatalogueGranule(name, file_name, concept_id, collection, start, end, area, {"meta": meta, "umm": umm})


def _dmrpp_urls(key: str, data_host: str) -> list[dict[str, str]]:
    """Return the addresses of a DMR++ by the type that UMM-G has for them since version 1.6.3."""
    addresses = (f"{data_host}/{BUCKET}/{key}{_DMRPP}", f"s3://{BUCKET}/{key}{_DMRPP}")
    return [{"URL": address, "Type": "EXTENDED METADATA", "Subtype": "DMR++"} for address in addresses]


def _times(name: GranuleName, footprint: Footprint | None) -> tuple[datetime, datetime]:
    if footprint is None or math.isnan(footprint.start):
        return name.start, name.start
    # To whole milliseconds, as CMR keeps them, and outwards, so that no point is left out.
    start = math.floor(footprint.start * 1000)
    end = math.ceil(footprint.end * 1000)
    return _EPOCH + timedelta(milliseconds=start), _EPOCH + timedelta(milliseconds=end)


def _spatial(name: GranuleName, area: BaseGeometry) -> dict[str, Any]:
    track = {"Track": {"Cycle": name.cycle, "Passes": [{"Pass": name.rgt}]}}
    polygons = [part for part in shapely.get_parts(area) if not part.is_empty]
    if not polygons:
        return track
    rings = [shapely.get_coordinates(shapely.orient_polygons(part).exterior) for part in polygons]
    points = [[{"Longitude": float(x), "Latitude": float(y)} for x, y in ring] for ring in rings]
    return {"Geometry": {"GPolygons": [{"Boundary": {"Points": ring}} for ring in points]}, **track}


def _orbit(name: GranuleName, footprint: Footprint | None) -> dict[str, Any]:
    # Orbit numbers count from launch: cycle 1 began 201 orbits after it (checked against orbit_info of granules).
    orbit: dict[str, Any] = {"OrbitNumber": 1387 * (name.cycle - 1) + name.rgt + 201}
    if footprint is None:
        return orbit
    if footprint.orbit is not None:
        orbit["OrbitNumber"] = footprint.orbit
    if footprint.crossing_longitude is not None:
        orbit["EquatorCrossingLongitude"] = footprint.crossing_longitude
    if footprint.crossing_time is not None:
        orbit["EquatorCrossingDateTime"] = _milliseconds(_EPOCH + timedelta(seconds=footprint.crossing_time))
    return orbit


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _collection(product: str, release: int, count: int, data_host: str) -> CatalogueCollection:
    version = f"{release:03d}"
    concept_id = collection_id(product, release)
    prefix = f"s3://{BUCKET}/ATLAS/{product}/{version}"
    meta = {
        "concept-type": "collection",
        "concept-id": concept_id,
        "native-id": f"{product}_{version}",
        "provider-id": PROVIDER,
        "revision-id": 1,
        "revision-date": _RECORDED,
        "format": "application/vnd.nasa.cmr.umm+json",
        "granule-count": count,
        "has-granules": True,
        "s3-links": [prefix],
    }
    umm = {
        "ShortName": product,
        "Version": version,
        "EntryTitle": f"ATLAS/ICESat-2 L3A {product} V{version} (served by a local cloud)",
        "Abstract": "Granules on this machine, described as the Common Metadata Repository would.",
        "CollectionProgress": "ACTIVE",
        "DirectDistributionInformation": {
            "Region": REGION,
            "S3BucketAndObjectPrefixNames": [prefix],
            "S3CredentialsAPIEndpoint": f"{data_host}/s3credentials",
            "S3CredentialsAPIDocumentationURL": f"{data_host}/s3credentialsREADME",
        },
        "RelatedUrls": [],
        "Platforms": [{"ShortName": "ICESat-2", "Instruments": [{"ShortName": "ATLAS"}]}],
    }
    return CatalogueCollection(product, version, concept_id, {"meta": meta, "umm": umm})
