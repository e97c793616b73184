"""What is being served, what else there is, and the switches between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from flask import Response
from pydantic import ValidationError

from api.http.api_keys import who_asks
from api.http.problems import RequestError, sentence
from api.http.request_models import NoOptions
from api.http.requests import json_body, query
from api.http.responses import Caching, of_generation, plain
from api.http.route import Route
from api.http.run_models import GenerationList, GenerationState, Moved, PromoteRequest, Released
from api.lists.store import Store
from api.routes import audit
from contract.audit import What
from contract.errors import GenerationError
from contract.formats.ids import is_generation_id
from contract.formats.manifest import Manifest, Pointer
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.text import utc_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GenerationRoutes:
    store: Store
    settings: Settings
    caching: Caching

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/generations", self.listed, "All generations", GenerationList, query=NoOptions, tag="Generations"),
            Route("GET", "/generations/current", self.current, "What is served", Pointer, query=NoOptions, tag="Generations"),
            self.switch("/generations/<generation>/promote", self.promote, "Serve a generation", Moved, 404, 409),
            self.switch("/generations/rollback", self.roll_back, "Serve what was served before, and hold promotions", Moved, 409),
            self.switch("/generations/release", self.release, "Let runs promote again", Released),
        ]

    def ask(self, command: Callable[[Generations], T]) -> T:
        return self.store.breaker.ask(lambda redis: command(Generations(redis, self.store.keys, self.settings.pointer_ttl_ms)))

    def current(self) -> Response:
        """The pointer as Redis has it now, not as it is cached: who asks wants to know whether a promotion has happened."""
        query(NoOptions)
        pointer = self.store.pointers.refresh()
        return of_generation(pointer.model_dump_json(include=set(Pointer.model_fields)) + "\n", pointer, self.caching)

    def listed(self) -> Response:
        query(NoOptions)
        states = self.ask(lambda generations: [state_of(generations, name) for name in reversed(generations.ids())])
        held = self.ask(lambda generations: generations.held())
        found = GenerationList(generations=[state for state in states if state], held_by=held.by if held else None)
        return plain(found.model_dump_json() + "\n")

    def promote(self, generation: str) -> Response:
        force = json_body(PromoteRequest, optional=True).force
        if not is_generation_id(generation) or self.ask(lambda generations: generations.state(generation)) in ("", "pruned"):
            raise RequestError("There is no generation of this id, or its lists are gone.", 404, "Generation not found")
        note = "forced" if force else ""
        return self.moved("promote", lambda generations: generations.promote_by_hand(generation, who_asks(), force), note)

    def roll_back(self) -> Response:
        json_body(NoOptions, optional=True)
        return self.moved("rollback", lambda generations: generations.roll_back(who_asks()))

    def moved(self, what: What, move: Callable[[Generations], object], note: str = "") -> Response:
        with refused_for_now():
            audit.moved(self.store, self.settings, what, who_asks(), move, note)
        return plain(Moved(generation=self.store.pointers.refresh().generation).model_dump_json() + "\n")

    def release(self) -> Response:
        json_body(NoOptions, optional=True)
        released = audit.moved(self.store, self.settings, "release", who_asks(), lambda generations: generations.release())
        return plain(Released(released=released).model_dump_json() + "\n")

    def switch(self, path: str, view: Callable[..., Response], summary: str, answer: type[Moved | Released], *errors: int) -> Route:
        body = PromoteRequest if view is self.promote else NoOptions
        return Route("POST", path, view, summary, answer, body=body, body_optional=True, errors=errors, access="admin", tag="Generations")


@contextmanager
def refused_for_now() -> Iterator[None]:
    """Turns what a generation or a run is not in the state for into a 409."""
    try:
        yield
    except GenerationError as error:
        raise RequestError(sentence(str(error)), 409, "Not possible now") from None


def state_of(generations: Generations, name: str) -> GenerationState | None:
    """None for one that Redis does not know."""
    progress = generations.progress(name)
    if progress is None:
        return None
    manifest = _manifest(generations, name)
    return GenerationState(
        generation=name,
        state=progress.state,
        reason=progress.reason or progress.because,
        began_at=_utc(progress.began_at_ms) or "",
        completed_at=_utc(progress.completed_at_ms),
        promoted_at=_utc(progress.promoted_at_ms),
        trained_at=manifest.trained_at if manifest else None,
        data_until=manifest.data_until if manifest else None,
        n_users=progress.n_users,
        n_shards=progress.n_shards,
        shards_recorded=progress.shards_recorded,
        evaluation=manifest.evaluation if manifest else None,
    )


def _manifest(generations: Generations, name: str) -> Manifest | None:
    """None for one of another version, or that has just been pruned."""
    try:
        return generations.manifest(name)
    except (GenerationError, ValidationError):
        return None


def _utc(at_ms: int | None) -> str | None:
    return utc_text(datetime.fromtimestamp(at_ms / 1000, UTC), "milliseconds") if at_ms else None
