"""A cloud on this machine that stands in for the Earthdata cloud, with a network model and a ledger.

Real, unmodified clients run against it: it speaks what the object store, the data host, the content delivery
network, Earthdata Login, the Common Metadata Repository and the instance metadata service speak. Nothing listens
beyond the loopback, and a request for any other host is refused.
"""

from __future__ import annotations

from trackbench.localcloud.admin import Admin
from trackbench.localcloud.config import CloudConfig
from trackbench.localcloud.describe import describe, serve
from trackbench.localcloud.faults import FAULT_KINDS, Fault
from trackbench.localcloud.ledger import LedgerSnapshot, RoleCount
from trackbench.localcloud.process import LocalCloud
from trackbench.localcloud.profiles import PROFILES, Profile

__all__ = [
    "FAULT_KINDS",
    "PROFILES",
    "Admin",
    "CloudConfig",
    "Fault",
    "LedgerSnapshot",
    "LocalCloud",
    "Profile",
    "RoleCount",
    "describe",
    "serve",
]
