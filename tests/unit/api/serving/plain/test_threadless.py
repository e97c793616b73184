"""Answers without a thread where there is no connection to Redis; with one: tests/integration/api/test_threadless.py."""

from __future__ import annotations

import logging
import socket
import threading

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from api.app import create_app
from api.lists.link import Link
from api.lists.store import Store
from api.serving.answering import Application
from api.serving.connections import Connection, Limits
from api.serving.framing import take_head
from api.serving.plain.parts import PLAIN
from api.serving.plain.threadless import ThreadlessAnswers
from api.serving.poller import Poller
from api.serving.request_queue import Ticket
from contract.settings.settings import Settings
from tests.support.servers.api_process import until

HEAD = b"GET /users/1/recommendations HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_machine_that_has_no_more_threads_costs_a_moment(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """No thread gets a stack of more than there are addresses."""
    application = Application(Config(), logging.getLogger("tests"), lambda *_: ())
    poller = Poller(Config(), Limits(60, 60), 10, lambda *_: None, lambda _error: b"")
    ours, theirs = socket.socketpair()
    arrived = take_head(bytearray(HEAD), Config(), ("127.0.0.1", 1), 1)
    assert arrived is not None
    ticket = Ticket(Connection(ours, ("127.0.0.1", 1), ("127.0.0.1", 2)), arrived)
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as redis:
        link = Link(f"redis://127.0.0.1:{redis.getsockname()[1]}/0")
        parts = create_app(Settings(), store).extensions[PLAIN]
        threadless = ThreadlessAnswers(parts, link, application, poller, lambda _ticket: None, lambda *_: None)
        usual = threading.stack_size(2**47)
        try:
            with caplog.at_level(logging.INFO, "api"):
                assert not threadless.takes(ticket), "a thread answers"
                assert not threadless.takes(ticket)
        finally:
            threading.stack_size(usual)
        assert [record.getMessage() for record in caplog.records] == ["Threads alone ask Redis for lists, for now: can't start new thread"]

        def connected() -> bool:
            threadless.takes(ticket)
            poller.turn(0.01)
            return link.is_open

        until("it tries again", connected)
        link.close()
