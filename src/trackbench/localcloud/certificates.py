"""Certificates of the local cloud: an authority of its own, new at each start."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def make_certificates(names: Iterable[str], authority_file: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for `names` (hosts and addresses).

    The authority's certificate goes to `authority_file`, for clients to trust; its key stays in memory.
    """
    authority = trustme.CA(organization_name="trackbench local cloud")
    authority.cert_pem.write_to_path(str(authority_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
