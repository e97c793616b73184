"""/change/...: what can be done with an admin key. Each page says what will happen and what that changes, and asks; a POST does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import flash, redirect, render_template, request, session
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from api.http.problems import sentence
from api.http.request_ids import REQUEST_ID
from api.routes.audit import moved, record
from api.routes.runs import cancel_run, queued_text, start_run
from api.web.sessions import user_here
from api.web.site import Page, Site
from api.web.views.diffs import Diff, read_diff
from api.web.views.snapshot import Generation, Snapshot, take
from contract.audit import What
from contract.errors import GenerationError, StoreError
from contract.formats.states import ROLLBACK, Waits
from contract.store.generations import Generations

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a button would do. `refusal`: why it can't be done now. `target`: the generation that would be served."""

    title: str
    button: str
    says: str
    target: str = ""
    refusal: str = ""
    diff: Diff | None = None
    diff_note: str = ""
    may_force: bool = False
    is_run: bool = False


def pages(site: Site) -> list[Page]:
    def page(path: str, look: Callable[[Snapshot], Plan], do: Callable[[Plan], str]) -> Page:
        def view() -> Response | str:
            seen = take(site)
            if seen.away:
                raise StoreError(seen.away)
            served = seen.pointer.generation if seen.pointer else ""
            plan = look(seen)
            problem = ""
            if request.method == "POST":
                if (request.form.get("served", ""), request.form.get("target", "")) != (served, plan.target):
                    problem = "What is served has changed since this page was made. Look again, then confirm."
                elif plan.refusal:
                    problem = plan.refusal
                else:
                    try:
                        flash(do(plan))
                    except GenerationError as error:
                        problem = sentence(str(error))
                    else:
                        site.store.pointers.refresh() if seen.pointer else None
                        return redirect(f"{request.script_root}/", 303)
            body = render_template("change.html", plan=plan, served=served, problem=problem, one=seen.find(plan.target))
            return Response(body, 409 if problem else 200, mimetype="text/html")

        return Page(path, view, "admin", ("GET", "POST"))

    def change(what: What, act: Callable[[Generations], T], note: str = "") -> T:
        return moved(site.store, site.settings, what, _who(site), act, note)

    def retrain(_plan: Plan) -> str:
        force, review = bool(request.form.get("force")), bool(request.form.get("review"))
        run = start_run(site.store, site.queue, site.settings, {}, forced_by=_who(site) if force else "", review=review)
        record(site.store, site.settings, "run", _who(site), after=queued_text(run, (), forced=force, review=review))
        return f"Run {run} is queued."

    def cancel(plan: Plan) -> str:
        cancel_run(site.store, site.queue, site.settings, plan.target, _who(site))
        return f"Run {plan.target} is cancelled."

    def promote(plan: Plan) -> str:
        force = bool(request.form.get("force"))
        note = "forced" if force else ""
        change("promote", lambda generations: generations.promote_by_hand(plan.target, _who(site), force), note)
        return f"Generation {plan.target} is served now."

    def roll_back(_plan: Plan) -> str:
        event = change("rollback", lambda generations: generations.roll_back(_who(site)))
        return f"Generation {event.generation} is served now, and promotions are held."

    def release(_plan: Plan) -> str:
        return "Runs promote again." if change("release", lambda generations: generations.release()) else "Nothing was held."

    def diff_of(name: str) -> Diff | None:
        return site.ask(lambda generations: read_diff(generations, name)) if name else None

    def before(seen: Snapshot) -> str:
        pointer = seen.pointer
        return site.ask(lambda generations: next(generations.served_before(pointer), "")) if pointer else ""

    return [
        page("/change/retrain", plan_retrain, retrain),
        page("/change/promote", lambda seen: plan_promote(seen, request.args.get("generation", ""), diff_of), promote),
        page("/change/rollback", lambda seen: plan_rollback(seen, before(seen), diff_of), roll_back),
        page("/change/release", plan_release, release),
        page("/change/cancel", plan_cancel, cancel),
    ]


