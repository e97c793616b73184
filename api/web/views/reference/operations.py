"""The OpenAPI document in the pieces that the page shows: operations by their tags, their fields, and the objects of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
REF = "#/components/schemas/"
HIDDEN = "/docs/"  # files of a page: nobody asks for them by hand
ACCESS = {0: "open to everybody", 1: "needs a key where keys for reading are set", 2: "needs a key that may change things"}


@dataclass(frozen=True, slots=True)
class Field:
    """`where`: path, query or body; "" for a field of an answer."""

    name: str
    where: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer`: the name of the object, or the media type, that a success has. `statuses`: all that may come, with their phrases."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    access: int
    fields: list[Field]
    answer: str
    statuses: list[tuple[str, str]]
    body: Schema | None
    body_is_required: bool


def operations(document: Schema) -> dict[str, list[Operation]]:
    """By tag, in the order of the routes."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            if not path.startswith(HIDDEN):
                found.setdefault(one["tags"][0], []).append(_operation(document, path, method, one))
    return found


def objects(document: Schema, found: Mapping[str, list[Operation]]) -> dict[str, list[Field]]:
    """The objects of all answers, and those that they are made of."""
    schemas = document["components"]["schemas"]
    left = [name for each in found.values() for one in each for name in one.answer.split(" or ") if name in schemas]
    shown: dict[str, list[Field]] = {}
    while left:
        name = left.pop(0)
        if name not in shown and schemas[name].get("properties"):
            shown[name] = list(fields_of(schemas[name], ""))
            left += _named(schemas[name])
    return dict(sorted(shown.items()))


def fields_of(schema: Schema, where: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield Field(name, where, kind_of(one), name in required, one.get("description", ""))


def kind_of(schema: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if options := [kind for one in schema.get("anyOf", ()) if (kind := kind_of(one)) != "null"]:
        return " or ".join(dict.fromkeys(options))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _operation(document: Schema, path: str, method: str, one: Schema) -> Operation:
    parameters = [
        Field(each["name"], each["in"], kind_of(each["schema"]), each["required"], each.get("description", ""))
        for each in one["parameters"]
    ]
    body = next(iter(one["requestBody"]["content"].values()))["schema"] if "requestBody" in one else None
    if body is not None and "$ref" in body:
        body = document["components"]["schemas"][body["$ref"].removeprefix(REF)]
    answers = {status: each for status, each in one["responses"].items() if status.isdecimal()}
    media, content = next(iter(next(each for status, each in answers.items() if status < "300")["content"].items()))
    return Operation(
        one["operationId"],
        one["tags"][0],
        method.upper(),
        path,
        one["summary"],
        2 if one["security"] and {} not in one["security"] else 1 if one["security"] else 0,
        [*parameters, *(fields_of(body, "body") if body else ())],
        kind_of(content["schema"]) if media == "application/json" and content["schema"] != {"type": "string"} else media,
        [(status, each["description"]) for status, each in sorted(answers.items())],
        body,
        "requestBody" in one and bool(one["requestBody"]["required"]),
    )


def _parameter(one: Schema) -> Field:
    return Field(one["name"], one["in"], kind_of(one["schema"]), one["required"], one.get("description", ""))


def _named(schema: Any) -> list[str]:
    """Objects that a schema refers to."""
    if isinstance(schema, Mapping):
        own = [str(schema["$ref"]).removeprefix(REF)] if "$ref" in schema else []
        return own + [name for value in schema.values() for name in _named(value)]
    return [name for value in schema for name in _named(value)] if isinstance(schema, list) else []
