"""A request of an operation as curl. Reads ask for what the served generation has, so they work as they are; a change names nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any
from urllib.parse import quote as quoted
from urllib.parse import urlencode

from api.web.views.explorer.snippets import CURL_KEY
from api.web.views.reference.operations import REF, Operation, Schema

ALSO = {"get_items": ("item_id",)}  # one of several is needed, which a description in OpenAPI can't say
NAMES = {"user_ids": "user_id", "items": "item_id", "prefix": "user_id"}  # where a value comes from that is called otherwise
CHANGES = 2


def curl_of(one: Operation, base: str, samples: Mapping[str, Any], schemas: Schema, *, needs_key: bool) -> str:
    """`samples`: values of fields by name; what is not there, or what a change would be done to, is a word in capitals."""
    known: Mapping[str, Any] = {} if one.access == CHANGES else samples
    path = re.sub(r"\{(\w+)\}", lambda found: _in_path(found[1], known), one.path)
    wanted = [each.name for each in one.fields if each.where == "query" and (each.is_required or each.name in ALSO.get(one.name, ()))]
    query = {name: _sample(name, known) for name in wanted}
    parts = ["curl -s"]
    if one.method != ("POST" if one.body_is_required else "GET"):
        parts.append(f"-X {one.method}")
    if one.access == CHANGES or (one.access and needs_key):
        parts.append(CURL_KEY.strip())
    parts.append(quote(f"{base}{path}{'?' if query else ''}{urlencode(query)}"))
    if one.body_is_required and one.body is not None:
        body = {name: _value(name, one.body["properties"][name], known, schemas) for name in one.body.get("required", ())}
        parts.append(f"-H 'Content-Type: application/json' -d {quote(json.dumps(body, ensure_ascii=False))}")
    return " ".join(parts)


def _in_path(name: str, samples: Mapping[str, Any]) -> str:
    """No path can hold an id that has a slash; /recommendations and /similar take such a one."""
    value = str(_sample(name, samples))
    return name.upper() if "/" in value else quoted(value, safe="")


def _sample(name: str, samples: Mapping[str, Any]) -> Any:
    return samples.get(NAMES.get(name, name), name.upper())


def _value(name: str, schema: Schema, samples: Mapping[str, Any], schemas: Schema) -> Any:
    """An example of a field of a body: of several kinds that it may be, the first."""
    if "$ref" in schema:
        one = schemas[schema["$ref"].removeprefix(REF)]
        return {each: _value(each, one["properties"][each], samples, schemas) for each in one.get("required", ())}
    if "anyOf" in schema:
        return _value(name, schema["anyOf"][0], samples, schemas)
    if schema.get("type") == "array":
        return [_value(name, schema.get("items", {}), samples, schemas)]
    return _sample(name, samples)