def plan_retrain(seen: Snapshot) -> Plan:
    waits = ' With "wait for a review", what it changes for users is shown before anything is promoted.'
    says = "A run goes to the trainer, with the trainer's own settings. What is served stays as it is until the new generation is complete."
    held = " Promotions are held, so its generation will wait." if seen.held else ""
    return Plan("Retrain", "Retrain", says + held + waits, diff_note="What a run changes is known when its lists are written.", is_run=True)


def plan_promote(seen: Snapshot, name: str, diff_of: Callable[[str], Diff | None]) -> Plan:
    one = seen.find(name)
    if one is None:
        raise BadRequest("There is no such generation: choose one in the table of the first page.")
    served = seen.pointer.generation if seen.pointer else ""
    diff = diff_of(name)
    fits = diff is not None and diff.before.generation == served
    note = "" if fits else f"No diff with what is served now is kept. This makes one: larder diff {served} {name}"
    refusal = _not_servable(one, served)
    return Plan(
        f"Promote generation {name}",
        "Promote it",
        _says_promote(one, seen),
        target=name,
        refusal=refusal,
        diff=diff if fits else None,
        diff_note=note,
        may_force=one.progress.waits == Waits.REFUSED and not refusal,
    )


def plan_rollback(seen: Snapshot, target: str, diff_of: Callable[[str], Diff | None]) -> Plan:
    """`target`: what `Generations.roll_back` would serve; "" where nothing is kept."""
    title = "Roll back to the generation before"
    if seen.pointer is None or not target:
        why = "No generation is kept that was served before the current one. LARDER_KEEP_GENERATIONS says how many are."
        return Plan(title, "Roll back", "", refusal=why if seen.pointer else "Nothing is served, so there is nothing to roll back to.")
    diff = diff_of(seen.pointer.generation)
    turned = diff.turned() if diff is not None and diff.before.generation == target else None
    note = f"What rolling back changes: before is what is served now, after is {target}." if turned else "No diff between the two is kept."
    says = f"{target} will be served in place of {seen.pointer.generation}, by one move of a pointer. Runs promote nothing until a release."
    return Plan(title, "Roll back", says, target=target, diff=turned, diff_note=note)


def plan_release(seen: Snapshot) -> Plan:
    if seen.held is None:
        return Plan("Release the hold", "Release", "", refusal="Nothing is held: runs promote what they make.")
    says = f"{seen.held.by} went back to {seen.held.generation}. Runs will promote again, from the next one on."
    return Plan("Release the hold", "Release", says, diff_note="Nothing changes for users now.")


def plan_cancel(seen: Snapshot) -> Plan:
    if seen.run is None or not seen.is_busy:
        return Plan("Cancel the run", "Cancel it", "", refusal="No run is going.")
    says = f"Run {seen.run.run} ends now, and its generation is given up. What is served stays as it is."
    return Plan("Cancel the run", "Cancel it", says, target=seen.run.run, diff_note="Nothing changes for users.")


def _says_promote(one: Generation, seen: Snapshot) -> str:
    served = f" in place of {seen.pointer.generation}" if seen.pointer else ""
    older = seen.pointer is not None and one.progress.sequence < seen.pointer.newest
    hold = " It is older than what was served last, so promotions will be held until the hold is released." if older else ""
    return f"It will be served{served}, by one move of a pointer.{hold}"


def _not_servable(one: Generation, served: str) -> str:
    if one.name == served:
        return "It is served already."
    if one.progress.state not in ROLLBACK:
        return f"It is {one.progress.state}, so it can't be served."
    return ""


def _who(site: Site) -> str:
    request_id = request.environ.get(REQUEST_ID, "")
    if user := user_here():
        return f"the page, {user}, request {request_id}"
    name = site.gate.name_of(str(session.get("mark", "")))
    return f"the page, key {name}, request {request_id}" if name else f"the page, request {request_id}"
