"""`larder cancel`: ends a run that is not wanted any more."""

from __future__ import annotations

import click
from rich.console import Console

from contract.errors import GenerationError
from contract.formats.states import GOING, GenerationState
from contract.larder import Larder
from trainer.cli.context import opened, who_asks
from trainer.cli.generation_id import GENERATION_ID

console = Console(soft_wrap=True, highlight=False)


@click.command()
@click.argument("run", required=False, type=GENERATION_ID)
def cancel(run: str | None) -> None:
    """Cancel a run that is queued, trains or is being scored: the one that is going, or RUN where there are several.

    What is served stays as it is.
    """
    with opened() as larder:
        from contract.queue.cancelling import cancel_run

        name = run or _going(larder)
        status = larder.runs.get(name)
        cancel_run(larder.runs, larder.generations, larder.train_queue, name, who_asks())
        larder.audit.record("cancel", who_asks(), f"run {name} is {status.state if status else 'unknown'}", f"run {name} is cancelled")
        console.print(f"Run {name} is cancelled: nothing of it is promoted")


def _going(larder: Larder) -> str:
    found = [one.run for one in larder.runs.newest() if one.state in GOING]
    found += [name for name in larder.generations.ids() if larder.generations.state(name) == GenerationState.SCORING and name not in found]
    if len(found) == 1:
        return found[0]
    raise GenerationError(
        f"name the run, one of {', '.join(found)}" if found else "no run is queued or going, so there is nothing to cancel"
    )
