from __future__ import annotations

from flask.testing import FlaskClient

from contract.keys import Keys
from contract.payload import FORMAT
from tests.unit.api.fakes import FakeRedis, serve


def test_live_asks_nothing(client: FlaskClient, fake: FakeRedis) -> None:
    fake.failure = RuntimeError("asked")
    answer = client.get("/health/live")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})
    assert fake.round_trips == 0


def test_ready_says_what_is_served(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g7")
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "generation": "g7", "trained_at": "2026-01-02T03:04:05Z"}


def test_ready_is_not_cached(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g1")
    client.get("/health/ready")
    serve(fake, {54: [(1, 1.0)]}, "g2")
    assert client.get("/health/ready").get_json()["generation"] == "g2"
    del fake.strings[Keys().current]
    assert client.get("/health/ready").status_code == 503


def test_lists_that_this_version_cannot_read_are_not_ready(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, payload_format=FORMAT + 1)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "upgrade the API" in answer.get_json()["detail"]
