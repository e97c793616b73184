"""The route that takes events."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from flask import Response
from redis import Redis

from api.http.event_models import EventProblem, EventsAnswer, EventsRequest
from api.http.problems import RequestError, sentence
from api.http.requests import json_body, parse
from api.http.responses import plain
from api.http.route import Route
from api.lists.store import Store
from api.metrics.counters import Metrics
from contract.errors import StoreFullError
from contract.formats.events import Event
from contract.formats.incoming.event import EventRequest
from contract.settings.settings import Settings
from contract.store.event_stream import EventsFullError, push
from contract.store.recent_events import remember

RETRY_FULL_S = 5


@dataclass(frozen=True, slots=True)
class EventRoutes:
    store: Store
    metrics: Metrics
    settings: Settings

    def routes(self) -> list[Route]:
        """None where events are off."""
        if not self.settings.events:
            return []
        summary = "Take up to 1,000 events: what people did"
        return [
            Route(
                "POST", "/events", self.take, summary, EventsAnswer,
                body=EventsRequest, status=202, errors=(429,), access="write", tag="Events",
            )
        ]  # fmt: skip

    def take(self) -> Response:
        events, errors = _read(json_body(EventsRequest))
        self.metrics.events("invalid", len(errors))
        try:
            new = self.store.breaker.ask(lambda redis: _enter(redis, self.store, self.settings, events)) if events else []
        except StoreFullError as error:
            self.metrics.events("refused", len(events))
            why = str(error) if isinstance(error, EventsFullError) else "Redis is full"
            raise RequestError(sentence(why), 429, "Too many events", {"Retry-After": str(RETRY_FULL_S)}) from None
        self.metrics.events("accepted", sum(new))
        self.metrics.events("repeated", len(new) - sum(new))
        answer = EventsAnswer(accepted=sum(new), repeated=len(new) - sum(new), errors=errors)
        return plain(answer.model_dump_json() + "\n", 202)


def _enter(redis: Redis, store: Store, settings: Settings, events: list[Event]) -> list[bool]:
    """Of each event whether it is new. What counts at once is entered of repeats, too: it may be why they were sent again."""
    new, at_us = push(redis, store.keys, settings, events)
    if settings.counts_at_once:
        remember(redis, store.keys, settings, events, at_us)
    return new


def _read(asked: EventsRequest) -> tuple[list[Event], list[EventProblem]]:
    events, errors = [], []
    batch, now = secrets.token_hex(8), int(time.time())
    for at, given in enumerate(asked.events):
        if isinstance(given, dict):
            try:
                given = parse(EventRequest, given)
            except RequestError as error:
                errors.append(EventProblem(index=at, detail=str(error)))
                continue
        # An id of our own, where there is none: a connection that breaks makes the client of Redis send once more.
        events.append(given.event(f"{batch}.{at}", now))
    return events, errors
