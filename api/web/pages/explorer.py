"""/explore: a user's list and what moved in it, an item's neighbours, a list for a session. The address says what is asked."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api.answers.finding import find_users
from api.http.answer_models import GENERATION
from api.http.problems import RequestError, sentence
from api.http.request_models import MAX_FILTER_CHARACTERS, MAX_SESSION_ITEMS, NO_FALLBACK, UserOptions
from api.http.versions import VERSION_PATH
from api.web.context import PageContext, PageRoute
from api.web.views.explorer.choice import Choice, chosen
from api.web.views.explorer.lists import Named, found_entries, session_view, similar_entries, title_of, user_view
from api.web.views.explorer.pictures import pictures
from api.web.views.explorer.random_user import random_user
from api.web.views.explorer.snippets import asked as asked_for
from api.web.views.explorer.snippets import posted
from contract.errors import GenerationError
from contract.formats.ids import stored_id
from contract.formats.incoming.strict import MAX_ID_LENGTH
from contract.formats.manifest import Pointer
from contract.formats.states import HAS_LISTS

ASKED = ("q", "user", "item", "session", "k", "filter")  # what stays when another generation is chosen
SHOWN_USERS = 20  # whose ids begin like one that is unknown
FOUND = 8  # of users, and of items, that a search shows


def pages(context: PageContext) -> list[PageRoute]:
    store = context.store

    def explore() -> Response | str:
        with chosen(store, request.args.get(GENERATION, "").strip()) as choice:
            return _explore(choice)

    def _explore(choice: Choice) -> Response | str:
        pointer, address = choice.pointer, partial(_address, choice.named)
        given = {name: request.args.get(name, "").strip()[:MAX_ID_LENGTH] for name in ("user", "item")}
        wanted = list(dict.fromkeys(line.strip()[:MAX_ID_LENGTH] for line in request.args.get("session", "").splitlines() if line.strip()))
        k = _k(request.args.get("k", ""), pointer)
        if request.args.get("random"):
            found = random_user(store, pointer)
            return redirect(address(user=found) if found is not None else address(), 303)
        shown: dict[str, Any] = {"pointer": pointer, "k": k, "depth": pointer.depth, "wanted": wanted, **given, **_search(choice)}
        shown |= {"choice": choice, "address": address, "asked": {name: text for name in ASKED if (text := request.args.get(name, ""))}}
        shown["filter"] = request.args.get("filter", "").strip()[:MAX_FILTER_CHARACTERS]
        if given["user"]:
            shown |= _user(given["user"], choice, k, shown["filter"])
        if given["item"]:
            shown |= _item(given["item"], choice, k)
        if wanted and pointer.similar_depth:
            shown["session_view"] = session_view(store, choice.view, wanted[:MAX_SESSION_ITEMS], k)
        return render_template("explore.html", **shown)

    def suggest() -> str:
        with chosen(store, request.args.get(GENERATION, "").strip()) as choice:
            return render_template("found.html", **_search(choice), address=partial(_address, choice.named))

    def _search(choice: Choice) -> dict[str, Any]:
        """Users and items for what stands in the search."""
        text = request.args.get("q", "").strip()[:MAX_ID_LENGTH]
        if not text:
            return {"q": ""}
        view, pointer = choice.view, choice.pointer
        known = find_users(store, pointer, text, FOUND)
        users = known or []
        if text not in users and store.user_list(view, text) is not None:
            users = [text, *users]
        items = found_entries(store, view, text, FOUND)
        item_id = stored_id(text, pointer.item_id_type)
        exact = None if item_id is None else store.item(view, item_id)
        if exact is not None and exact[0] not in [one.item_id for one in items]:
            items = [Named(exact[0], title_of(exact[1])), *items]
        return {"q": text, "users": users, "items": items, "users_are_lost": known is None}

    def _user(user: str, choice: Choice, k: int, condition: str) -> dict[str, Any]:
        view = store.pointers.current(user)
        pointer = view.pointer
        previous = _previous(context, pointer) if choice.is_served else choice.served
        wrong = ""
        try:
            options = UserOptions(k=k, filter=condition or None, fallback=NO_FALLBACK)
            shown = user_view(store, view, previous, user, k, options)
        except RequestError as error:
            shown, wrong, condition = user_view(store, view, previous, user, k), sentence(str(error)), ""
        body = {"user_id": shown.user_id, "k": k, "include": ["metadata"]}
        body |= {"filter": condition} if condition else {}
        body |= {"explain": True} if pointer.explain_depth else {}
        body |= {"fallback": "popular"} if shown.cold else {}
        return {
            "user_view": shown,
            "filter_is_wrong": wrong,
            "near": (find_users(store, pointer, user, SHOWN_USERS) or []) if shown.cold else [],
            "pictures": pictures(store, view, [one.item_id for one in shown.entries], context.image_origins),
            "snippets": posted(
                f"{context.address()}{VERSION_PATH}/recommendations{_query(choice)}", body, needs_key=not context.api_keys.is_open
            ),
        }

    def _item(text: str, choice: Choice, k: int) -> dict[str, Any]:
        view, pointer = choice.view, choice.pointer
        item_id = stored_id(text, pointer.item_id_type)
        seen = None if item_id is None else store.item(view, item_id)
        if item_id is None or seen is None:
            return {"item_known": False, "found": found_entries(store, view, text, k)}
        similar = similar_entries(store, view, item_id, k) if pointer.similar_depth else None
        return {
            "item_known": True,
            "item_available": item_id not in view.unavailable,
            "item_title": title_of(seen[1]),
            "item_more": _more(seen[1]),
            "similar": similar,
            "pictures": pictures(store, view, [item_id, *(one.item_id for one in similar or [])], context.image_origins),
            "item_id": item_id,
            "snippets": asked_for(
                f"{context.address()}{VERSION_PATH}/similar",
                {"item_id": str(item_id), "k": str(k)} | ({GENERATION: choice.named} if choice.named else {}),
                needs_key=not context.api_keys.is_open,
            ),
        }

    return [PageRoute("/explore", explore), PageRoute("/explore/found", suggest, is_part=True)]


def _address(generation: str, **fields: str) -> str:
    """A shareable address of the explorer, of `generation` where one is named."""
    fields |= {GENERATION: generation} if generation else {}
    return f"{request.script_root}/explore{'?' if fields else ''}{urlencode(fields)}"


def _query(choice: Choice) -> str:
    return f"?{urlencode({GENERATION: choice.named})}" if choice.named else ""


def _k(text: str, pointer: Pointer) -> int:
    """How many items to show; that of the generation for what is no number."""
    wanted = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else pointer.k
    return max(1, min(wanted, max(pointer.depth, pointer.k)))


def _previous(context: PageContext, pointer: Pointer) -> Pointer | None:
    """How to read the generation that was served before, if its lists are still there."""
    if not pointer.previous:
        return None

    try:
        state, manifest = context.ask(lambda generations: (generations.state(pointer.previous), generations.manifest(pointer.previous)))
    except (GenerationError, ValueError):  # pruned meanwhile, or of another version
        return None
    return manifest.pointer() if state in HAS_LISTS else None


def _more(raw: bytes) -> list[tuple[str, str]]:
    """What is known of an item besides its title."""
    found = json.loads(raw)
    if not isinstance(found, dict):
        return []
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)) for name, value in found.items() if name != "title"
    ]
