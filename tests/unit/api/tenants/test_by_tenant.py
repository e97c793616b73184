"""Several applications behind one proxy, and what a session of one is to another."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client

from api.app import create_app
from api.serving.plain.parts import SENDER, TENANTS
from api.tenants.by_tenant import ByTenant
from contract.errors import SettingsError
from contract.settings.settings import Settings
from contract.tenants.file import TenantsFile
from contract.tenants.tenant import Tenant

READER, EDITOR = "a-key-of-some-reader", "a-key-of-some-editor"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Two tenants: who changes one reads the other."""
    file = tmp_path / "tenants.toml"
    tables = (f'[{name}]\napi_read_keys_env = "{read}"\napi_admin_keys_env = "{admin}"\n' for name, read, admin in ("aXY", "bYX"))
    file.write_text("".join(tables))
    for name, value in {"LARDER_TENANTS": str(file), "LARDER_REDIS_URL": "redis://127.0.0.1:1/0", "X": READER, "Y": EDITOR}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("start", ["", "/larder"])
def test_pages_and_cookies_stay_below_the_prefix_and_the_tenant(environ: pytest.MonkeyPatch, start: str) -> None:
    environ.setenv("LARDER_API_ROOT_PATH", "/larder")
    client = create_app().test_client()
    sent = client.get(f"{start}/t/a/")
    assert (sent.status_code, sent.headers.get("Location")) == (303, "/larder/t/a/sign-in?next=/larder/t/a/")
    signed = sign_in(client, f"{start}/t/a", READER)
    assert "Path=/larder/t/a;" in f"{signed};"
    assert client.get(f"{start}/health/live").status_code == 200


def test_a_prefix_can_not_be_that_of_the_tenants(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("LARDER_API_ROOT_PATH", "/t")
    with pytest.raises(SettingsError, match="/t is a path of the API's own"):
        create_app()


@pytest.mark.usefixtures("environ")
def test_a_session_of_one_tenant_opens_nothing_of_another() -> None:
    client = create_app().test_client(use_cookies=False)
    cookie = sign_in(client, "/t/a", EDITOR).partition(";")[0]
    for tenant, expected in (("a", 503), ("b", 303)):
        answer = client.get(f"/t/{tenant}/change/retrain", headers={"Cookie": cookie})
        assert answer.status_code == expected, tenant  # there is no Redis behind the page


def test_keys_that_can_not_be_read_leave_those_that_were_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, environ, now = tmp_path / "tenants.toml", {"LARDER_REDIS_URL": "redis://127.0.0.1:1/0", "X": READER}, 10
    path.write_text('[a]\napi_read_keys_env = "X"\n')
    file = TenantsFile(str(path), environ, lambda: now)
    asked = ByTenant(create_app(Settings()).wsgi_app, file, lambda tenant: create_app(tenant.settings))
    client = Client(asked)

    def status(tenant: str, key: str = "") -> int:
        return client.get(f"/t/{tenant}/generations/current", headers={"X-API-Key": key}).status_code

    assert (status("a"), status("a", READER)) == (401, 503)
    path.write_text(f'[a]\napi_keys_file = "{tmp_path}/none"\n[b]\napi_keys_file = "{tmp_path}/none"\n')
    now += 10
    assert (status("a"), status("a", READER)) == (401, 503)
    answer = client.get("/t/b/generations/current")
    assert answer.status_code == 503
    assert "settings can't be followed" in answer.get_data(as_text=True)
    assert "none" not in answer.get_data(as_text=True)
    assert [record.message.partition(":")[0] for record in caplog.records if "/none" in record.message] == ["the tenant a", "the tenant b"]


def test_what_waits_to_be_sent_is_sent_when_the_process_ends(tmp_path: Path) -> None:
    path, closed = tmp_path / "tenants.toml", list[str]()
    path.write_text("[a]\n[b]\n[c]\n")
    environ = {"LARDER_REDIS_URL": "redis://127.0.0.1:1/0"}

    class Sender:
        def __init__(self, name: str) -> None:
            self._name = name

        def close(self) -> None:
            closed.append(self._name)

    def make(tenant: Tenant) -> Flask:
        app = create_app(tenant.settings)
        app.extensions[SENDER] = Sender(tenant.name)
        return app

    tenants = ByTenant(create_app(Settings()).wsgi_app, TenantsFile(str(path), environ), make)
    for name in ("a", "b"):
        assert Client(tenants).get(f"/t/{name}/health/live").status_code == 200
    tenants.close()
    assert sorted(closed) == ["a", "b"]


@pytest.mark.usefixtures("environ")
def test_the_worker_is_given_what_to_close() -> None:
    assert isinstance(create_app().extensions[TENANTS], ByTenant)


def sign_in(client: FlaskClient, start: str, key: str) -> str:
    """The cookie that is set."""
    return client.post(f"{start}/sign-in", data={"key": key}).headers["Set-Cookie"]
