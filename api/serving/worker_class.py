"""gunicorn's worker: one thread reads from all connections, the others answer whole requests.

A client that is slow, or silent, costs no thread, whatever it leaves out. See docs/adr/0033-threads-get-whole-requests.md.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from gunicorn.workers.base import Worker as BaseWorker  # type: ignore[import-untyped]

from api.http.problems import RequestError, overloaded, stopping
from api.http.versions import VERSION_PATH
from api.serving.answering import Application, PlainResponse
from api.serving.connection_counts import ConnectionCounts
from api.serving.connections import Connection, Limits
from api.serving.framing import Arriving
from api.serving.plain.parts import ARMS, PLAIN, SENDER, TENANTS
from api.serving.plain.threadless import ThreadlessAnswers
from api.serving.poller import Poller
from api.serving.request_queue import RequestQueue, Ticket
from contract.settings.settings import Settings

TICK_S = 0.5  # how often connections are looked at that have run out of time
LOOK_S = 0.05  # the same for requests that wait for a thread
LOOKS = 2  # for requests that came meanwhile, before Redis is asked for all: to send costs more than to look
STOPPING_KEEPALIVE_S = 2.0  # a client may be sending its next request already
SPARE_FILES = 100  # what a worker opens besides its connections
LIVE, READY = "/health/live", "/health/ready"


class Worker(BaseWorker):  # type: ignore[misc]
    @classmethod
    def check_config(cls, config: Any, _log: Any) -> None:
        if config.is_ssl:
            raise RuntimeError("this server speaks no TLS: a proxy in front of it has to")

    def init_process(self) -> None:
        settings = Settings.from_environ(os.environ)
        limits = Limits(self.cfg.keepalive, settings.api_read_timeout_s)
        self._drain_s = settings.api_drain_s
        self._waiting = RequestQueue(settings.api_queue_s)
        self._next_tick = 0.0
        starts = [root + version for root in {"", settings.api_root_path} for version in ("", VERSION_PATH)]
        self._live, self._ready = ({start + path for start in starts} for path in (LIVE, READY))
        _allow_files(self.cfg.worker_connections + SPARE_FILES)
        self._poller = Poller(self.cfg, limits, self.cfg.worker_connections, self._handle, self._refused, ConnectionCounts(self.age))
        super().init_process()

    def handle_exit(self, _signal: int, _frame: Any) -> None:
        self.alive = False
        self._poller.wake()

    def run(self) -> None:
        self._application = Application(self.cfg, self.log, self.wsgi)
        extensions = getattr(self.wsgi, "extensions", {})
        parts, senders = extensions.get(PLAIN), [extensions[name] for name in (TENANTS, SENDER, ARMS) if name in extensions]
        if ARMS in extensions:
            extensions[ARMS].begin()
        self._threadless = ThreadlessAnswers.of(parts, self._application, self._poller, self._waiting.put, self._send) if parts else None
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._serve, daemon=True).start()
        while self.alive:
            self._turn(listens=True)
        ends = time.monotonic() + self.cfg.graceful_timeout - 1
        drained = time.monotonic() + self._drain_s
        while time.monotonic() < drained:
            self._turn(listens=True)
        self._poller.stop_listening(self.sockets)
        self._poller.limits.keepalive_s = min(self._poller.limits.keepalive_s, STOPPING_KEEPALIVE_S)
        while self._poller and time.monotonic() < ends:
            self._turn(listens=False)
        self._waiting.end(self.cfg.threads)
        self._poller.close()
        for sender in senders:
            sender.close()

    def _refused(self, error: Exception) -> bytes:
        return self._application.failure(error)

    def _turn(self, listens: bool) -> None:
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_S
            self.notify()
            self._poller.tell()
            self._poller.expire()
            if listens:
                self._poller.listen(self.sockets)
            if self.ppid != os.getppid() and self.alive:
                self.log.info("Parent changed, shutting down: %s", self)
                self.alive = False
        if self._threadless is not None:
            for _ in range(LOOKS):
                if not self._threadless.gathers or not self._poller.turn(0):
                    break
            self._threadless.flush()
        self._poller.turn(LOOK_S if self._waiting or self._threadless else TICK_S)
        if self._threadless is not None:
            self._threadless.give_up_on_slow()
            self._application.write_log()
        for ticket in self._waiting.overdue():
            self._answer(ticket, overloaded())

    def _handle(self, connection: Connection, arrived: Arriving) -> None:
        ticket = Ticket(connection, arrived)
        if arrived.request.path in self._live:  # asks for nothing that could make it wait
            self._answer(ticket)
        elif self._threadless is None or not self._threadless.takes(ticket):
            self._waiting.put(ticket)

    def _serve(self) -> None:
        """What each thread does."""
        while (ticket := self._waiting.take()) is not None:
            self._answer(ticket)

    def _answer(self, ticket: Ticket, refusal: RequestError | None = None) -> None:
        connection, arrived = ticket.connection, ticket.arrived
        self._count()
        if not self.alive and arrived.request.path in self._ready:
            refusal = stopping()
        refusal = arrived.refusal or refusal
        try:
            answer = self._application.answer(arrived, connection.client, connection.server, ticket.since, refusal, not self.alive)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (it is logged, and the thread goes on)
            answer = self._application.failure(error), False
        self._poller.reply(connection, *answer)

    def _send(self, ticket: Ticket, response: PlainResponse, environ: dict[str, Any], parts: Iterable[bytes]) -> None:
        """An answer that took no thread."""
        self._count()
        try:
            answer = self._application.finish_quick(ticket.arrived, response, environ, parts, ticket.since, not self.alive)
        except Exception as error:  # noqa: BLE001 (it is logged, and the other connections are none the worse)
            answer = self._application.failure(error), False
        self._poller.reply(ticket.connection, *answer)

    def _count(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.handle_exit(0, None)


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
