"""One API for several catalogues: keys, names, and what is of no tenant."""

from __future__ import annotations

from pathlib import Path

import requests
from redis import Redis

from tests.support.servers.api_process import ApiProcess, check_problem

A, B = "key-of-shop-a-0123456789", "key-of-shop-b-0123456789"


def test_a_key_opens_its_own_tenant_and_no_other(redis_server: str, store_redis: Redis, tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    text = '[shop-a]\napi_read_keys_env = "A_KEY"\n[shop-b]\napi_read_keys_env = "B_KEY"\n'
    file.write_text(text)
    with ApiProcess(redis_server, LARDER_TENANTS=str(file), LARDER_API_WORKERS="1", A_KEY=A, B_KEY=B) as api:

        def get(path: str, key: str = "") -> requests.Response:
            return requests.get(api.url + path, headers={"X-API-Key": key} if key else {}, timeout=15)

        for tenant, own, other in (("shop-a", A, B), ("shop-b", B, A)):
            check_problem(get(f"/t/{tenant}/generations/current", other), 401, "Unauthorized")
            check_problem(get(f"/t/{tenant}/generations/current"), 401, "Unauthorized")
            check_problem(get(f"/t/{tenant}/generations/current", own), 503, "Nothing is promoted yet")
            assert "larder_request_seconds" not in get(f"/t/{tenant}/metrics", own).text
        for path in ("/t/nobody/generations/current", "/t/shop-a", "/t//x"):
            check_problem(get(path, A), 404, "Not found")
        answer = get("/generations/current", A)
        check_problem(answer, 404, "Not found")
        assert "Name a tenant" in answer.json()["detail"]
        assert get("/health/ready").ok
        assert get("/t/shop-a/health/live").ok
        assert "larder_request_seconds" in get("/metrics").text
