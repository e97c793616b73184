"""/openapi.json, from the routes and the models that validate."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.http.answer_models import ARM, GENERATION, IDS, Problem
from api.http.problems import MEDIA_TYPE
from api.http.route import Route
from contract import VERSION
from contract.formats.incoming.strict import MAX_ID_LENGTH, RequestModel

JSON = "application/json"
Schema = dict[str, Any]
_SCHEMAS = "#/components/schemas/"
_HEADERS: Schema = {"X-Request-ID": {"description": "That of the request, or a new one.", "schema": {"type": "string"}}}
_RETRY: Schema = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
_ALWAYS = (400,)
_TAGS = {
    "Lists": "Lists that were computed ahead of time, for one user, many, or a visitor.",
    "Items": "What items are, what is like them, what is popular.",
    "Generations": "What is served, what else there is, and the switches between them.",
    "Runs": "Training.",
    "Users": "Finding and erasing users.",
    "Events": "What people do, as it happens.",
    "Operation": "Health and metrics.",
    "Documentation": "This description.",
}
_ACCESS = {
    "open": "Open to everybody.",
    "read": "Needs a key where any for reading is set.",
    "write": "Needs a key for events.",
    "admin": "Needs an admin key.",
}
_SHARED: dict[str, tuple[str, Schema]] = {
    IDS: (
        "`text`: ids in the answer are strings, for JavaScript, whose numbers are exact up to 2^53 alone.",
        {"type": "string", "enum": ["text"]},
    ),
    GENERATION: (
        "That of an earlier answer: lists of it, whatever is served meanwhile, so that pages belong together; 410 once they are gone.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"},
    ),
    ARM: (
        "For people who test: lists of this arm of the experiment that runs, whoever asks; 400 with the names of all for another.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"},
    ),
}
_IN_PATHS = {
    "user_id": "A user's id, as the interactions spell it.",
    "item_id": "An item's id, as the interactions spell it.",
    "generation": "A generation's id, as answers name it.",
    "run": "A run's id, as the answer to POST /runs names it.",
    "name": "A list's name: popular, trending or new.",
}


def document(routes: Sequence[Route]) -> Schema:
    """The description of `routes` in OpenAPI 3.1."""
    models = {model for route in routes for model in (route.query, route.body, route.answer, route.or_else) if isinstance(model, type)} | {
        Problem
    }
    schemas: Schema = json.loads(_schemas(tuple(sorted(models, key=lambda model: model.__name__))))
    _drop_defaults(schemas, {model.__name__ for model in _below(RequestModel)} - {"RunOptions"})
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(re.sub("<([a-z_]+)>", r"{\1}", route.path), {})[route.method.lower()] = _operation(route, schemas)
    only_queries = {route.query.__name__ for route in routes if route.query} - {route.body.__name__ for route in routes if route.body}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Larder",
            "version": VERSION,
            "description": "Precomputed recommendations for every user, served in milliseconds.",
            "contact": {"name": "Who runs this API"},
            "license": {"name": "MIT", "url": "https://opensource.org/license/mit"},
        },
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in only_queries},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "tags": [{"name": tag, "description": _TAGS[tag]} for tag in sorted({route.tag for route in routes})],
    }


@cache
def _schemas(models: tuple[type[BaseModel], ...]) -> str:
    """Made once in a process: each tenant has an application of its own, and all of them describe the same models."""
    return json.dumps(models_json_schema([(model, "validation") for model in models], ref_template=_SCHEMAS + "{model}")[1]["$defs"])


def _drop_defaults(schemas: Schema, said: set[str]) -> None:
    """Generators take a field with a default for one that is always there: of an answer, that each list is short; of a request, that it
    has to be sent. So what goes without saying is said in words. `said`: models whose defaults are those of whoever answers.
    """
    for name, schema in schemas.items():
        for field in schema.get("properties", {}).values():
            default = field.pop("default", None)
            if default not in (None, []) and name in said:
                field["description"] = f"{field.get('description', '')} {json.dumps(default)} when it is not given.".strip()


def _below(model: type[RequestModel]) -> list[type[RequestModel]]:
    return [model, *(found for below in model.__subclasses__() for found in _below(below))]


def _operation(route: Route, schemas: Schema) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{route.summary}. {_ACCESS[route.access]}",
        "tags": [route.tag],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route.query, schemas),
            *map(_shared_parameter, route.shared_parameters),
        ],
        "responses": _responses(route),
    }
    if route.deprecated is not None:
        operation["deprecated"] = True
    if route.body is not None:
        operation["requestBody"] = {"required": not route.body_optional, "content": {JSON: {"schema": _reference(route.body)}}}
    if route.access in ("admin", "write"):
        operation["security"] = [{"bearer": []}, {"key": []}]
    elif route.access == "read":
        operation["security"] = [{}, {"bearer": []}, {"key": []}]  # keys for reading are optional
    else:
        operation["security"] = []
    return operation


def _shared_parameter(name: str) -> Schema:
    description, schema = _SHARED[name]
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _path_parameters(route: Route) -> list[Schema]:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}
    names = re.findall("<([a-z_]+)>", route.path)
    return [{"name": name, "in": "path", "required": True, "description": _IN_PATHS[name], "schema": schema} for name in names]


def _query_parameters(model: type[BaseModel] | None, schemas: Schema) -> list[Schema]:
    if model is None:
        return []
    schema = schemas[model.__name__]
    return [_query_parameter(name, value, name in schema.get("required", ())) for name, value in schema.get("properties", {}).items()]


def _query_parameter(name: str, schema: Schema, is_required: bool) -> Schema:
    shown = {key: value for key, value in schema.items() if key not in ("title", "description", "default")}
    options = [option for option in shown.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        shown = options[0]
    found = {"name": name, "in": "query", "required": is_required, "description": schema.get("description", ""), "schema": shown}
    # A list is written with commas.
    return {**found, "style": "form", "explode": False} if shown.get("type") == "array" else found


def _responses(route: Route) -> Schema:
    if isinstance(route.answer, str):
        content: Schema = {route.answer: {"schema": {"type": "string"}}}
    else:
        answers = [_reference(answer) for answer in (route.answer, route.or_else) if answer is not None]
        content = {JSON: {"schema": answers[0] if len(answers) == 1 else {"anyOf": answers}}}
    success: Schema = {"description": HTTPStatus(route.status).phrase, "headers": _HEADERS, "content": content}
    statuses = {*_ALWAYS, *route.errors}
    if route.body is not None:
        statuses |= {413, 415}
    if GENERATION in route.shared_parameters:
        statuses |= {410}
    if route.access != "open":
        statuses |= {401}
    if route.access in ("admin", "write"):
        statuses |= {403}
    problems = {str(status): _problem(HTTPStatus(status).phrase) for status in sorted(statuses)}
    away = _problem("Redis is away, or nothing is promoted yet", _RETRY)
    return {str(route.status): success, **problems, "503": away, "default": _problem("Any other error")}


def _problem(description: str, headers: Schema | None = None) -> Schema:
    return {"description": description, "headers": _HEADERS | (headers or {}), "content": {MEDIA_TYPE: {"schema": _reference(Problem)}}}


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": _SCHEMAS + model.__name__}
