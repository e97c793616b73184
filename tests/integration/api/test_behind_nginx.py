"""The API behind nginx, with TLS, under a path, on connections that are kept: as docs/api.md shows it."""

from __future__ import annotations

import http.client
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.cookiejar import Cookie
from typing import cast

import pytest
import requests
from redis import Redis

from contract.formats.keys import Keys
from tests.support.builders import Lists, promote_lists
from tests.support.depth import deeper
from tests.support.servers.api_process import ApiProcess, until
from tests.support.servers.nginx_server import Nginx

ADMIN = "admin-" + "a" * 16
LISTS: Lists = {user: [(item, 9.0 - item) for item in range(3)] for user in range(50)}
RELOADS, CLIENTS = 2, 8
IDLE_S = 62
SHOP = "https://shop.example"


@pytest.fixture(params=[False, True], ids=["keeps the prefix", "takes it away"])
def proxy(request: pytest.FixtureRequest, store_redis: Redis, redis_server: str) -> Iterator[tuple[Nginx, ApiProcess]]:
    promote_lists(store_redis, Keys(), LISTS, generation="g1")
    settings = {"LARDER_API_TRUSTED_PROXIES": "127.0.0.1", "LARDER_API_ADMIN_KEYS": ADMIN, "LARDER_API_CORS_ORIGINS": SHOP}
    with ApiProcess(redis_server, **settings) as api, Nginx(api.port, strips=request.param) as nginx:
        until("nginx listens", nginx.is_up)
        yield nginx, api


def test_links_cookies_and_addresses(proxy: tuple[Nginx, ApiProcess]) -> None:
    nginx, api = proxy
    with requests.Session() as session:
        session.verify, session.trust_env = nginx.certificate, False
        sent = session.get(f"{nginx.url}/change/retrain", allow_redirects=False)
        assert sent.headers["Location"] == "/larder/sign-in?next=/larder/change/retrain"
        origin = nginx.url.removesuffix("/larder")
        form = {"key": ADMIN, "next": "/larder/explore"}
        signed = session.post(f"{nginx.url}/sign-in", data=form, headers={"Origin": origin}, allow_redirects=False)
        assert (signed.status_code, signed.headers["Location"]) == (303, "/larder/explore")
        (cookie,) = cast("list[Cookie]", list(session.cookies))
        assert (cookie.path, cookie.secure) == ("/larder", True)
        page = session.get(f"{nginx.url}/change/retrain")
        assert "Retrain" in page.text
        assert 'href="/larder/explore"' in page.text
        started = session.post(f"{nginx.url}/v1/runs", json={}, headers={"X-API-Key": ADMIN})
        assert started.status_code == 202
        assert started.headers["Location"] == started.json()["status_url"]
        assert session.get(origin + started.headers["Location"]).json()["state"] == "queued"
        assert session.get(f"{nginx.url}/openapi.json").json()["servers"] == [{"url": "/larder"}]
        ours = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example", "X-Request-ID": "ours"}
        assert 'href="/larder/explore"' in session.get(f"{nginx.url}/runbook", headers=ours).text
    (line,) = until("its line in the log", lambda: [line for line in api.log_lines() if line.get("request_id") == "ours"])
    assert line["remote"] == "127.0.0.1"


def test_a_page_of_another_origin_may_ask(proxy: tuple[Nginx, ApiProcess]) -> None:
    nginx, _ = proxy
    asks = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for path in ("/recommendations", "/v1/recommendations"):
        allowed = requests.options(nginx.url + path, headers=asks, verify=nginx.certificate, timeout=30)
        assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
        answer = requests.post(nginx.url + path, json={"user_id": 4}, headers={"Origin": SHOP}, verify=nginx.certificate, timeout=30)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, SHOP)


@pytest.mark.long
@deeper
def test_connections_that_were_idle_for_a_minute_take_another_request(proxy: tuple[Nginx, ApiProcess]) -> None:
    """As long as load balancers keep theirs, through nginx and without it; each question goes over the connection of the one before."""
    nginx, api = proxy
    before = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    secured = http.client.HTTPSConnection("127.0.0.1", nginx.port, timeout=30, context=ssl.create_default_context(cafile=nginx.certificate))
    ways = ((before, "/recommendations"), (secured, "/larder/recommendations"))

    def ask_all() -> list[int]:
        found = []
        for connection, path in ways:
            connection.request("POST", path, b'{"user_id": 4}', {"Content-Type": "application/json"})
            found.append(connection.getresponse())
            found[-1].read()
        return [answer.status for answer in found]

    with closing(before), closing(secured):
        assert ask_all() == [200, 200]
        sockets = [connection.sock for connection, _ in ways]
        time.sleep(IDLE_S)
        assert ask_all() == [200, 200]
        assert [connection.sock for connection, _ in ways] == sockets, "none was closed meanwhile"


def test_workers_are_renewed_under_load_and_no_request_fails(proxy: tuple[Nginx, ApiProcess]) -> None:
    nginx, api = proxy
    stop, counts, bad = threading.Event(), [0] * CLIENTS, list[str]()

    def ask(client: int) -> None:
        with requests.Session() as session:
            session.verify, session.trust_env = nginx.certificate, False
            while not stop.is_set():
                try:
                    answer = session.post(f"{nginx.url}/recommendations", json={"user_id": counts[client] % 50}, timeout=30)
                    if answer.status_code != 200:
                        bad.append(f"{answer.status_code} {answer.text[:200]}")
                except requests.RequestException as error:
                    bad.append(str(error))
                counts[client] += 1

    def all_above(bounds: list[int]) -> bool:
        return all(count > bound for count, bound in zip(counts, bounds, strict=True))

    def has_booted(n_workers: int) -> bool:
        return len(api.booted()) >= n_workers

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(RELOADS):
            until("all clients are served", partial(all_above, [count + 20 for count in counts]))
            booted = len(api.booted())
            api.process.send_signal(signal.SIGHUP)
            until("there are new workers", partial(has_booted, booted + 2))
            until("all clients are served", partial(all_above, [count + 20 for count in counts]))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert bad == [], nginx.log()
