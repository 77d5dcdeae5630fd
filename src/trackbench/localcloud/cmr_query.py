"""Search parameters of the Common Metadata Repository, read into questions that a granule answers."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import shapely

from trackbench.errors import InputError
from trackbench.localcloud import search_area
from trackbench.localcloud.catalogue import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shapely.geometry.base import BaseGeometry

    from trackbench.localcloud.catalogue import CatalogueCollection, CatalogueGranule

_OPTION: Final = re.compile(r"options\[(\w+)\]\[(\w+)\]")
_AREAS: Final[Mapping[str, Callable[[str], BaseGeometry]]] = {
    "bounding_box": search_area.bounding_box,
    "polygon": search_area.polygon,
    "point": search_area.point,
    "circle": search_area.circle,
    "line": search_area.line,
}
_IGNORED: Final = frozenset(
    # They choose a page or an order, or are true of everything here.
    ("page_size", "page_num", "offset", "sort_key", "pretty", "token", "downloadable", "online_only", "online")
)
_MOST_ITEMS: Final = 2000

type Options = Mapping[tuple[str, str], bool]
type Question = Callable[[CatalogueGranule], bool]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one search, by name without brackets, and their options."""

    values: Mapping[str, list[str]]
    options: Options = field(default_factory=dict)

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Parameters:
        """Sort the pairs of a query string or a form."""
        values: dict[str, list[str]] = {}
        options: dict[tuple[str, str], bool] = {}
        for name, value in pairs:
            option = _OPTION.fullmatch(name)
            if option is not None:
                options[option[1], option[2]] = value.lower() == "true"
            elif value:
                values.setdefault(name.removesuffix("[]").replace("-", "_"), []).append(value)
        return cls(values, options)

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number between 0 and `most`.

        Raises
        ------
        InputError
            If it is none.
        """
        text = self.values.get(name, [str(default)])[-1]
        if not text.isdecimal() or int(text) > most:
            raise InputError(f"{name} must be a number between 0 and {most}")
        return int(text)

    @property
    def page_size(self) -> int:
        """How many items are wanted at a time: 10 unless given, 2000 at most."""
        return self.number("page_size", 10, _MOST_ITEMS)

    @property
    def first(self) -> int:
        """Which item is wanted first, by ``offset`` or ``page_num``."""
        if "offset" in self.values:
            return self.number("offset", 0, 1_000_000)
        return (max(1, self.number("page_num", 1, 1_000_000)) - 1) * self.page_size


def granule_questions(parameters: Parameters) -> list[Question]:
    """Return what a granule must answer with yes to be found.

    Raises
    ------
    InputError
        If a parameter is not known or cannot be read; the text is what CMR says.
    """
    questions: list[Question] = []
    areas: list[tuple[str, BaseGeometry]] = []
    for name, texts in parameters.values.items():
        if name in _IGNORED:
            continue
        if name in _AREAS:
            areas += [(name, _AREAS[name](text)) for text in texts]
        elif name == "temporal":
            questions.append(
                _temporal(texts, exclude=parameters.options.get(("temporal", "exclude_boundary"), False))
            )
        elif name in _GRANULE_WORDS:
            questions.append(_words(_GRANULE_WORDS[name], texts, name, parameters.options))
        else:
            raise InputError(f"Parameter [{name}] was not recognized.")
    if areas:
        questions.append(_spatial(areas, parameters.options))
    return questions


def find_collections(
    collections: Iterable[CatalogueCollection], parameters: Parameters
) -> list[CatalogueCollection]:
    """Return the collections that the parameters ask for.

    Keywords and areas are not looked at: they narrow a real search among thousands of collections.

    Raises
    ------
    InputError
        If a parameter is not known.
    """
    found = list(collections)
    for name, texts in parameters.values.items():
        if (
            name in _IGNORED
            or name in _AREAS
            or name in ("keyword", "temporal", "has_granules", "include_granule_counts")
        ):
            continue
        if name == "cloud_hosted":
            found = found if texts[-1].lower() == "true" else []
        elif name in _COLLECTION_WORDS:
            word, pattern = _COLLECTION_WORDS[name], parameters.options.get((name, "pattern"), False)
            found = [one for one in found if any(_same(word(one), text, pattern=pattern) for text in texts)]
        else:
            raise InputError(f"Parameter [{name}] was not recognized.")
    return found


_GRANULE_WORDS: Final[Mapping[str, Callable[[CatalogueGranule], tuple[str, ...]]]] = {
    "short_name": lambda granule: (granule.name.product,),
    "version": lambda granule: (f"{granule.name.release:03d}",),
    "provider": lambda _: (PROVIDER,),
    "concept_id": lambda granule: (granule.concept_id, granule.collection_id),
    "collection_concept_id": lambda granule: (granule.collection_id,),
    "echo_collection_id": lambda granule: (granule.collection_id,),
    "echo_granule_id": lambda granule: (granule.concept_id,),
    "granule_ur": lambda granule: (granule.file_name,),
    "native_id": lambda granule: (granule.file_name,),
    "producer_granule_id": lambda granule: (granule.file_name,),
    "readable_granule_name": lambda granule: (granule.file_name,),
    "platform": lambda _: ("ICESat-2",),
    "instrument": lambda _: ("ATLAS",),
    "day_night_flag": lambda _: ("unspecified",),
}
_COLLECTION_WORDS: Final[Mapping[str, Callable[[CatalogueCollection], str]]] = {
    "short_name": lambda one: one.short_name,
    "version": lambda one: one.version,
    "concept_id": lambda one: one.concept_id,
    "collection_concept_id": lambda one: one.concept_id,
    "provider": lambda _: PROVIDER,
    "entry_title": lambda one: _text(one.record["umm"]["EntryTitle"]),
    "native_id": lambda one: _text(one.record["meta"]["native-id"]),
    "platform": lambda _: "ICESat-2",
    "instrument": lambda _: "ATLAS",
}


def _text(value: Any) -> str:  # noqa: ANN401 - a value of a JSON record
    return str(value)


def _words(
    words: Callable[[CatalogueGranule], tuple[str, ...]], texts: list[str], name: str, options: Options
) -> Question:
    pattern = options.get((name, "pattern"), False)
    return lambda granule: any(_same(word, text, pattern=pattern) for word in words(granule) for text in texts)


def _same(word: str, text: str, *, pattern: bool) -> bool:
    word, text = word.lower(), text.lower()
    # Only * and ? are wild in CMR.
    return fnmatch.fnmatchcase(word, text.replace("[", "[[]")) if pattern else word == text


def _spatial(areas: list[tuple[str, BaseGeometry]], options: Options) -> Question:
    # Several areas of one kind must all be met unless options[<kind>][or] is set, and so must several kinds
    # unless options[spatial][or] is set (CMR search API, "Find granules by spatial").
    kinds: dict[str, list[BaseGeometry]] = {}
    for kind, area in areas:
        shapely.prepare(area)
        kinds.setdefault(kind, []).append(area)
    between = any if options.get(("spatial", "or"), False) else all

    def question(granule: CatalogueGranule) -> bool:
        return between(
            (any if options.get((kind, "or"), False) else all)(area.intersects(granule.area) for area in several)
            for kind, several in kinds.items()
        )

    return question


def _temporal(texts: list[str], *, exclude: bool) -> Question:
    spans = [_span(text) for text in texts]

    def question(granule: CatalogueGranule) -> bool:
        if exclude:
            return any(granule.start < end and granule.end > start for start, end in spans)
        return any(granule.start <= end and granule.end >= start for start, end in spans)

    return question


def _span(text: str) -> tuple[datetime, datetime]:
    begin, _, end = text.partition(",")
    return (
        _moment(begin) if begin else datetime.min.replace(tzinfo=UTC),
        _moment(end.split(",")[0]) if end.strip(",") else datetime.max.replace(tzinfo=UTC),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"[{text}] is not a valid datetime") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
