from __future__ import annotations

import json
import logging

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http import errors  # type: ignore[import-untyped]

from api.serving.answering import Application


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
