from __future__ import annotations

import json
import logging

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]

from api.serving.answering import Application, PlainResponse
from api.serving.framing import take_head
from api.serving.logs import AccessLogger


@pytest.mark.parametrize(
    ("error", "status", "level"),
    [
        (errors.InvalidRequestLine("GET"), 400, "INFO"),
        (errors.InvalidHeader("a\r\nb"), 400, "INFO"),
        (errors.LimitRequestLine(9000, 4094), 414, "INFO"),
        (errors.LimitRequestHeaders("many"), 431, "INFO"),
        (errors.UnsupportedTransferCoding("gzip"), 501, "INFO"),
        (errors.InvalidResponseHeader("a"), 500, "ERROR"),
        (RuntimeError("a secret"), 500, "ERROR"),
    ],
)
def test_errors_outside_the_application_have_the_same_shape(
    error: Exception, status: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = Application(Config(), logging.getLogger("tests"), lambda *_: ()).failure(error)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    assert b"Content-Length: %d" % len(body) in head
    assert json.loads(body)["status"] == status
    assert b"secret" not in body
    assert [record.levelname for record in caplog.records] == [level]


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("must_close", [False, True])
def test_a_quick_answer_is_gunicorns_byte_by_byte_and_so_is_its_line(
    more: bytes, must_close: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gunicorn.http.wsgi.util.http_date", lambda: "now")
    monkeypatch.setattr("api.serving.answering.http_date", lambda _second: "now")
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    config = Config()
    config.set("accesslog", "-")
    log = AccessLogger.__new__(AccessLogger)  # without handlers, which would stay
    log.cfg, log.access_log = config, logging.getLogger("tests.access")
    caplog.set_level(logging.INFO)
    application = Application(config, log, lambda *_: ())
    headers = [("Content-Length", "3"), ("ETag", 'W/"g1"'), ("X-Request-ID", "a")]
    found = []
    for quick in (False, True):
        arrived = take_head(bytearray(b"GET /a HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n"), config, ("127.0.0.1", 1), 1)
        assert arrived is not None
        response, environ = application.begin(arrived, ("127.0.0.1", 1), ("127.0.0.1", 80))
        if quick:
            answer = PlainResponse()
            answer.start_response("200 OK", [*headers])
            found.append(application.finish_quick(arrived, answer, environ, [b"abc"], 99.9, must_close))
        else:
            response.start_response("200 OK", [*headers])
            found.append(application.finish(arrived, response, environ, [b"abc"], 99.9, must_close))
    application.write_log()
    assert found[0] == found[1]
    lines = [json.loads(line) for line in caplog.messages]
    assert [line.pop("time") > "2000" for line in lines] == [True, True]
    assert lines[0] == lines[1]
