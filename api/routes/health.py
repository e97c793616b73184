"""For orchestrators: is the process alive, and can it serve?"""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Response

from api.answers.json_text import generation_json
from api.http.answer_models import Live, Ready
from api.http.problems import problem, store_unavailable
from api.http.request_models import NoOptions
from api.http.requests import query
from api.http.responses import plain
from api.http.route import Route
from api.lists.freshness import is_stale
from api.lists.store import Store
from contract.errors import PayloadError


@dataclass(frozen=True, slots=True)
class HealthRoutes:
    store: Store
    stale_after_s: int

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/health/live", self.live, "The process lives", answer=Live, query=NoOptions, access="open", tag="Operation"),
            Route("GET", "/health/ready", self.ready, "Lists are served", answer=Ready, query=NoOptions, access="open", tag="Operation"),
        ]

    def live(self) -> Response:
        """Asks nothing of Redis: a restart of this process would not bring Redis back."""
        query(NoOptions)
        return plain(json.dumps({"status": "alive"}) + "\n")

    def ready(self) -> Response:
        """Reads the pointer itself, not what is cached. StoreError and NothingPromotedError become a 503."""
        query(NoOptions)
        try:
            pointer = self.store.pointers.refresh()
        except PayloadError as error:
            return problem(store_unavailable(str(error)))
        status = "stale" if is_stale(pointer, self.stale_after_s) else "ready"
        return plain(f'{{"status":"{status}",{generation_json(pointer)}}}\n')
