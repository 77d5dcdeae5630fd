"""Find backends by entry point, without importing more than is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

from trackbench.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackbench.backends.protocol import Backend

GROUP: Final = "trackbench.backends"


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """A backend and one of its variants, as in ``baseline:background``."""

    backend: str
    variant: str

    def __str__(self) -> str:
        return f"{self.backend}:{self.variant}"


def entry_points() -> dict[str, metadata.EntryPoint]:
    """Return the entry point of each installed backend by name.

    Raises
    ------
    InputError
        If two packages claim one name: which of them was measured must never be a matter of luck.
    """
    found: dict[str, metadata.EntryPoint] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        held = found.get(point.name)
        if held is not None and held.value != point.value:
            raise InputError(
                f"Two packages claim the backend name {point.name!r}: {_package(held)} ({held.value}) and"
                f" {_package(point)} ({point.value}). Uninstall one of them."
            )
        found[point.name] = point
    return found


def _package(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"


def load(name: str) -> type[Backend]:
    """Import the backend called `name`.

    Raises
    ------
    InputError
        If no installed package has such a backend, or what it names is not a backend.
    UnsupportedError
        If a package that the backend needs is missing, with the command that installs it, or is of a version that
        the backend cannot use.
    """
    points = entry_points()
    if name not in points:
        raise InputError(f"No backend is called {name!r}. Installed: {', '.join(points) or 'none'}.")
    point = points[name]
    package = _package(point)
    try:
        loaded = point.load()
    except ModuleNotFoundError as error:
        missing_module = error.name or ""
        if point.module == missing_module or point.module.startswith(f"{missing_module}."):
            raise InputError(
                f"The backend {name!r} of {package} is said to be {point.value}, but there is no module"
                f" {missing_module!r}. Its package is damaged: install it again."
            ) from error
        extra = f"{package}[{name}]" if package == "trackbench" else package
        raise UnsupportedError(
            f"The backend {name!r} needs the package {missing_module!r}, which is not installed."
            f" Install it: uv pip install '{extra}'"
        ) from error
    except ImportError as error:
        raise UnsupportedError(
            f"The backend {name!r} of {package} cannot be imported with the packages that are installed: {error}"
        ) from error
    except AttributeError as error:
        raise InputError(f"The backend {name!r} of {package} is said to be {point.value}: {error}.") from error
    missing = [
        part
        for part in ("name", "variants", "reads_local_files", "prepare", "subset")
        if not hasattr(loaded, part)
    ]
    if missing:
        raise InputError(
            f"{point.value} of {package} is not a backend: it has no {', '.join(missing)}"
            " (see trackbench.backends.protocol.Backend)."
        )
    if loaded.name != name:
        raise InputError(
            f"{point.value} of {package} calls itself {loaded.name!r}, but its entry point says {name!r}."
        )
    backend: type[Backend] = loaded
    return backend


def choose(names: Iterable[str], *, all_variants: bool = False) -> tuple[Choice, ...]:
    """Turn what a user names into backends and variants.

    Parameters
    ----------
    names
        ``baseline`` (its default variants) or ``baseline:blockcache``. Without any, every installed backend with
        the variants that stand for it.
    all_variants
        Take every variant, the slow and the naive too.

    Raises
    ------
    InputError
        If a backend or a variant is not known, or a backend named alone has no default variant.
    """
    chosen: dict[Choice, None] = {}
    named = tuple(names)
    for text in named or tuple(entry_points()):
        name, _, variant = text.partition(":")
        try:
            variants = load(name).variants
        except UnsupportedError:
            # The run itself reports what is missing, with status and reason.
            chosen[Choice(name, variant or "default")] = None
            continue
        if variant and variant not in variants:
            raise InputError(f"{name} has no variant {variant!r}. It has: {', '.join(variants)}.")
        usual = {each for each, details in variants.items() if all_variants or details.default}
        overview = {each for each in usual if variants[each].overview}
        wanted = {variant} if variant else usual if named or all_variants else overview or usual
        taken = [each for each in variants if each in wanted]
        if named and not taken:
            raise InputError(f"{name} has no default variant; name one of: {', '.join(variants)}.")
        chosen.update(dict.fromkeys(Choice(name, each) for each in taken))
    return tuple(chosen)
