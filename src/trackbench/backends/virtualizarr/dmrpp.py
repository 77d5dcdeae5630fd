"""References out of the DMR++ that stands beside a granule, by VirtualiZarr's parser."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import obstore
from obstore.exceptions import NotFoundError
from virtualizarr.parsers.dmrpp import DMRParser

from trackbench.backends.virtualizarr.dmrpp_checks import refuse_what_is_misread
from trackbench.backends.virtualizarr.dmrpp_document import describe, names_in
from trackbench.backends.virtualizarr.places import Place
from trackbench.backends.virtualizarr.stores import registry_for
from trackbench.errors import FailedError, UnsupportedError

if TYPE_CHECKING:
    from obstore.store import ObjectStore
    from virtualizarr.manifests import ManifestStore

    from trackbench.access import Access
    from trackbench.backends.virtualizarr.dmrpp_document import Described
    from trackbench.backends.virtualizarr.places import Places
    from trackbench.request import SubsetRequest

SIDECAR = ".dmrpp"


async def references(url: str, access: Access, request: SubsetRequest) -> Places:
    """Fetch a granule's DMR++ and make the references of each ground track that holds rows.

    `virtualizarr.parsers.DMRPPParser` asks for the size of the document, fetches it and reads it anew for each
    group; its `DMRParser` reads one document as often as there are groups.

    Raises
    ------
    UnsupportedError
        If there is no DMR++ beside the granule, or it describes an array in a way that the parser misreads.
    FailedError
        If it is damaged, or lacks an array that is needed.
    """
    store, path = registry_for(url, access).resolve(url + SIDECAR)
    try:
        document = bytes(await (await obstore.get_async(store, path)).bytes_async())
    except (FileNotFoundError, NotFoundError) as error:
        raise UnsupportedError(
            f"There is no DMR++ at {url}{SIDECAR}. Read this granule with virtualizarr:hdf, which needs none."
        ) from error
    return parse(document, url, store, request)


def parse(document: bytes, url: str, store: ObjectStore, request: SubsetRequest) -> Places:
    """Make the references of each ground track out of a DMR++.

    Parameters
    ----------
    document
        The DMR++, hierarchical or flattened.
    url
        Address of the granule, which the references hold.
    store
        The store with the granule.
    request
        What is asked; other variables are passed over.

    Raises
    ------
    UnsupportedError, FailedError
        As in `references`.
    """
    root = _root(document, url)
    described = describe(root, request)
    for variable in described:
        refuse_what_is_misread(variable)
    places: dict[str, dict[str, Place]] = {}
    for group in dict.fromkeys(variable.group for variable in described):
        inside = [variable for variable in described if variable.group == group]
        made = _parse_group(root, url, store, group, inside)
        for variable in inside:
            places.setdefault(variable.track, {})[variable.path] = Place(made, variable.name)
    return places


def _root(document: bytes, url: str) -> ET.Element:
    # A document type could name files of this machine; no DMR++ has one.
    if b"<!DOCTYPE" in document:
        raise FailedError(f"{url}{SIDECAR} declares a document type, which no DMR++ does: it is not read.")
    try:
        return ET.fromstring(document)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise FailedError(f"{url}{SIDECAR} is not whole: {error}. Fetch it again.") from error


def _parse_group(
    root: ET.Element, url: str, store: ObjectStore, group: str, inside: list[Described]
) -> ManifestStore:
    needed = {variable.name for variable in inside}
    parser = DMRParser(root, url, skip_variables=names_in(root, group) - needed)
    with warnings.catch_warnings():
        # The parser warns of what it leaves out; of an array that is needed that is the end.
        warnings.filterwarnings("error", message="This DMRpp contains the variable")
        warnings.filterwarnings("ignore", message="This DMRpp contains a nested attribute")
        try:
            return parser.parse_dataset(store, group or None)
        except UserWarning as warning:
            raise UnsupportedError(f"VirtualiZarr cannot read {url}{SIDECAR}: {warning}") from warning
