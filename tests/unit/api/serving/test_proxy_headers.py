"""What is believed of a proxy, and links, redirects and cookies under a path."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.http.request_ids import USER
from api.lists.store import Store
from api.serving.proxy_headers import ProxyHeaders
from contract.errors import SettingsError
from contract.settings.settings import Settings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

ADMIN = "admin-" + "a" * 16
LISTS: Lists = {54: [(300, 2.5), (294, 1.5)]}
PROXY = "10.0.0.7"
NETWORKS = "10.0.0.0/8,fd00::/8"


def client_of(store: Store, **settings: str) -> FlaskClient:
    given = {f"LARDER_{name.upper()}": value for name, value in settings.items()}
    return create_app(Settings.from_environ(given), store).test_client()


def seen(peer: str, headers: dict[str, str], path: str = "/x", **settings: str) -> dict[str, str]:
    """The environ that reaches the application."""
    got: dict[str, str] = {}

    def application(environ: dict[str, str], _start: object) -> list[bytes]:
        got.update(environ)
        return []

    mount = ProxyHeaders(application, Settings(**{"api_trusted_proxies": NETWORKS, **settings}), {"users", "v1"})
    environ = {"REMOTE_ADDR": peer, "PATH_INFO": path, "SCRIPT_NAME": "", "wsgi.url_scheme": "http", "HTTP_HOST": "inside:5000"}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    mount(environ, lambda *_: lambda _: None)
    return got


SAID = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.4, 10.0.0.8",
    "X-Forwarded-Proto": "http, https",
    "X-Forwarded-Host": "evil.example, shop.example",
    "X-Forwarded-Prefix": "/larder/",
}


def test_a_trusted_proxy_says_who_asks_and_where() -> None:
    found = seen(PROXY, SAID)
    assert found["REMOTE_ADDR"] == "198.51.100.4"  # the last that is not a proxy of ours
    assert (found["wsgi.url_scheme"], found["HTTP_HOST"], found["SCRIPT_NAME"]) == ("https", "shop.example", "/larder")


@pytest.mark.parametrize("peer", ["192.0.2.1", "11.0.0.1", "fe80::1", "", "10.0.0.7.example"])
def test_nobody_else_is_believed(peer: str) -> None:
    found = seen(peer, {**SAID, "Forwarded": "for=203.0.113.9;proto=https;host=evil.example"})
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"], found["SCRIPT_NAME"]) == (peer, "http", "inside:5000", "")


@pytest.mark.parametrize("peer", ["fd00::7", "::ffff:10.1.2.3"])
def test_proxies_may_have_addresses_of_either_kind(peer: str) -> None:
    assert seen(peer, SAID)["REMOTE_ADDR"] == "198.51.100.4"


def test_one_of_both_families_of_headers_counts() -> None:
    forwarded = 'for="[2001:db8::9]:4711";proto=https;host="shop.example", for=10.0.0.9;proto=https;host=shop.example:8443'
    found = seen(PROXY, {**SAID, "Forwarded": forwarded}, api_forwarded="forwarded")
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"]) == ("2001:db8::9", "https", "shop.example:8443")
    assert seen(PROXY, {"Forwarded": forwarded})["REMOTE_ADDR"] == PROXY


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "unknown"},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Host": "a b"},
        {"X-Forwarded-Host": "shop.example/path"},
        *(
            {"X-Forwarded-Prefix": prefix}
            for prefix in ("larder", "//evil.example", "/a b", "/a/../b", "/" + "a" * 300, '/"><script>', "/users")
        ),
    ],
)
def test_what_can_not_be_is_not_believed(headers: dict[str, str]) -> None:
    found = seen(PROXY, headers)
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"], found["SCRIPT_NAME"]) == (PROXY, "http", "inside:5000", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/larder/users", "/users"), ("/larder", "/"), ("/larder/", "/"), ("/users", "/users"), ("/larderer", "/larderer")],
)
def test_a_proxy_may_take_the_prefix_away_or_leave_it(path: str, expected: str) -> None:
    found = seen("192.0.2.1", {}, path, api_root_path="/larder")
    assert (found["PATH_INFO"], found["SCRIPT_NAME"]) == (expected, "/larder")


def test_a_path_of_the_apis_own_is_no_prefix(store: Store) -> None:
    for taken in ("/users", "/v1", "/cards/x"):
        with pytest.raises(SettingsError, match="LARDER_API_ROOT_PATH"):
            client_of(store, api_root_path=taken)


def test_without_a_proxy_nothing_stands_in_front(store: Store) -> None:
    app = create_app(Settings(), store)
    assert type(app.wsgi_app).__name__ == "Middleware"


@pytest.mark.parametrize("start", ["", "/shop/larder"])
def test_every_link_stays_under_the_prefix(store: Store, fake: FakeRedis, start: str) -> None:
    serve(fake, LISTS)
    client = client_of(store, api_root_path="/shop/larder", api_admin_keys=ADMIN)
    for page in ("/sign-in", "/runbook", "/explore?user=54", "/change/nope", "/docs"):
        text = client.get(f"{start}{page}").text
        links = re.findall(r'(?:href|src|action|data-from)="([^"]*)"', text)
        assert links, page
        outside = [link for link in links if not re.match(r"/shop/larder/|#|\?|docs/|reference$|https?:|data:", link)]
        assert outside == [], page
        for link in links:
            if "/assets/" in link:
                assert client.get(link).status_code == 200


def test_signing_in_stays_under_the_prefix(store: Store) -> None:
    client = client_of(store, api_root_path="/larder", api_admin_keys=ADMIN)
    sent = client.get("/larder/change/retrain?a=1")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/larder/sign-in?next=/larder/change/retrain%3Fa%3D1")
    for wanted, reached in (("/larder/explore", "/larder/explore"), ("/other", "/larder/"), ("//evil.example", "/larder/")):
        signed = client.post("/larder/sign-in", data={"key": ADMIN, "next": wanted})
        assert (signed.status_code, signed.headers["Location"]) == (303, reached)
    assert "Path=/larder;" in f"{signed.headers['Set-Cookie']};"


def test_the_public_origin_is_that_of_forms(store: Store) -> None:
    form = {"key": ADMIN, "next": "/"}
    shop = {"Origin": "https://shop.example"}
    assert client_of(store, api_admin_keys=ADMIN).post("/sign-in", data=form, headers=shop).status_code == 403
    client = client_of(store, api_admin_keys=ADMIN, api_public_origin="https://shop.example")
    signed = client.post("/sign-in", data=form, headers=shop)
    assert signed.status_code == 303
    assert "Secure" in signed.headers["Set-Cookie"]
    assert "Secure" not in client.post("/sign-in", data=form, headers={"Origin": "http://localhost"}).headers["Set-Cookie"]
    assert client.post("/sign-in", data=form, headers={"Origin": "https://shop.example.evil"}).status_code == 403


def test_the_document_says_where_the_api_is(store: Store) -> None:
    def url(client: FlaskClient, path: str) -> object:
        return client.get(path).get_json()["servers"][0]["url"]

    assert url(client_of(store), "/openapi.json") == "/"
    client = client_of(store, api_root_path="/larder", api_public_origin="https://shop.example")
    assert url(client, "/openapi.json") == "https://shop.example/larder"
    assert url(client, "/larder/v1/openapi.json") == "https://shop.example/larder/v1"


@pytest.mark.parametrize("name", ["Zoë Müller-Bà", "Ольга", "王" * 128])
def test_a_name_may_have_any_letters(name: str) -> None:
    """A header's bytes are UTF-8, and the last of them may look like a space of Latin-1."""
    assert seen(PROXY, {"X-User": f" {name} ".encode().decode("latin-1")}, api_user_header="X-User")[USER] == name


@pytest.mark.parametrize(
    "sent",
    [b"Zo\xeb", b"Zo\xed\xa0\x80", "王".encode() * 129, "ki\u202em".encode(), "ki\u0085m".encode(), "a,王".encode(), "\u3000".encode()],
)
def test_what_is_no_name_names_nobody(sent: bytes) -> None:
    assert USER not in seen(PROXY, {"X-User": sent.decode("latin-1")}, api_user_header="X-User")
