"""docs/api.md names every route, field, error, metric and setting of the API, and openapi.json is what OpenAPI 3.1 asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel

from api.app import create_app
from api.http import answer_models, event_models, request_models, run_models
from api.http import problems as errors
from api.lists.store import Store
from contract.formats.incoming import event
from contract.formats.manifest import Pointer
from contract.settings.settings import Settings
from tests.support.manual.reference import Reference
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text()
REFERENCE = Reference("docs/api.md")
MODELS = [
    model
    for module in (answer_models, event_models, event, request_models, run_models)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__
]
OF_THE_API = ("api_", "events", "pointer_ttl_ms", "stale_after_s", "log_level", "redis_url", "queue_url", "namespace", "manual")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_every_route_has_a_row_and_no_row_is_of_another(document: dict[str, Any]) -> None:
    """Of those that differ by their query alone, one row is enough."""
    told = {name.partition("?")[0] for name in REFERENCE.heads("Routes") if not name.startswith("?")}
    there = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}
    assert {name for name in there - told if not name.startswith("GET /docs/")} == set()
    assert told - there == {"POST /events"}, "there with LARDER_EVENTS alone"


def test_every_route_of_flask_is_described_and_nothing_else(store: Store, document: dict[str, Any]) -> None:
    app: Flask = create_app(Settings(), store)
    routed = {
        (re.sub("<([a-z_]+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert routed == {(path, method.upper()) for path, operations in document["paths"].items() for method in operations}


@pytest.mark.parametrize("model", [*MODELS, Pointer], ids=lambda model: model.__name__)
def test_every_field(model: type[BaseModel]) -> None:
    if model is run_models.RunOptions:
        return  # the settings, which have a place of their own
    missing = [name for name in model.model_fields if f"`{name}`" not in TEXT]
    assert missing == []


def test_every_error() -> None:
    listed = re.findall(r"^\d{3}     (.+?)  ", errors.__doc__ or "", re.MULTILINE)
    assert len(listed) > 10
    for error in listed:
        assert f"`{error.strip()}`" in TEXT, error


def test_every_setting_has_a_row() -> None:
    named = {f"LARDER_{name.upper()}" for name in Settings.model_fields}
    told = REFERENCE.heads("Settings")
    assert {name for name in named if name.startswith(tuple(f"LARDER_{part.upper()}" for part in OF_THE_API))} - told == set()
    assert told - named == {"PROMETHEUS_MULTIPROC_DIR"}


def test_every_metric_has_a_row(client: FlaskClient) -> None:
    named = set(re.findall(r"^# TYPE (larder_\w+)", client.get("/metrics").text, re.MULTILINE))
    told = {name.partition("{")[0] for name in REFERENCE.heads("Metrics")}
    assert {name for name in named if not name.endswith("_created")} - told == set()


def test_the_document_is_openapi_3_1_with_references_that_lead_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    references = set(re.findall(r"'#/components/schemas/(\w+)'", str(document)))
    assert references <= set(document["components"]["schemas"])
    names = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_the_document_says_what_linters_and_generators_of_clients_ask_for(document: dict[str, Any]) -> None:
    assert document["servers"]
    assert document["info"]["contact"]
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    operations = [operation for operations in document["paths"].values() for operation in operations.values()]
    for operation in operations:
        assert operation["description"], operation["operationId"]
        assert set(operation["tags"]) <= described
        assert "security" in operation
    assert [one["operationId"] for one in operations if one["security"] == []]


def test_what_may_be_left_out_has_no_default(document: dict[str, Any]) -> None:
    """A client that is generated would say that each list is short, and ask for all that it could."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        assert [field for field, one in schema.get("properties", {}).items() if "default" in one] == [], name
    assert schemas["UserRequest"]["required"] == ["user_id"]
    assert schemas["UserRequest"]["properties"]["offset"]["description"].endswith("0 when it is not given.")
    assert "when it is not given" not in str(schemas["RunOptions"])  # what is not given is the trainer's own


def test_the_page_asks_nothing_of_others(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert "http" not in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="([^":]+)"', page.text):
        assert len(client.get(f"/{name}").data) > 50
