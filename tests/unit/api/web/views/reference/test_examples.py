"""Requests to copy: what a value stands for, and that a change is done to nobody."""

from __future__ import annotations

from typing import Any

import pytest

from api.web.views.reference.examples import curl_of
from api.web.views.reference.operations import Operation, kind_of, objects, operations

SAMPLES = {"user_id": "mr. x", "item_id": 7, "generation": "g1"}
SCHEMAS: dict[str, Any] = {
    "Asked": {
        "required": ["user_ids", "items"],
        "properties": {
            "user_ids": {"type": "array", "items": {"type": "string"}},
            "items": {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/One"}, {"type": "null"}]}},
            "k": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "How many."},
        },
    },
    "One": {"required": ["item_id"], "properties": {"item_id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}},
}


def document(method: str, path: str, security: list[dict[str, list[str]]], **more: Any) -> dict[str, Any]:
    names = [word[1:-1] for word in path.split("/") if word.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    answer = {"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}}}
    one = {"operationId": "it", "tags": ["Lists"], "summary": "It", "parameters": parameters, "security": security, "responses": answer}
    return {"paths": {path: {method: one | more}}, "components": {"schemas": SCHEMAS}}


def only(found: dict[str, Any]) -> Operation:
    return operations(found)["Lists"][0]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (SAMPLES, "curl -s https://a/users/mr.%20x"),
        ({}, "curl -s https://a/users/USER_ID"),
        ({"user_id": "a/b"}, "curl -s https://a/users/USER_ID"),
    ],
)
def test_a_read_asks_for_a_user_that_there_is(samples: dict[str, Any], expected: str) -> None:
    one = only(document("get", "/users/{user_id}", [{}, {"key": []}]))
    assert curl_of(one, "https://a", samples, SCHEMAS, needs_key=False) == expected


def test_a_change_has_a_key_and_names_nobody() -> None:
    one = only(document("delete", "/users/{user_id}", [{"key": []}]))
    found = curl_of(one, "https://a", SAMPLES, SCHEMAS, needs_key=False)
    assert found == 'curl -s -X DELETE -H "Authorization: Bearer $LARDER_KEY" https://a/users/USER_ID'


def test_a_body_has_what_is_required_and_nothing_else() -> None:
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}}}
    one = only(document("post", "/ask", [], **body))
    found = curl_of(one, "https://a", SAMPLES, SCHEMAS, needs_key=True)
    assert found == """curl -s https://a/ask -H 'Content-Type: application/json' -d '{"user_ids": ["mr. x"], "items": [{"item_id": 7}]}'"""
    assert [(each.name, each.where, each.kind, each.is_required) for each in one.fields] == [
        ("user_ids", "body", "list of string", True),
        ("items", "body", "list of One", True),
        ("k", "body", "integer", False),
    ]
    assert list(objects(document("get", "/ask", []), operations(document("get", "/ask", [])))) == ["Asked", "One"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [({}, "any"), ({"enum": ["a", "b"]}, "a or b"), ({"const": 1}, "1"), ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string")],
)
def test_kinds_are_words(schema: dict[str, Any], expected: str) -> None:
    assert kind_of(schema) == expected
