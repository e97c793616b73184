"""/change/...: what can be done with an admin key. Each page says what will happen and what that changes, and asks; a POST does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import flash, redirect, render_template, request, session
from werkzeug.wrappers import Response

from api.http.problems import sentence
from api.http.request_ids import REQUEST_ID
from api.routes.audit import moved, record
from api.routes.runs import cancel_run, record_start, start_run
from api.web.context import PageContext, PageRoute
from api.web.pages.plans import Plan, plan_cancel, plan_experiment, plan_promote, plan_release, plan_retrain, plan_rollback
from api.web.sessions import user_here
from api.web.views.diffs import DiffView, read_diff, titles_in
from api.web.views.snapshot import Snapshot, take
from contract.audit import What
from contract.errors import GenerationError, StoreError
from contract.experiments.moves import Experiments
from contract.experiments.shares import told
from contract.store.generations import Generations

T = TypeVar("T")


def pages(context: PageContext) -> list[PageRoute]:
    def page(path: str, look: Callable[[Snapshot], Plan], do: Callable[[Plan], str]) -> PageRoute:
        def view() -> Response | str:
            seen = take(context)
            if seen.away:
                raise StoreError(seen.away)
            served = seen.pointer.generation if seen.pointer else ""
            plan = look(seen)
            problem = ""
            if request.method == "POST":
                if tuple(request.form.get(name, "") for name in ("served", "target", "experiment")) != (
                    served,
                    plan.target,
                    plan.experiment,
                ):
                    problem = "What is served has changed since this page was made. Look again, then confirm."
                elif plan.refusal:
                    problem = plan.refusal
                else:
                    try:
                        flash(do(plan))
                    except GenerationError as error:
                        problem = sentence(str(error))
                    else:
                        context.store.pointers.refresh() if seen.pointer else None
                        return redirect(f"{request.script_root}/", 303)
            names = titles_in(context.store, plan.diff)
            body = render_template("change.html", plan=plan, served=served, problem=problem, one=seen.find(plan.target), names=names)
            return Response(body, 409 if problem else 200, mimetype="text/html")

        return PageRoute(path, view, "admin", ("GET", "POST"))

    def change(what: What, act: Callable[[Generations], T], note: str = "") -> T:
        return moved(context.store, context.settings, what, _who(context), act, note)

    def retrain(_plan: Plan) -> str:
        force, review = bool(request.form.get("force")), bool(request.form.get("review"))
        run = start_run(context.store, context.queue, context.settings, {}, forced_by=_who(context) if force else "", review=review)
        record_start(context.store, context.settings, _who(context), run, (), forced=force, review=review)
        return f"Run {run} is queued."

    def cancel(plan: Plan) -> str:
        cancel_run(context.store, context.queue, context.settings, plan.target, _who(context))
        return f"Run {plan.target} is cancelled."

    def promote(plan: Plan) -> str:
        force = bool(request.form.get("force"))
        note = "forced" if force else ""
        change("promote", lambda generations: generations.promote_by_hand(plan.target, _who(context), force), note)
        return f"Generation {plan.target} is served now."

    def roll_back(_plan: Plan) -> str:
        event = change("rollback", lambda generations: generations.roll_back(_who(context)))
        return f"Generation {event.generation} is served now, and promotions are held."

    def release(_plan: Plan) -> str:
        return "Runs promote again." if change("release", lambda generations: generations.release()) else "Nothing was held."

    def end(plan: Plan) -> str:
        force = bool(request.form.get("force"))
        ended = change("promote", lambda generations: Experiments(generations).promote(plan.target, _who(context), force, plan.experiment))
        record(context.store, context.settings, "experiment", _who(context), f"{ended.id}: {told(ended)}", f"ended with {plan.target}")
        return f"The experiment is over, with {plan.target} for everybody."

    def diff_of(name: str) -> DiffView | None:
        return context.ask(lambda generations: read_diff(generations, name)) if name else None

    def before(seen: Snapshot) -> str:
        pointer = seen.pointer
        return context.ask(lambda generations: next(generations.served_before(pointer), "")) if pointer else ""

    return [
        page("/change/retrain", plan_retrain, retrain),
        page("/change/promote", lambda seen: plan_promote(seen, request.args.get("generation", ""), diff_of), promote),
        page("/change/rollback", lambda seen: plan_rollback(seen, before(seen), diff_of), roll_back),
        page("/change/release", plan_release, release),
        page("/change/cancel", plan_cancel, cancel),
        page("/change/experiment", lambda seen: plan_experiment(seen, request.args.get("arm", "")), end),
    ]


def _who(context: PageContext) -> str:
    request_id = request.environ.get(REQUEST_ID, "")
    if user := user_here():
        return f"the page, {user}, request {request_id}"
    name = context.api_keys.name_of(str(session.get("mark", "")))
    return f"the page, key {name}, request {request_id}" if name else f"the page, request {request_id}"
