from __future__ import annotations

import json
import logging

import pytest
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from werkzeug.test import TestResponse

from contract.formats.keys import Keys
from tests.support.fakes import FakeRedis, serve

DEEP = b'{"user_id":' * 60_000 + b"1" + b"}" * 60_000


def check_problem(answer: TestResponse, status: int, error: str) -> str:
    """The shape of every error; its detail."""
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert set(body) == {"type", "title", "status", "detail", "error"}
    assert (body["status"], body["error"]) == (status, error)
    assert "Traceback" not in answer.text
    return str(body["detail"])


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "no body"),
        (b" ", "not JSON"),
        (b"user_id=54", "not JSON"),
        (b'{"user_id": 54', "not JSON"),
        (b'{"user_id": 54}{}', "not JSON"),
        (b'{"user_id": 054}', "not JSON"),
        (b"\xef\xbb\xbf" + b'{"user_id": 54}', "not JSON"),
        (b'{"user_id": "\xff"}', "UTF-8"),
        ('{"user_id": 54}'.encode("utf-16"), "UTF-8"),
        (b"\x00", "not JSON"),
        (b"[]", "object"),
        (b"54", "object"),
        (b"null", "object"),
        (DEEP, "deeply"),
        (b"[" * 60_000, "deeply"),
        (b'{"user_id": NaN}', "NaN"),
        (b'{"user_id": 54, "k": Infinity}', "Infinity"),
        (b'{"user_id": 1' + b"0" * 5000 + b"}", "too long"),
        (b'{"user_id": 54, "user_id": 55}', "twice"),
        (b'{"user_id": 54, "k": {"a": 1, "a": 2}}', "twice"),
        (b"{}", "user_id is missing"),
        (b'{"user_id": null}', "user_id: must be an integer or a string"),
        (b'{"user_id": 54.0}', "user_id: must be an integer or a string"),
        (b'{"user_id": 5e1}', "user_id: must be an integer or a string"),
        (b'{"user_id": true}', "user_id: must be an integer or a string"),
        (b'{"user_id": [54]}', "user_id: must be an integer or a string"),
        (b'{"user_id": ""}', "user_id: must be an integer or a string"),
        (b'{"user_id": "' + b"x" * 10_000 + b'"}', "user_id: must be an integer or a string of 1 to 512 characters"),
        (b'{"user_id": "' + "é".encode() * 513 + b'"}', "user_id: must be an integer or a string of 1 to 512 characters"),
        (b'{"user_id": 1' + b"0" * 512 + b"}", "user_id: must be an integer or a string of 1 to 512 characters"),
        (b'{"user_id": "\\ud800"}', "user_id: must be an integer or a string"),
        (b'{"user_id": 54, "k": 0}', "k: "),
        (b'{"user_id": 54, "k": -1}', "k: "),
        (b'{"user_id": 54, "k": "3"}', "k: "),
        (b'{"user_id": 54, "k": 3.5}', "k: "),
        (b'{"user_id": 54, "k": 1e400}', "k: "),
        (b'{"user_id": 54, "k": true}', "k: "),
        (b'{"user_id": 54, "offset": -1}', "offset: "),
        (b'{"user_id": 54, "exclude": [1.0]}', "exclude.0: must be an integer or a string"),
        (b'{"user_id": 54, "exclude": ' + json.dumps([1] * 1001).encode() + b"}", "exclude: "),
        (b'{"user_id": 54, "explain": 1}', "explain: "),
        (b'{"user_id": 54, "fallback": "random"}', "fallback: "),
        (b'{"user_id": 54, "include": "metadata"}', "include: "),
        (b'{"user_id": 54, "include": ["titles"]}', "include.0: "),
        (b'{"userid": 54}', '"userid" is not a field; the nearest is "user_id"'),
        (b'{"user_id": 54, "kk": 1}', '"kk" is not a field; the nearest is "k"'),
        (b'{"user_id": 54, "\\ud800": 1}', "not text"),
        (b'{"user_id": 54, "' + b"y" * 60_000 + b'": 1}', "is not a field"),
    ],
)
def test_a_bad_body_is_a_400_that_says_why(client: FlaskClient, fake: FakeRedis, body: bytes, detail: str) -> None:
    serve(fake, {54: [(1, 1.0)]})
    answer = client.post("/recommendations", data=body, content_type="application/json")
    assert detail in check_problem(answer, 400, "Invalid request data")
    assert len(answer.data) < 1000


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/vnd.shop+json", None])
def test_json_by_any_of_its_names(client: FlaskClient, fake: FakeRedis, content_type: str | None) -> None:
    serve(fake, {54: [(1, 1.0)]})
    assert client.post("/recommendations", data=b'{"user_id": 54}', content_type=content_type).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"])
def test_another_content_type_is_refused(client: FlaskClient, content_type: str) -> None:
    check_problem(client.post("/recommendations", data=b'{"user_id": 54}', content_type=content_type), 415, "Unsupported media type")


def test_no_body_is_a_400_whatever_the_content_type(client: FlaskClient) -> None:
    check_problem(client.post("/recommendations"), 400, "Invalid request data")
    check_problem(client.post("/recommendations", content_type="text/plain"), 400, "Invalid request data")


def test_a_body_has_a_limit(client: FlaskClient) -> None:
    body = json.dumps({"user_id": "x" * 1_100_000}).encode()
    assert "1048576" in check_problem(client.post("/recommendations", data=body), 413, "Request body too large")


@pytest.mark.parametrize("path", ["//", "/recommendation", "/recommendations/", "/users//recommendations", "/users/a%2Fb/recommendations"])
def test_an_unknown_route(client: FlaskClient, path: str) -> None:
    check_problem(client.get(path), 404, "Not found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method(client: FlaskClient, method: str) -> None:
    answer = client.open("/recommendations", method=method)
    check_problem(answer, 405, "Method not allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/users/54/recommendations", "/generations/current", "/health/ready"])
def test_nothing_is_promoted_yet(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    check_problem(answer, 503, "Nothing is promoted yet")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("failure", [RedisConnectionError("secret-host refused"), RedisTimeoutError("secret-host is slow")])
@pytest.mark.parametrize("path", ["/users/54/recommendations", "/generations/current", "/health/ready"])
def test_redis_is_away(client: FlaskClient, fake: FakeRedis, path: str, failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    serve(fake, {54: [(1, 1.0)]})
    fake.failure = failure
    for _ in range(3):
        answer = client.get(path)
        check_problem(answer, 503, "Store unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "secret-host" not in answer.text
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_defect_is_logged_once_and_not_shown(client: FlaskClient, fake: FakeRedis, caplog: pytest.LogCaptureFixture) -> None:
    serve(fake, {54: [(1, 1.0)]})
    fake.failure = ZeroDivisionError("a secret")
    with caplog.at_level(logging.ERROR):
        answer = client.post("/recommendations", json={"user_id": 54})
    check_problem(answer, 500, "Internal server error")
    assert "secret" not in answer.text
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_damaged_list_is_a_500(client: FlaskClient, fake: FakeRedis) -> None:
    pointer = serve(fake, {54: [(1, 1.0)]}, n_user_buckets=1)
    fake.hashes[Keys().recs(pointer.generation, 0)]["54"] = b"\x01\x01"
    check_problem(client.post("/recommendations", json={"user_id": 54}), 500, "Internal server error")
