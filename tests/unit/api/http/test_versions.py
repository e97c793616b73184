"""/v1 in front of a path, and what an answer says of a route that will go."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.http import openapi
from api.http.answer_models import Live
from api.http.route import Route
from api.http.versions import Deprecation
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(300, 2.5)]}


@pytest.mark.parametrize("path", ["/users/54/recommendations", "/popular", "/nope", "/health/live", "/users/54/recommendations?foo=1"])
def test_a_path_with_the_version_answers_the_same(client: FlaskClient, fake: FakeRedis, path: str) -> None:
    serve(fake, LISTS)
    old, new = client.get(path), client.get(f"/v1{path}")
    assert (old.status_code, old.data) == (new.status_code, new.data)


def test_the_plain_question_too(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    old, new = (client.post(f"{start}/recommendations", json={"user_id": 54}) for start in ("", "/v1"))
    assert (old.status_code, old.data) == (new.status_code, new.data) == (200, new.data)
    assert 'method="POST",route="/recommendations",status="200"} 2.0' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/v1/", "/v1/runbook", "/v1/explore", "/v2/popular", "/v1"])
def test_pages_have_no_version(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_what_will_go_says_so() -> None:
    goes = Deprecation(date(2026, 3, 1), date(2026, 9, 1), "/health/ready")
    assert goes.headers("/larder/v1") == {
        "Deprecation": "@1772323200",
        "Sunset": "Tue, 01 Sep 2026 00:00:00 GMT",
        "Link": '</larder/v1/health/ready>; rel="successor-version"',
    }
    described: Any = openapi.document([Route("GET", "/old", lambda: None, "Old", Live, deprecated=goes)])  # type: ignore[arg-type, return-value]
    assert described["paths"]["/old"]["get"]["deprecated"] is True
