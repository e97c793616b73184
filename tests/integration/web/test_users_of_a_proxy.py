"""Pages for people whom a trusted proxy names: who looks, who changes, and who is not believed."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from api.app import create_app
from contract.audit import Audit
from contract.errors import SettingsError
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.generations import Generations
from tests.support.builders import promote_lists

READ, ADMIN = "r" * 16, "a" * 16
PROXY, ELSEWHERE = "10.0.0.7", "203.0.113.9"
HERE = {"Origin": "http://localhost"}


@pytest.fixture
def client(redis_server: str, store_redis: Redis) -> FlaskClient:
    """Two generations, and a key for reading, so that nobody sees a page unasked."""
    for name in ("g1", "g2"):
        promote_lists(store_redis, Keys(), {1: [(1, 2.0)]}, generation=name)
    settings = {
        "api_trusted_proxies": PROXY,
        "api_user_header": "X-Forwarded-Email",
        "api_admin_users": "kim@shop.example, sam@shop.example",
    }
    settings |= {"api_read_keys": READ, "api_admin_keys": ADMIN, "redis_url": redis_server, "pointer_ttl_ms": "0"}
    return create_app(Settings.from_environ({f"LARDER_{name.upper()}": value for name, value in settings.items()})).test_client()


def ask(client: FlaskClient, path: str, user: str, peer: str = PROXY, **more: str) -> TestResponse:
    return client.get(path, headers={"X-Forwarded-Email": user, **more}, environ_base={"REMOTE_ADDR": peer})


def roll_back(client: FlaskClient, user: str, headers: dict[str, str], peer: str = PROXY, **more: str) -> TestResponse:
    """Press the button, with what its page holds for who may see it."""
    page = ask(client, "/change/rollback", user, peer)
    return client.post(
        "/change/rollback",
        data={**dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)), **more},
        headers={"X-Forwarded-Email": user, **headers},
        environ_base={"REMOTE_ADDR": peer},
    )


def test_whom_a_trusted_proxy_names_sees_pages_and_admins_change_things(client: FlaskClient, store_redis: Redis) -> None:
    assert client.get("/", environ_base={"REMOTE_ADDR": PROXY}).status_code == 303, "nobody is named: to the form for a key"
    page = ask(client, "/", "lee@shop.example")
    assert page.status_code == 200
    assert "lee@shop.example, to read" in page.text
    assert "Sign out" not in page.text
    asked = ask(client, "/explore?user=54", "lee@shop.example").text
    assert "lee@shop.example, to read" in asked, "who looks, and not the user who is looked at"
    assert "54, to read" not in asked
    assert roll_back(client, "lee@shop.example", HERE).status_code == 303, "who may look is asked for a key"
    assert "kim@shop.example, to change things" in ask(client, "/", "kim@shop.example").text
    assert ask(client, "/change/rollback", "kim@shop.example").status_code == 200
    assert roll_back(client, "kim@shop.example", HERE).status_code in (200, 303)
    pointer = Generations(store_redis, Keys()).current()
    assert pointer is not None
    assert pointer.generation == "g1"
    assert "kim@shop.example" in Audit(store_redis, Keys(), 10).newest(1)[0].by


@pytest.mark.parametrize(
    ("user", "peer"),
    [
        ("kim@shop.example", ELSEWHERE),
        ("kim@shop.example,lee@shop.example", PROXY),
        ("k" * 129, PROXY),
        (" ", PROXY),
        ("ki\x80m", PROXY),
        ("ki\u202em".encode().decode("latin-1"), PROXY),
    ],
    ids=["another address", "two headers", "too long", "empty", "not UTF-8", "not printable"],
)
def test_nobody_else_names_a_user(client: FlaskClient, user: str, peer: str) -> None:
    assert ask(client, "/", user, peer).status_code == 303
    assert roll_back(client, user, HERE, peer).status_code == 303


@pytest.mark.parametrize("given", ["", "-", "x" * 32])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}, {"Authorization": "Bearer of-the-proxy"},
     {"Authorization": f"Bearer {READ}"}, {"X-API-Key": "nobodys"}, {"Authorization": "Basic a2ltOmtpbQ=="}],
    ids=str,
)  # fmt: skip
def test_a_form_of_another_site_is_refused(client: FlaskClient, store_redis: Redis, headers: dict[str, str], given: str) -> None:
    """One that does not say where it comes from, too: no browser of today sends such. Whatever it has for a token, and a proxy adds."""
    assert roll_back(client, "kim@shop.example", headers, token=given).status_code == 403
    pointer = Generations(store_redis, Keys()).current()
    assert pointer is not None
    assert pointer.generation == "g2"


def test_who_has_a_key_for_changes_in_a_header_needs_no_form_of_ours(client: FlaskClient, store_redis: Redis) -> None:
    assert roll_back(client, "", {"Authorization": f"Bearer {ADMIN}"}, ELSEWHERE, served="g2", target="g1").status_code in (200, 303)
    pointer = Generations(store_redis, Keys()).current()
    assert pointer is not None
    assert pointer.generation == "g1"


def test_a_token_that_the_proxy_sends_along_is_no_key_of_ours(client: FlaskClient) -> None:
    """Who needs to sign in is told where; a program that sends us a wrong key is told so."""
    of_the_proxy = {"Authorization": "Bearer of-the-proxy"}
    assert ask(client, "/", "lee@shop.example", **of_the_proxy).status_code == 200
    assert ask(client, "/change/rollback", "lee@shop.example", **of_the_proxy).status_code == 303
    assert ask(client, "/", "", **of_the_proxy).status_code == 303
    assert ask(client, "/live", "", **of_the_proxy).status_code == 401, "a part of a page"
    assert ask(client, "/", "", **{"X-API-Key": "nobodys"}).status_code == 401
    assert ask(client, "/change/rollback", "", Authorization=f"Bearer {READ}").status_code == 401


def test_routes_of_the_api_take_keys_alone(client: FlaskClient) -> None:
    assert ask(client, "/generations", "kim@shop.example").status_code == 401
    assert ask(client, "/generations", "lee@shop.example", **{"X-API-Key": READ}).status_code == 200


def test_all_may_be_admins(redis_server: str, store_redis: Redis) -> None:
    settings = Settings(redis_url=redis_server, api_trusted_proxies=PROXY, api_user_header="X-User", api_admin_users="*")
    page = create_app(settings).test_client().get("/", headers={"X-User": "lee"}, environ_base={"REMOTE_ADDR": PROXY})
    assert "lee, to change things" in page.text


def test_a_header_that_nobody_may_send_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"LARDER_API_USER_HEADER: nobody would be believed.*LARDER_API_TRUSTED_PROXIES"):
        create_app(Settings(api_user_header="X-User"))
