"""Starting a run: it is entered as queued, and its job is put on the queue; both, or it is said to have failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from contract.errors import StoreError
from contract.formats.states import RunState
from contract.store.runs import Runs


class AtRuns(Protocol):
    """Calls `do` with the runs; the API's goes through its breaker."""

    def __call__(self, do: Callable[[Runs], object]) -> object: ...


def order_of(options: Mapping[str, object], forced_by: str, review: bool) -> str:
    """What is kept of a run's job, by which the trainer enqueues it again when the queue has lost it; "" where it can't.

    Options are not kept: they may hold a password of a source.
    """
    return "" if options else json.dumps({"forced_by": forced_by, "review": review})


def enter_and_enqueue(run: str, at_runs: AtRuns, enqueue: Callable[[], object], order: str) -> None:
    """Enter `run` as the latest, then call `enqueue`. Where that raises, the run failed, and the error goes on. `order`: `order_of`.

    It is entered first, so that a trainer that takes the job at once finds it. Lists and queue may be two servers.
    """
    at_runs(lambda runs: runs.queued(run, order))
    try:
        enqueue()
    except Exception as error:
        why = f"{StoreError.__name__}: the queue did not take it ({type(error).__name__})"
        at_runs(lambda runs: runs.set(run, RunState.FAILED, message=why))
        raise
