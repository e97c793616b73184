"""Keys with a name: what they open, how often, and how they come and go."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.http import named_keys
from api.http.named_keys import Buckets, NamedKey, NamedKeys
from api.lists.store import Store
from contract.errors import SettingsError
from contract.settings.settings import Settings
from tests.support.fakes import Clock, FakeRedis, serve

SHOP, NEW, ADMIN, EVENTS = (f"{name}-{'x' * 20}" for name in ("shop", "new", "admin", "events"))
LIST = "/users/54/recommendations"


def line(name: str, access: str, key: str, more: str = "") -> str:
    return f"{name} {access} sha256:{sha256(key.encode()).hexdigest()} {more}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    options = "routes=/users/{user_id}/recommendations,/generations"
    text = line("shop", "read", SHOP, options) + "\n# admins\n" + line("nightly", "admin", ADMIN) + line("feed", "write", EVENTS)
    made.write_text(text)
    return made


@pytest.fixture
def client(store: Store, fake: FakeRedis, path: Path) -> FlaskClient:
    serve(fake, {54: [(1, 1.0)]})
    return create_app(Settings(api_keys_file=str(path), events=True), store).test_client()


@pytest.mark.parametrize(
    ("key", "method", "route", "status"),
    [
        (SHOP, "GET", LIST, 200),
        (SHOP, "GET", f"/v1{LIST}", 200),
        (SHOP, "GET", "/generations/current", 200),
        (SHOP, "GET", "/popular", 403),
        (SHOP, "POST", "/recommendations", 403),
        (SHOP, "POST", "/generations/rollback", 403),
        (SHOP, "POST", "/events", 403),
        (ADMIN, "GET", LIST, 200),
        (ADMIN, "GET", "/popular", 200),
        (ADMIN, "POST", "/events", 403),
        (EVENTS, "GET", LIST, 403),
        (EVENTS, "POST", "/events", 400),
        ("unknown" * 4, "GET", LIST, 401),
        ("", "GET", LIST, 401),
        ("", "GET", "/health/live", 200),
    ],
)
def test_a_key_opens_what_its_line_says(client: FlaskClient, key: str, method: str, route: str, status: int) -> None:
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert client.open(route, method=method, headers=headers).status_code == status


def test_keys_without_a_name_go_on_to_work(store: Store, fake: FakeRedis, path: Path) -> None:
    serve(fake, {54: [(1, 1.0)]})
    other = "another-" + "k" * 16
    client = create_app(Settings.from_environ({"LARDER_API_KEYS_FILE": str(path), "LARDER_API_READ_KEYS": other}), store).test_client()
    assert client.get(LIST, headers={"X-API-Key": other}).status_code == 200


def test_without_a_key_for_reading_everybody_may_read(store: Store, fake: FakeRedis, path: Path) -> None:
    serve(fake, {54: [(1, 1.0)]})
    path.write_text(line("nightly", "admin", ADMIN))
    assert create_app(Settings(api_keys_file=str(path)), store).test_client().get(LIST).status_code == 200


def test_keys_come_and_go_without_a_restart(path: Path) -> None:
    clock = Clock()
    keys = NamedKeys(str(path), clock)
    assert keys.find(NEW) is None
    replaced = path.with_name("new")
    replaced.write_text(line("shop", "read", NEW))
    replaced.replace(path)
    assert keys.find(NEW) is None
    clock.now_s += 1
    assert keys.find(NEW) == NamedKey("shop", "read", sha256(NEW.encode()).digest())
    assert keys.find(SHOP) is None


@pytest.mark.parametrize("text", ["shop read\n", None])
def test_a_file_that_says_nothing_changes_nothing(path: Path, text: str | None, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    keys = NamedKeys(str(path), clock)
    path.unlink() if text is None else path.write_text(text)
    clock.now_s += 1
    assert keys.find(SHOP) is not None
    assert "The keys stay as they were" in caplog.text
    path.write_text(line("shop", "read", NEW))
    clock.now_s += 1
    assert keys.find(NEW) is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shop read\n", "line 1: the digest"),
        ("\n# x\nshop reader sha256:00", "line 3: the access"),
        ("sh/op read sha256:00", "line 1: the name"),
        (f"shop read {SHOP}", "line 1: the digest"),
        (line("shop", "read", SHOP, "rate=0"), "behind the digest"),
        (line("shop", "read", SHOP, "rate=x"), "behind the digest"),
        (line("shop", "read", SHOP, "routes=popular"), "behind the digest"),
        (line("shop", "read", SHOP) + line("other", "read", SHOP), "line 2: the same key"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_not_shown(store: Store, path: Path, text: str, says: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError, match=says) as raised:
        create_app(Settings(api_keys_file=str(path)), store)
    assert SHOP not in str(raised.value)
    assert sha256(SHOP.encode()).hexdigest() not in str(raised.value)


def test_a_key_has_its_rate(store: Store, fake: FakeRedis, path: Path) -> None:
    serve(fake, {54: [(1, 1.0)]})
    path.write_text(line("shop", "read", SHOP, "rate=0.002") + line("other", "read", NEW))
    client = create_app(Settings(api_keys_file=str(path), api_workers=1), store).test_client()
    assert client.get(LIST, headers={"X-API-Key": SHOP}).status_code == 200
    limited = client.get(LIST, headers={"X-API-Key": SHOP})
    assert (limited.status_code, limited.get_json()["error"]) == (429, "Too many requests")
    assert 400 < int(limited.headers["Retry-After"]) <= 500
    assert client.get(LIST, headers={"X-API-Key": NEW}).status_code == 200
    client.get("/generations/nope", headers={"X-API-Key": NEW})
    text = client.get("/metrics", headers={"X-API-Key": NEW}).text
    assert 'larder_key_requests_total{key="shop",outcome="allowed"} 1.0' in text
    assert 'larder_key_requests_total{key="shop",outcome="limited"} 1.0' in text


def test_a_bucket_fills_again() -> None:
    clock = Clock()
    buckets, key = Buckets(2, clock), NamedKey("shop", "read", b"", rate=8)
    assert [buckets.wait_s(key) for _ in range(5)] == [0, 0, 0, 0, 0.25]
    clock.now_s += 0.5
    assert [buckets.wait_s(key) > 0 for _ in range(3)] == [False, False, True]
    clock.now_s += 100
    assert [buckets.wait_s(key) > 0 for _ in range(5)] == [False, False, False, False, True]


@pytest.fixture
def always_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of keys that are opened from here on."""
    monkeypatch.setattr(named_keys, "LOOK_S", 0.0)


@pytest.mark.usefixtures("always_looked_at")
def test_a_session_ends_with_its_key(client: FlaskClient, path: Path) -> None:
    assert client.post("/sign-in", data={"key": SHOP, "next": "/"}).status_code == 200, "a key for some routes opens no page"
    assert client.post("/sign-in", data={"key": ADMIN, "next": "/"}).status_code == 303
    assert client.get("/change/nope").status_code == 404
    seen = client.get("/explore")
    assert (seen.status_code, ADMIN in seen.text) == (200, False)
    cookie = client.get_cookie("larder_session")
    assert cookie is not None
    assert ADMIN not in cookie.value
    path.write_text(line("shop", "read", SHOP))
    assert client.get("/change/nope").status_code == 404
    assert client.get("/explore").status_code == 303
