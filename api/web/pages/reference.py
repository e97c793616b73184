"""/reference: the API for people, from the document that /openapi.json gives, with requests that can be copied."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import g, render_template

from api.http.versions import VERSION_PATH
from api.web.context import PageContext, PageRoute
from api.web.views.explorer.random_user import random_user
from api.web.views.reference.examples import curl_of
from api.web.views.reference.operations import ACCESS, Field, Operation, objects, operations
from contract.errors import NothingPromotedError, PayloadError, StoreError


def pages(context: PageContext) -> list[PageRoute]:
    @lru_cache(maxsize=1)
    def described() -> tuple[dict[str, Any], dict[str, list[Operation]], dict[str, list[Field]]]:
        document = context.describe()
        found = operations(document)
        return document, found, objects(document, found)

    def reference() -> str:
        document, found, answers = described()
        samples, schemas, needs_key = _samples(context), document["components"]["schemas"], not context.api_keys.is_open
        base = context.address() + VERSION_PATH
        curls = {one.name: curl_of(one, base, samples, schemas, needs_key=needs_key) for each in found.values() for one in each}
        about = {tag["name"]: tag["description"] for tag in document["tags"]}
        shown: dict[str, Any] = {"version": document["info"]["version"], "base": base, "about": about, "access_of": ACCESS}
        return render_template("reference.html", found=found, curls=curls, objects=answers, is_sample=bool(samples), **shown)

    return [PageRoute("/reference", reference, "open")]


def _samples(context: PageContext) -> dict[str, Any]:
    """Ids of the served generation; none while there is none, and for those who may not read lists."""
    if g.get("access") == "open":
        return {}
    try:
        view = context.store.pointers.follow()
        user = random_user(context.store, view.pointer)
        mine = None if user is None else context.store.user_list(view, user)
    except (NothingPromotedError, PayloadError, StoreError):
        return {}
    found: dict[str, Any] = {"generation": view.pointer.generation, "run": view.pointer.generation, "name": "popular"}
    if mine is not None:
        found["user_id"] = mine[0]
        found |= {"item_id": mine[1].item_ids[0]} if mine[1].item_ids else {}
    return found
