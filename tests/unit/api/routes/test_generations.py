from __future__ import annotations

from flask.testing import FlaskClient

from tests.support.fakes import FakeRedis, serve


def test_the_pointer_as_json(client: FlaskClient, fake: FakeRedis) -> None:
    pointer = serve(fake, {54: [(1, 1.0)]}, "g7", data_until=None)
    answer = client.get("/generations/current")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.get_json() == pointer.model_dump()
