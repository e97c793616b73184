"""What has become of generations and runs, as Redis has it: whoever promoted or refused them did not have to say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from contract.experiments.ending import last_ending
from contract.formats.states import GenerationState, RunState, Waits
from contract.store.generations import Generations
from contract.store.runs import Runs, kind_of


@dataclass(frozen=True, slots=True)
class Notice:
    """`event`: promoted, refused, failed, or stopped: of an experiment, and its worse arm. `how`: of a promotion, as in its history.

    `reason`: of the others, and no row's value.
    """

    event: str
    generation: str
    at_ms: int
    by: str = ""
    how: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.event}:{self.generation}:{self.at_ms}"


def happened(generations: Generations, runs: Runs, since_ms: int) -> list[Notice]:
    """All that happened since then, oldest first."""
    found = [*_promoted(generations), *_settled(generations), *_failed_before_a_generation(generations, runs), *_stopped(generations)]
    return sorted((notice for notice in found if notice.at_ms >= since_ms), key=lambda notice: notice.at_ms)


def _promoted(generations: Generations) -> Iterator[Notice]:
    for event in generations.history():
        yield Notice("promoted", event.generation, event.at_ms, event.by, event.how)


def _settled(generations: Generations) -> Iterator[Notice]:
    for name in generations.ids():
        progress = generations.progress(name)
        if progress is None:
            continue
        if progress.state == GenerationState.COMPLETE and progress.waits == Waits.REFUSED:
            yield Notice("refused", name, progress.completed_at_ms or progress.began_at_ms, reason=progress.because)
        elif progress.state == GenerationState.FAILED:
            yield Notice("failed", name, progress.began_at_ms, reason=progress.reason)


def _failed_before_a_generation(generations: Generations, runs: Runs) -> Iterator[Notice]:
    for run in runs.newest():
        if run.state == RunState.FAILED and not generations.state(run.run):
            yield Notice("failed", run.run, _began_ms(run.run), reason=kind_of(run.message))


def _stopped(generations: Generations) -> Iterator[Notice]:
    """The experiment that was the last to end by itself."""
    if ending := last_ending(generations.redis, generations.keys):
        yield Notice("stopped", ending.arm, ending.at_ms, ending.by, reason=f"experiment {ending.experiment} is {ending.why}")


def _began_ms(run: str) -> int:
    """When a run was asked for, by its id."""
    try:
        began = datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(began.timestamp() * 1000)
