from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from contract.formats.keys import Keys
from contract.formats.payload import READABLE_FORMATS
from contract.settings.settings import Settings
from tests.support.fakes import FakeRedis, serve


def test_live_asks_nothing(client: FlaskClient, fake: FakeRedis) -> None:
    fake.failure = RuntimeError("asked")
    answer = client.get("/health/live")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})
    assert fake.round_trips == 0


def test_ready_says_what_is_served(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g7")
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ready",
        "generation": "g7",
        "trained_at": "2026-01-02T03:04:05Z",
        "data_until": "2026-01-01T00:00:00Z",
    }


def test_ready_is_not_cached(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g1")
    client.get("/health/ready")
    serve(fake, {54: [(1, 1.0)]}, "g2")
    assert client.get("/health/ready").get_json()["generation"] == "g2"
    del fake.strings[Keys().current]
    assert client.get("/health/ready").status_code == 503


def test_lists_that_this_version_cannot_read_are_not_ready(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, payload_format=READABLE_FORMATS[-1] + 1)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "upgrade the API" in answer.get_json()["detail"]


def test_an_old_generation_is_stale_and_still_ready(store: Store, fake: FakeRedis) -> None:
    now = datetime.now(UTC)
    client = create_app(Settings(stale_after_s=3600), store).test_client()
    for age_s, status in ((7200, "stale"), (60, "ready")):
        trained_at = (now - timedelta(seconds=age_s)).isoformat(timespec="seconds").replace("+00:00", "Z")
        serve(fake, {54: [(1, 1.0)]}, trained_at=trained_at)
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.get_json()["status"]) == (200, status)
