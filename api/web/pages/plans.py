"""What each button of /change/... would do, in words, before anybody presses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.exceptions import BadRequest

from api.web.views.diffs import DiffView
from api.web.views.snapshot import Generation, Snapshot
from contract.experiments.arms import arms_of
from contract.experiments.definition import CURRENT
from contract.experiments.shares import told
from contract.formats.states import ROLLBACK, Waits


@dataclass(frozen=True, slots=True)
class Plan:
    """What a button would do. `refusal`: why it can't be done now. `target`: the generation that would be served.
    `experiment`: the id of that which would end."""

    title: str
    button: str
    says: str
    target: str = ""
    refusal: str = ""
    diff: DiffView | None = None
    diff_note: str = ""
    may_force: bool = False
    is_run: bool = False
    experiment: str = ""


def plan_retrain(seen: Snapshot) -> Plan:
    waits = ' With "wait for a review", what it changes for users is shown before anything is promoted.'
    says = "A run goes to the trainer, with the trainer's own settings. What is served stays as it is until the new generation is complete."
    held = " Promotions are held, so its generation will wait." if seen.held else ""
    return Plan("Retrain", "Retrain", says + held + waits, diff_note="What a run changes is known when its lists are written.", is_run=True)


def plan_promote(seen: Snapshot, name: str, diff_of: Callable[[str], DiffView | None]) -> Plan:
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


def plan_rollback(seen: Snapshot, target: str, diff_of: Callable[[str], DiffView | None]) -> Plan:
    """`target`: what `Generations.roll_back` would serve; "" where nothing is kept."""
    title = "Roll back to the generation before"
    if seen.pointer is None or not target:
        why = "No generation is kept that was served before the current one. LARDER_KEEP_GENERATIONS says how many are."
        return Plan(title, "Roll back", "", refusal=why if seen.pointer else "Nothing is served, so there is nothing to roll back to.")
    diff = diff_of(seen.pointer.generation)
    turned = diff.turned() if diff is not None and diff.before.generation == target else None
    note = f"What rolling back changes: before is what is served now, after is {target}." if turned else "No diff between the two is kept."
    says = f"{target} replaces {seen.pointer.generation} for all users at once. Runs promote nothing until you release the hold."
    return Plan(title, "Roll back", says, target=target, diff=turned, diff_note=note)


def plan_release(seen: Snapshot) -> Plan:
    if seen.held is None:
        return Plan("Release the hold", "Release", "", refusal="Nothing is held: runs promote what they make.")
    says = f"{seen.held.by} rolled back to {seen.held.generation}. Runs will promote again, from the next one on."
    return Plan("Release the hold", "Release", says, diff_note="Nothing changes for users now.")


def plan_cancel(seen: Snapshot) -> Plan:
    if seen.run is None or not seen.is_busy:
        return Plan("Cancel the run", "Cancel it", "", refusal="No run is going.")
    says = f"Run {seen.run.run} ends now, and its generation is not served. Users keep the lists that they have."
    return Plan("Cancel the run", "Cancel it", says, target=seen.run.run, diff_note="Nothing changes for users.")


def plan_experiment(seen: Snapshot, arm: str) -> Plan:
    """To end the experiment with an arm for everybody; "": with what is served."""
    arms = arms_of(seen.pointer) if seen.pointer else None
    arm = arm or CURRENT
    title = "Stop the experiment" if arm == CURRENT else f"End the experiment with {arm}"
    if arms is None or (pointer := arms.named(arm)) is None:
        names = f"Its arms are {', '.join(arms.experiment.names)}." if arms else "No experiment runs."
        return Plan(title, "End it", "", refusal=names)
    says = f"Everybody gets {pointer.generation}, and answers name no arm any more. It runs with {told(arms.experiment)}."
    one = seen.find(pointer.generation)
    refused = arm != CURRENT and one is not None and one.progress.waits == Waits.REFUSED
    note = "Users of the other arms get other lists at once, all at one moment."
    return Plan(title, "End it", says, target=arm, diff_note=note, may_force=refused, experiment=arms.experiment.id)


def _says_promote(one: Generation, seen: Snapshot) -> str:
    served = f"It replaces {seen.pointer.generation} for all users at once." if seen.pointer else "All users get it at once."
    older = seen.pointer is not None and one.progress.sequence < seen.pointer.newest
    hold = " It is older than what was served last, so promotions will be held until the hold is released." if older else ""
    return f"{served}{hold}"


def _not_servable(one: Generation, served: str) -> str:
    if one.name == served:
        return "It is served already."
    if one.progress.state not in ROLLBACK:
        return f"It is {one.progress.state}, so it can't be served."
    return ""
