"""Routes that put a job on the trainer's queue: a run, or the erasure of a user. The only ones that load RQ, when they are first asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from flask import Response, request
from pydantic import ValidationError
from redis import Redis

from api.answers.user_answers import stored_or_given
from api.http.api_keys import ApiKeys, who_asks
from api.http.problems import RequestError
from api.http.request_models import EraseRequest, HistoryQuery, NoOptions
from api.http.requests import json_body, parse, query
from api.http.responses import plain
from api.http.route import Route
from api.http.run_models import Accepted, Erasing, RunHistory, RunRequest, RunState
from api.lists.breaker import Breaker
from api.lists.store import Store
from api.routes.audit import record
from api.routes.generations import refused_for_now, state_of
from contract.audit import begun
from contract.errors import GenerationError, NothingPromotedError
from contract.formats.ids import is_generation_id
from contract.formats.keys import Id
from contract.settings.run_sources import refusal
from contract.settings.settings import PREFIX, Settings
from contract.store.generations import Generations
from contract.store.history import History
from contract.store.runs import Runs, new_run_id
from contract.telemetry.tracing import handed

if TYPE_CHECKING:
    from rq import Queue


@dataclass(frozen=True, slots=True)
class RunRoutes:
    store: Store
    queue: Breaker
    settings: Settings
    api_keys: ApiKeys

    def routes(self) -> list[Route]:
        summary = "Erase a user, in every generation and in runs to come"
        return [
            Route(
                "POST", "/runs", self.start, "Train again", Accepted,
                body=RunRequest, body_optional=True, status=202, errors=(409,), access="admin", tag="Runs",
            ),
            Route(
                "POST", "/runs/<run>/cancel", self.cancel, "End a run: nothing of it is promoted", RunState,
                body=NoOptions, body_optional=True, errors=(404, 409), access="admin", tag="Runs",
            ),
            Route(
                "GET", "/runs", self.history, "What is remembered of a year's runs", RunHistory,
                query=HistoryQuery, access="admin", tag="Runs",
            ),
            Route("GET", "/runs/<run>", self.run_state, "How far a run is", RunState, query=NoOptions, errors=(404,), tag="Runs"),
            Route(
                "DELETE", "/users/<user_id>", self.erase_by_path, f"{summary}, by path", Erasing,
                query=NoOptions, status=202, errors=(409,), access="admin", tag="Users",
            ),
            Route(
                "DELETE", "/users", self.erase_by_query, summary, Erasing,
                query=EraseRequest, status=202, errors=(409,), access="admin", tag="Users",
            ),
        ]  # fmt: skip

    def start(self) -> Response:
        asked = json_body(RunRequest, optional=True)
        options = asked.options.model_dump(exclude_unset=True) if asked.options else {}
        _check_options(self.settings, options)
        with refused_for_now():
            run = start_run(self.store, self.queue, self.settings, options, forced_by="API" if asked.force else "", review=asked.review)
        record_start(self.store, self.settings, who_asks(), run, options, forced=asked.force, review=asked.review)
        where = f"{request.script_root}/runs/{run}"
        return plain(Accepted(run=run, status_url=where).model_dump_json() + "\n", 202, {"Location": where})

    def run_state(self, run: str) -> Response:
        query(NoOptions)
        status = self.store.breaker.ask(lambda redis: Runs(redis, self.store.keys).get(run)) if is_generation_id(run) else None
        if status is None:
            raise unknown_run()
        made = self.store.breaker.ask(lambda redis: state_of(Generations(redis, self.store.keys), run))
        if self.api_keys.given_access() != "admin":  # why a run failed may tell what the trainer reads
            status = status.without_details()
        return plain(RunState.model_validate(asdict(status) | {"generation": made}, extra="ignore").model_dump_json() + "\n")

    def history(self) -> Response:
        asked = query(HistoryQuery)
        records = self.store.breaker.ask(lambda redis: History(redis, self.store.keys).newest(asked.limit))
        return plain(RunHistory(runs=[record.model_dump(mode="json") for record in records]).model_dump_json() + "\n")

    def cancel(self, run: str) -> Response:
        json_body(NoOptions, optional=True)
        if not is_generation_id(run) or self.store.breaker.ask(lambda redis: Runs(redis, self.store.keys).get(run)) is None:
            raise unknown_run()
        with refused_for_now():
            cancel_run(self.store, self.queue, self.settings, run, who_asks())
        return self.run_state(run)

    def erase_by_path(self, user_id: str) -> Response:
        query(NoOptions)
        return self.erase(parse(EraseRequest, {"user_id": user_id}))

    def erase_by_query(self) -> Response:
        return self.erase(query(EraseRequest))

    def erase(self, asked: EraseRequest) -> Response:
        said = self.store.breaker.ask(lambda redis: cast("bytes | None", redis.hget(self.store.keys.erasure, "possible")))  # by the trainer
        if not (self.settings.erasure_secret.get_secret_value() if said is None else int(said)):
            raise RequestError(f"Erasing needs a secret: set {PREFIX}ERASURE_SECRET, for trainer and workers.", 409, "Not possible now")

        def enqueue(redis: Redis) -> str:
            from contract.queue.jobs import enqueue_erase, train_queue

            return str(enqueue_erase(train_queue(redis, self.settings), self.settings, asked.user_id).id)

        job = self.queue.ask(enqueue)
        record(self.store, self.settings, "erase", who_asks(), after=f"job {job} erases a user")
        return plain(Erasing(user_id=self.as_served(asked.user_id), job=job).model_dump_json() + "\n", 202)

    def as_served(self, user_id: Id) -> Id:
        """As the interactions have it, where something is served that tells."""
        try:
            return stored_or_given(user_id, self.store.pointers.current().pointer)
        except NothingPromotedError:
            return user_id


def start_run(store: Store, queue: Breaker, settings: Settings, options: dict[str, object], *, forced_by: str, review: bool) -> str:
    """Put a run on the queue "train"; its id. Raises GenerationError where too many jobs wait there."""
    run = new_run_id()
    waiting = queue.ask(lambda redis: _train_queue(redis, settings).count)
    if waiting >= settings.max_queued_runs:
        raise GenerationError(f"{waiting} jobs wait for the trainer, as many as {PREFIX}MAX_QUEUED_RUNS allows: wait, or cancel some")

    def enqueue(redis: Redis) -> None:
        from contract.queue.jobs import enqueue_run, train_queue

        enqueue_run(train_queue(redis, settings), settings, run, options, forced_by=forced_by, review=review)

    from contract.queue.enter_run import enter_and_enqueue, order_of

    with handed(request.headers.get("traceparent", "")):
        enter_and_enqueue(
            *(run, lambda do: store.breaker.ask(lambda redis: do(Runs(redis, store.keys))), lambda: queue.ask(enqueue)),
            order=order_of(options, forced_by, review),
        )
    return run


def record_start(store: Store, settings: Settings, by: str, run: str, options: Collection[str], *, forced: bool, review: bool) -> None:
    """In the log of changes."""
    record(store, settings, "run", by, after=begun(run, options, forced=forced, review=review), run=run)


def cancel_run(store: Store, queue: Breaker, settings: Settings, run: str, by: str) -> None:
    """Raises GenerationError for a run that is over."""

    def cancel(redis: Redis) -> None:
        from contract.queue.cancelling import cancel_run as cancel_with_its_job

        trains = _train_queue(redis, settings)
        store.breaker.ask(lambda lists: cancel_with_its_job(Runs(lists, store.keys), Generations(lists, store.keys), trains, run, by))

    status = store.breaker.ask(lambda redis: Runs(redis, store.keys).get(run))
    queue.ask(cancel)
    record(store, settings, "cancel", by, f"run {run} is {status.state if status else 'unknown'}", f"run {run} is cancelled")


def _train_queue(redis: Redis, settings: Settings) -> Queue:
    from contract.queue.jobs import train_queue

    return train_queue(redis, settings)


def unknown_run() -> RequestError:
    return RequestError("There is no run of this id, or it was more than a week ago.", 404, "Run not found")


def _check_options(settings: Settings, options: dict[str, object]) -> None:
    """Each option is within its limits already; a source may not be asked for by itself, and together they may still make no sense."""
    if reason := refusal(settings, options):
        raise RequestError(f"{reason[:1].upper()}{reason[1:]}.", 403, "Forbidden")
    try:
        Settings.model_validate(settings.model_dump(exclude_unset=True) | options)
    except ValidationError as error:
        reason = "; ".join(str(item["msg"]).removeprefix("Value error, ") for item in error.errors(include_url=False))
        raise RequestError(f"A run can't have these options: {reason}.", 409, "Not possible now") from None
