"""References in an Icechunk repository: one for all granules, a Zarr group for each granule and ground track.

A process forked after icechunk was imported waits for ever for threads that it lacks: no process that others are
forked from imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import icechunk
import zarr
from icechunk.credentials import HttpAccess, LocalFileSystemAccess

from trackbench.access import REGION, fresh_key
from trackbench.backends.virtualizarr import hdf
from trackbench.backends.virtualizarr.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from icechunk.credentials import AnyCredential

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.cases import Entry
    from trackbench.backends.virtualizarr.hdf import MadeGroup
    from trackbench.backends.virtualizarr.places import Places
    from trackbench.request import SubsetRequest

type _Store = (
    icechunk.ObjectStoreConfig.S3
    | icechunk.ObjectStoreConfig.S3Compatible
    | icechunk.ObjectStoreConfig.Http
    | icechunk.ObjectStoreConfig.LocalFileSystem
)

_BRANCH: Final = "main"
_WHOLE: Final = 8 * 2**20  # no chunk of the product is larger


class Repository:
    """A repository to write references to; one commit at the end makes all of them visible."""

    def __init__(self, folder: Path, urls: Iterable[str]) -> None:
        # No credentials: what a repository is made with stays in it.
        config = _config({_prefix(url) for url in urls}, access=None)
        storage = icechunk.local_filesystem_storage(str(folder))
        self._repository = icechunk.Repository.open_or_create(storage, config)
        self._session = self._repository.writable_session(_BRANCH)

    def add(self, entry: Entry, made: Iterable[MadeGroup]) -> None:
        """Write the references of one granule."""
        for each in made:
            path = _path(entry, each.track, each.group)
            each.dataset.vz.to_icechunk(self._session.store, group=path, validate_containers=False)

    def commit(self, message: str) -> None:
        """Make all that was added visible."""
        self._session.commit(message, allow_empty=True)
        self._session = self._repository.writable_session(_BRANCH)


def names_in(folder: Path) -> set[str]:
    """Return the granules, by name without ending, of which a repository holds references."""
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder)))
    store = repository.readonly_session(_BRANCH).store
    return set(zarr.open_group(store, mode="r").group_keys())


def references(entry: Entry, folder: Path, access: Access, request: SubsetRequest) -> Places:
    """Find the arrays of one granule in the repository."""
    store = _open(folder, _prefix(entry.url), access)
    return {
        track: {
            path: Place(store, f"{_path(entry, track, group)}/{path.rpartition('/')[2]}")
            for group in hdf.groups_of(request)
            for path in hdf.paths_in(group, request)
        }
        for track in entry.tracks
    }


@lru_cache(maxsize=2)
def _open(folder: Path, prefix: str, access: Access) -> icechunk.IcechunkStore:
    # Once for a process, which reads many granules.
    repository = icechunk.Repository.open(
        icechunk.local_filesystem_storage(str(folder)),
        _config({prefix}, access),
        authorize_virtual_chunk_access={prefix: _credentials(prefix, access)},
    )
    return repository.readonly_session(_BRANCH).store


def _config(prefixes: set[str], access: Access | None) -> icechunk.RepositoryConfig:
    config = icechunk.RepositoryConfig.default()
    # A repository on a file system has requests of 4 KiB by default, also for the chunks that it refers to: of a
    # chunk of 60 KB it would make fifteen requests.
    settings = icechunk.StorageConcurrencySettings(ideal_concurrent_request_size=_WHOLE)
    config.storage = icechunk.StorageSettings(concurrency=settings)
    for prefix in prefixes:
        config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(prefix, _store(prefix, access)))
    return config


def _store(prefix: str, access: Access | None) -> _Store:
    scheme = urlsplit(prefix).scheme
    if scheme == "file":
        return icechunk.local_filesystem_store(unquote(urlsplit(prefix).path))
    if scheme == "s3":
        endpoint = None if access is None else access.s3_endpoint
        return icechunk.s3_store(
            region=REGION,
            endpoint_url=endpoint,
            allow_http=endpoint is not None,
            force_path_style=endpoint is not None,
        )
    token = None if access is None else access.token
    headers = {"authorization": f"Bearer {token}"} if token else None
    return icechunk.http_store({"allow_http": "true"} if scheme == "http" else None, headers)


def _credentials(prefix: str, access: Access) -> AnyCredential:
    scheme = urlsplit(prefix).scheme
    if scheme == "file":
        return LocalFileSystemAccess
    if scheme != "s3":
        return HttpAccess
    return icechunk.Credentials.S3(icechunk.s3_refreshable_credentials(_Keys(access)))


@dataclass(frozen=True, slots=True)
class _Keys:
    """Gives S3 credentials, those at hand as long as they live; Icechunk wants something that it can pickle."""

    access: Access

    def __call__(self) -> icechunk.S3StaticCredentials:
        key = fresh_key(self.access)
        return icechunk.S3StaticCredentials(key.access_key, key.secret_key, key.session_token, key.expires)


def _prefix(url: str) -> str:
    """Return what the addresses of one store have in common; Icechunk wants a folder where it is this machine."""
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0] if parts.scheme == "file" else ""
    return f"{parts.scheme}://{parts.netloc}{folder}/"


def _path(entry: Entry, track: str, group: str) -> str:
    return f"{entry.granule.name.stem}/{track}/{group}"
