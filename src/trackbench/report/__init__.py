"""Charts, maps and the one page that shows what was measured.

Charts need the packages of the extra ``report``; what does not draw is had without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from trackbench.errors import UnsupportedError

if TYPE_CHECKING:
    from trackbench.report.maps import CaseMap, case_map
    from trackbench.report.page import build_page, render

__all__ = ["CaseMap", "build_page", "case_map", "render"]

_HOMES: Final = {"CaseMap": "maps", "case_map": "maps", "build_page": "page", "render": "page"}
_EXTRA: Final = frozenset({"jinja2", "markupsafe", "matplotlib"})


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import what draws only when it is asked for.

    Raises
    ------
    UnsupportedError
        If a package of the extra ``report`` is missing; the message gives the command that installs it.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise UnsupportedError(
            f"The report needs the package {package!r}, which is not installed."
            " Install it: uv pip install 'trackbench[report]'"
        ) from error
