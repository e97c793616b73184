"""Plain questions answered by the poller itself: what they read from Redis goes out together, and nobody waits for it.

A hand-over to a thread costs more than such an answer. What is not plain, and whatever Redis does not answer soon, is left to the threads,
so that a slow Redis holds up nothing here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from api.lists.cluster.link import ClusterLink, link_of
from api.lists.link import Link
from api.serving.answering import Application, PlainResponse
from api.serving.plain.batches import Batch
from api.serving.plain.fast_lane import Question
from api.serving.plain.parts import PlainParts
from api.serving.plain.pending import Pending
from api.serving.poller import Poller
from api.serving.request_queue import Ticket

PATIENCE_S = 0.1  # how long Redis may take; far longer than it does
PAUSE_S = 1.0  # how long after that threads alone ask
MAX_PENDING = 512
MANY = 16  # commands that are worth a send of their own
_ENDINGS = ("/recommendations", "/recommendations/batch")

log = logging.getLogger(__name__)


class ThreadlessAnswers:
    """Of the poller's thread. `give_back`: for a thread; `send`: what the application answers."""

    def __init__(
        self,
        given: PlainParts,
        link: Link | ClusterLink,
        application: Application,
        poller: Poller,
        give_back: Callable[[Ticket], None],
        send: Callable[[Ticket, PlainResponse, dict[str, Any], Iterable[bytes]], None],
    ) -> None:
        self._parts, self._link, self._application, self._poller = given, link, application, poller
        self._give_back, self._send = give_back, send
        self._pending: deque[Pending] = deque()
        self._answers: list[Any] = []
        self._is_unsent = False
        self.gathers = False
        """Whether something small is to be asked for, with which more may go: in a cluster, a send goes to each server."""
        self._asks_for_pointers = False
        self._is_connecting = False
        self._paused_until = 0.0

    @classmethod
    def of(cls, given: PlainParts, *others: Any) -> ThreadlessAnswers | None:
        """None where Redis is one that only threads can ask."""
        try:
            return cls(given, link_of(given.breaker), *others)
        except ValueError:
            return None

    def __bool__(self) -> bool:
        """Whether answers of Redis are awaited."""
        return bool(self._pending)

    def takes(self, ticket: Ticket) -> bool:
        """Whether the request's answer comes from here; else it is as it was."""
        arrived = ticket.arrived
        if not arrived.request.path.endswith(_ENDINGS) or arrived.refusal is not None or arrived.chunks is not None:
            return False
        if arrived.request.version != (1, 1):
            return False
        if not self._link.is_open:
            self._connect()
            return False
        if len(self._pending) >= MAX_PENDING or self._link.is_full:
            return False
        started = time.perf_counter()
        try:
            _, environ = self._application.begin(arrived, ticket.connection.client, ticket.connection.server)
            self._parts.apply(environ)
            question = self._parts.lane.question(environ)
        except Exception:  # noqa: BLE001 (whatever it is, the thread meets it again, and knows how to tell it)
            question = None
        if question is None:
            arrived.body.seek(0)
            return False
        if not self._is_unsent:
            self._is_unsent = True
            self._ask_for_pointers()
        self._link.put(question.commands)
        self.gathers = len(question.commands) < MANY
        tell = partial(self._tell, ticket, environ, question, started)
        self._pending.append(Pending(ticket, len(question.commands), time.monotonic(), tell))
        return True

    def _ask_for_pointers(self) -> None:
        """Before they have to be read anew, which a thread would do: nearly always they are the same."""
        pointers = self._parts.pointers
        if pointers.ages and not self._asks_for_pointers:
            self._asks_for_pointers = True
            since = pointers.now()
            self._link.put(pointers.commands)
            self._pending.append(Pending(None, len(pointers.commands), time.monotonic(), partial(self._confirm, since)))

    def _confirm(self, since: float, raw: list[Any]) -> None:
        self._asks_for_pointers = False
        self._parts.pointers.confirm(raw[0], raw[1], since)

    def flush(self) -> None:
        """Ask for all that was taken since, in one round trip."""
        self.gathers = False
        if self._is_unsent:
            self._parts.breaker.count()
            try:
                self._is_unsent = self._link.flush()
            except OSError as error:
                self._end(error)

    def give_up_on_slow(self) -> None:
        if self._pending and time.monotonic() - self._pending[0].since > PATIENCE_S:
            self._end(TimeoutError(f"no answer for {PATIENCE_S * 1000:.0f} ms"))

    def _on_answers(self, receive: Callable[[], list[Any]], _mask: int) -> None:
        try:
            self._answers += receive()
        except OSError as error:
            self._end(error)
            return
        at = 0
        while self._pending and len(self._answers) - at >= (n := self._pending[0].n_answers):
            self._pending.popleft().tell(self._answers[at : at + n])
            at += n
        del self._answers[:at]
        if self._answers and not self._pending:
            self._end(ConnectionAbortedError("more answers came than were asked for"))

    def _tell(self, ticket: Ticket, environ: dict[str, Any], question: Question | Batch, started: float, raw: list[Any]) -> None:
        response = PlainResponse()
        try:
            found = None if any(isinstance(each, Exception) for each in raw) else self._parts.lane.told(environ, question, raw)
            if found is not None:
                parts = self._parts.middleware.tell(environ, response.start_response, found, started)
        except Exception:  # noqa: BLE001 (as above)
            found = None
        if found is None:
            self._return(ticket)
        else:
            self._send(ticket, response, environ, parts)

    def _return(self, ticket: Ticket) -> None:
        ticket.arrived.body.seek(0)
        self._give_back(ticket)

    def _fail(self, error: Exception) -> None:
        """Whatever it is: a connection that can't be had, or that says what can't be read. Another is tried in a moment."""
        log.info("Threads alone ask Redis for lists, for now: %s", error)
        self._paused_until = time.monotonic() + PAUSE_S
        self._is_connecting = False

    def _end(self, error: Exception) -> None:
        self._fail(error)
        for file, _ in self._link.ends():
            self._poller.unwatch(file)
        self._link.close()
        self._answers.clear()
        self._is_unsent = self._asks_for_pointers = False
        left, self._pending = self._pending, deque()
        for one in left:
            if one.ticket is not None:
                self._return(one.ticket)

    def _connect(self) -> None:
        """In a thread that ends with it, since it waits."""
        if not self._is_connecting and time.monotonic() >= self._paused_until and not self._parts.breaker.is_away:
            self._is_connecting = True
            try:
                threading.Thread(target=self._connected, daemon=True).start()
            except RuntimeError as error:  # the machine has no more of them
                self._fail(error)

    def _connected(self) -> None:
        try:
            sock = self._link.connect()
        except Exception as error:  # noqa: BLE001 (also an answer that is not of Redis' protocol)
            self._fail(error)
        else:
            self._poller.defer(self._begin, sock)

    def _begin(self, sock: Any) -> None:
        self._link.begin(sock)
        for file, receive in self._link.ends():
            self._poller.watch(file, partial(self._on_answers, receive))
        self._is_connecting = False
