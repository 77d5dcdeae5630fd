"""The Common Metadata Repository: searches for collections and granules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from trackbench.errors import InputError
from trackbench.localcloud.cmr_query import Parameters, find_collections, granule_questions
from trackbench.localcloud.reply import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.web import BaseRequest

    from trackbench.localcloud.catalogue import CatalogueCollection, CatalogueGranule

_UMM: Final = "application/vnd.nasa.cmr.umm_results+json; version={}; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class MetadataRepository:
    """Finds granules by their names, times and places."""

    granules: Sequence[CatalogueGranule]
    collections: Sequence[CatalogueCollection]
    name: str = "cmr"

    async def answer(self, request: BaseRequest) -> Reply:
        """Answer a search by GET, or by POST of a form (CMR search API)."""
        pairs = list(request.query.items())
        if request.method == "POST":
            if not request.headers.get("Content-Type", _FORM).startswith(_FORM):
                return _refuse(415, f"The content type must be {_FORM}.")
            body = await request.read()
            pairs += parse_qsl(body.decode(), keep_blank_values=True)
        elif request.method not in ("GET", "HEAD"):
            return _refuse(405, "Only GET and POST are supported.")
        try:
            parameters = Parameters.read(pairs)
            found, version = self._find(request.path, parameters)
            first = _after(request.headers.get("CMR-Search-After")) or parameters.first
            size = parameters.page_size
        except InputError as error:
            return _refuse(400, str(error))
        if found is None:
            return _refuse(
                404, f"There is nothing at {request.path}: collections.umm_json and granules.umm_json are."
            )
        page = found[first : first + size]
        answer = json_reply({"hits": len(found), "took": 1, "items": page}, Content_Type=_UMM.format(version))
        answer.headers = {**answer.headers, "CMR-Hits": str(len(found)), "CMR-Took": "1"}
        if page:
            following = json.dumps(["nsidc_cprd", first + len(page)])
            answer.headers = {**answer.headers, "CMR-Search-After": following}
        return answer

    def _find(self, path: str, parameters: Parameters) -> tuple[list[dict[str, Any]] | None, str]:
        match path.removeprefix("/search/"):
            case "collections.umm_json":
                return [one.record for one in find_collections(self.collections, parameters)], "1.17.0"
            case "granules.umm_json":
                questions = granule_questions(parameters)
                matching = (one for one in self.granules if all(question(one) for question in questions))
                return [one.record for one in matching], "1.6.5"
        return None, ""


def _after(field: str | None) -> int | None:
    if field is None:
        return None
    try:
        provider, first = json.loads(field)
    except ValueError:
        provider, first = None, None
    if not isinstance(provider, str) or not isinstance(first, int):
        raise InputError("The search-after header is not one that this service gave.")
    return first


def _refuse(status: int, text: str) -> Reply:
    return json_reply({"errors": [text]}, status)
