from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.http.api_keys import ApiKeys
from api.lists.store import Store
from contract.errors import SettingsError
from contract.settings.settings import Settings
from tests.support.fakes import FakeRedis, serve

READ, ADMIN = "read-" + "r" * 16, "admin-" + "a" * 16
PATH = "/users/54/recommendations"


def client_with(store: Store, **settings: str) -> FlaskClient:
    return create_app(Settings.from_environ({f"LARDER_{name.upper()}": value for name, value in settings.items()}), store).test_client()


@pytest.fixture
def guarded(store: Store, fake: FakeRedis) -> FlaskClient:
    serve(fake, {54: [(1, 1.0)]})
    return client_with(store, api_read_keys=f"another-{'k' * 16}, {READ}", api_admin_keys=ADMIN)


@pytest.mark.parametrize("key", [READ, ADMIN])
@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_known_key_opens(guarded: FlaskClient, key: str, header: str) -> None:
    value = f"Bearer {key}" if header == "Authorization" else key
    assert guarded.get(PATH, headers={header: value}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": f"Basic {READ}"}, {"Authorization": "Bearer é"}])
@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("GET", "/metrics"), ("GET", "/generations"), ("POST", "/runs")])
def test_without_a_known_key_it_is_a_401(guarded: FlaskClient, headers: dict[str, str], method: str, path: str) -> None:
    answer = guarded.open(path, method=method, headers=headers)
    assert (answer.status_code, answer.get_json()["error"], answer.headers["WWW-Authenticate"]) == (401, "Unauthorized", "Bearer")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_some_routes_need_no_key(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_a_key_that_came_before_opens_for_itself_alone(guarded: FlaskClient) -> None:
    for _ in range(2):
        assert guarded.get(PATH, headers={"X-API-Key": READ}).status_code == 200
        for other in (READ[:-1], READ + "r", READ.upper(), "", "another-" + "r" * 16):
            assert guarded.get(PATH, headers={"X-API-Key": other}).status_code == 401


def test_a_key_for_reading_changes_nothing(guarded: FlaskClient) -> None:
    answer = guarded.post("/generations/rollback", headers={"X-API-Key": READ})
    assert (answer.status_code, answer.get_json()["error"]) == (403, "Forbidden")


def test_without_an_admin_key_nothing_can_be_changed(client: FlaskClient) -> None:
    answer = client.post("/generations/rollback")
    assert answer.status_code == 403
    assert "LARDER_API_ADMIN_KEYS" in answer.get_json()["detail"]


def test_keys_from_a_file(store: Store, fake: FakeRedis, tmp_path: Path) -> None:
    serve(fake, {54: [(1, 1.0)]})
    file = tmp_path / "keys"
    file.write_text(f"{READ}\n\nanother-{'k' * 16}\n")
    guarded = client_with(store, api_read_keys_file=str(file))
    assert guarded.get(PATH).status_code == 401
    assert guarded.get(PATH, headers={"X-API-Key": READ}).status_code == 200


@pytest.mark.parametrize("settings", [{"LARDER_API_READ_KEYS": "hush"}, {"LARDER_API_ADMIN_KEYS_FILE": "/nonexistent/hush"}])
def test_bad_keys_are_refused_without_being_shown(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))) as caught:
        ApiKeys.of(Settings.from_environ(settings))
    assert "=hush" not in str(caught.value)
    assert "hush" not in repr(Settings.from_environ({"LARDER_API_READ_KEYS": "hush"}))
