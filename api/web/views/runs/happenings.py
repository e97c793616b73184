"""What changed last, as a time line: promotions, rollbacks, runs and how they ended, and what somebody has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from contract.audit import Change
from contract.experiments.ending import Ending
from contract.formats.states import RunState, Waits
from contract.store.progress import Event, Progress
from contract.store.runs import RunStatus

SHOWN = 8
Kind = Literal["good", "bad", "plain"]
_MOVED = {"run": "promoted by its run", "person": "promoted", "force": "promoted against the gate", "rollback": "rolled back to it"}
_ENDED: dict[str, tuple[str, Kind]] = {
    RunState.FAILED: ("failed", "bad"),
    RunState.CANCELLED: ("was cancelled", "plain"),
}
_CHANGED = {
    "release": "The hold was released", "run": "A run was started", "cancel": "A run was cancelled", "erase": "A user was erased",
    "items": "Items were replaced", "publish": "Lists were published", "prune": "Generations were removed",
    "restore": "A backup was restored", "experiment": "The experiment was changed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """`run`: whose page tells more; "" of none. `by`: who did it; for who may change things alone where `is_private`."""

    at: datetime
    what: str
    run: str = ""
    by: str = ""
    kind: Kind = "plain"
    is_private: bool = False


def happenings(
    moves: Iterable[Event], runs: Iterable[RunStatus], made: Iterable[Progress], changes: Iterable[Change], ending: Ending | None = None
) -> tuple[Happening, ...]:
    """Newest first. What the log of changes says of promotions and rollbacks is what the moves say."""
    found = [*_moves(moves), *_runs(runs), *_made(made), *_changes(changes, ending), *_ending(ending)]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def shown(found: Sequence[Happening], *, is_admin: bool) -> list[Happening]:
    return [one for one in found if is_admin or not one.is_private][:SHOWN]


def _moves(moves: Iterable[Event]) -> Iterator[Happening]:
    for move in moves:
        by = "" if move.how == "run" else move.by
        kind: Kind = "bad" if move.how == "rollback" else "good"
        yield Happening(_at(move.at_ms), _MOVED.get(move.how, "promoted"), move.generation, by, kind)


def _runs(runs: Iterable[RunStatus]) -> Iterator[Happening]:
    """Their ids begin with the time at which they were queued; when one ended is not known."""
    for run in runs:
        began = _begun(run.run)
        if began and run.state in _ENDED:
            what, kind = _ENDED[run.state]
            yield Happening(began, f"{what}{f' at stage {run.stage}' if run.stage else ''}", run.run, "", kind)


def _made(made: Iterable[Progress]) -> Iterator[Happening]:
    for one in made:
        if one.completed_at_ms and one.waits in (Waits.REFUSED, Waits.REVIEW):
            is_refused = one.waits == Waits.REFUSED
            yield Happening(
                _at(one.completed_at_ms),
                "refused by the gate" if is_refused else "waits for a review",
                one.generation,
                "",
                "bad" if is_refused else "plain",
            )


def _ending(ending: Ending | None) -> Iterator[Happening]:
    if ending is not None:
        yield Happening(ending.at, f"Experiment {ending.experiment} was {ending.why}", "", ending.by, "bad")


def _changes(changes: Iterable[Change], ending: Ending | None) -> Iterator[Happening]:
    for change in changes:
        if change.run and (began := _begun(change.run)):
            yield Happening(began, "was started", change.run, change.by, "plain", is_private=True)
        elif change.what not in ("promote", "rollback") and (ending is None or change.after != ending.why):
            what = _CHANGED.get(change.what, change.what)
            yield Happening(datetime.fromisoformat(change.at), what, "", change.by, "plain", is_private=True)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _begun(run: str) -> datetime | None:
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # an id that somebody chose
        return None
