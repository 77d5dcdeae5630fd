"""Describes HDF5 files as DMR++, the chunk manifest that NASA keeps beside granules, and reads such manifests.

The form is that of Hyrax (OPENDAP/bes, ``get_dmrpp``), hierarchical or with flattened names.
"""

from trackbench.dmrpp.model import Chunk, Dmrpp, Group, Variable
from trackbench.dmrpp.reader import read_dmrpp
from trackbench.dmrpp.writer import DATA_ADDRESS, WRITER_VERSION, Dialect, write_dialects, write_dmrpp

__all__ = [
    "DATA_ADDRESS",
    "WRITER_VERSION",
    "Chunk",
    "Dialect",
    "Dmrpp",
    "Group",
    "Variable",
    "read_dmrpp",
    "write_dialects",
    "write_dmrpp",
]
