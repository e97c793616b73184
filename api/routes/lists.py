"""Named lists: what is popular, trending or new, of all items and users, of one category, or of one segment."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass

from flask import Response

from api.answers.filling import Filler
from api.answers.json_text import generation_json
from api.answers.selection import describe, render
from api.http.answer_models import NamedListAnswer
from api.http.problems import RequestError
from api.http.request_models import NamedListQuery
from api.http.requests import query
from api.http.responses import Caching, of_generation
from api.http.route import Route
from api.lists.store import Store
from api.metrics.counters import Metrics
from contract.formats.manifest import Pointer
from contract.settings.lists import LIST_NAMES
from contract.store.lists import CATEGORY, SEGMENT, Listed
from contract.text import words

_SHOWN_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class NamedListRoutes:
    store: Store
    metrics: Metrics
    caching: Caching

    def routes(self) -> list[Route]:
        summary = "A named list: popular, trending or new"
        return [Route("GET", "/lists/<name>", self.named, summary, NamedListAnswer, query=NamedListQuery, errors=(404, 409), tag="Items")]

    def named(self, name: str) -> Response:
        asked = query(NamedListQuery)
        listed = _listed(name, asked)
        view = self.store.pointers.current()
        if listed.name not in words(view.pointer.lists):
            view = self.store.pointers.follow()  # which may be a newer one, that has it
        pointer = view.pointer
        filler = Filler(self.store, asked, view, self.metrics.fell_back)
        whole, chosen = filler.choose_named(listed)
        if not whole.item_ids[: whole.n_own]:
            _check(self.store, pointer, listed)
        described = describe(self.store, view, asked, (chosen,))
        group = f'"{listed.kind}":{json.dumps(listed.value)},' if listed.kind else ""
        members = f'"source":"{filler.source_of(whole, listed.name)}",{group}{render(asked, chosen, described)}'
        return of_generation(f"{{{members},{generation_json(pointer)}}}\n", pointer, self.caching, view.items.tag)


def _listed(name: str, asked: NamedListQuery) -> Listed:
    if asked.category is not None and asked.segment is not None:
        raise RequestError("No list is of a category and a segment: ask for the segment's, with a filter.", 404, "List not found")
    if asked.category is not None:
        return Listed(name, CATEGORY, asked.category)
    return Listed(name) if asked.segment is None else Listed(name, SEGMENT, asked.segment)


def _check(store: Store, pointer: Pointer, listed: Listed) -> None:
    """Raise RequestError where there is no such list. One that is empty, or that nothing passes of, is one."""
    names = tuple(words(pointer.lists)) or (LIST_NAMES[:1] if not listed.kind else ())
    if listed.name not in names:
        raise _unknown("list", listed.name, names)
    if listed.kind:
        index = store.lists.index(pointer)
        known = index.categories if listed.kind == CATEGORY else index.segments
        if listed.value not in known:
            raise _unknown(f"lists of the {listed.kind}", listed.value, known)


def _unknown(what: str, name: str, known: tuple[str, ...]) -> RequestError:
    near = difflib.get_close_matches(name[:_SHOWN_CHARACTERS], known, n=1, cutoff=0)
    nearest = f"; the nearest is {json.dumps(near[0])}" if near else ", and there is none"
    return RequestError(f"The current generation has no {what} {json.dumps(name[:_SHOWN_CHARACTERS])}{nearest}.", 404, "List not found")
