"""The log of changes: what the other routes and the pages write into it, and the route that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Response
from redis import Redis

from api.http.request_models import AuditQuery
from api.http.requests import query
from api.http.responses import plain
from api.http.route import Route
from api.http.run_models import AuditLog
from api.lists.store import Store
from contract.audit import Audit, What
from contract.settings.settings import Settings
from contract.store.generations import Generations

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuditRoutes:
    store: Store
    settings: Settings

    def routes(self) -> list[Route]:
        summary = "Who changed what, newest first"
        return [Route("GET", "/audit", self.shown, summary, AuditLog, query=AuditQuery, access="admin", tag="Operation")]

    def shown(self) -> Response:
        asked = query(AuditQuery)
        changes = self.store.breaker.ask(lambda redis: _audit(redis, self.store, self.settings).newest(asked.limit))
        return plain(AuditLog(changes=[change.model_dump() for change in changes]).model_dump_json() + "\n")


def moved(store: Store, settings: Settings, what: What, by: str, act: Callable[[Generations], T], note: str = "") -> T:
    """What `act` answers, recorded. Raises what it raises."""

    def move(redis: Redis) -> T:
        generations = Generations(redis, store.keys, settings.pointer_ttl_ms)
        return _audit(redis, store, settings).move(generations, what, by, act, note)

    return store.breaker.ask(move)


def record(store: Store, settings: Settings, what: What, by: str, before: str = "", after: str = "", run: str = "") -> None:
    store.breaker.ask(lambda redis: _audit(redis, store, settings).record(what, by, before, after, run))


def _audit(redis: Redis, store: Store, settings: Settings) -> Audit:
    return Audit(redis, store.keys, settings.audit_entries)
