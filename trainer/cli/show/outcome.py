"""What became of a run whose generation is settled: said to people, and to scripts by an exit code."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from contract.errors import GateError, GenerationError
from contract.formats.reports.tuned import told
from contract.formats.states import Waits
from contract.settings.command_hints import as_called
from contract.store.generations import Generations
from contract.store.tunings import Tunings
from trainer.cli.show.diff_table import diff_table
from trainer.evaluation.drift.reading import Reading
from trainer.inspect.stored_diff import remember_diff, stored_diff


def say_outcome(generations: Generations, generation: str, console: Console) -> None:
    """Raises GateError for a generation that the gate refused, GenerationError for one that waits behind a hold or a later run."""
    progress = generations.progress(generation)
    if progress and (losses := Reading.of(generations.manifest(generation)).losses):
        console.print(f"[yellow]rows:[/] {escape(losses)}")
    items = generations.manifest(generation).reading.get("items", {}) if progress else {}
    if lost := items.get("dropped"):
        reasons = ", ".join(f"{n:,} with {reason}" for reason, n in lost.items())
        console.print(f"[yellow]items:[/] {sum(lost.values()):,} rows were left out: {escape(reasons)}")
    if told := items.get("doubled"):
        console.print(f"[yellow]items:[/] {escape(told)}")
    if progress is None or not progress.waits:
        console.print(f"generation {generation} is {progress.state if progress else 'gone'}")
        if progress:
            _say_model(generations, generation, console)
        for warning in generations.verdict(generation).warnings:
            console.print(f"[yellow]warning:[/] {warning}")
        return
    if progress.waits == Waits.REVIEW:
        found = stored_diff(generations, generation) or remember_diff(generations, generation)
        if found is not None:
            console.print(diff_table(found))
        console.print(f"[yellow]review:[/] {escape(progress.because)}")
        console.print(f"generation {generation} waits for you: {as_called('promote', generation)}")
        return
    words = ("promote", generation, *(["--force"] if progress.waits == Waits.REFUSED else []))
    kept = f"{generation} stays complete and unpromoted; `{as_called(*words)}` promotes it by hand"
    if progress.waits == Waits.REFUSED:
        raise GateError(f"the gate refuses generation {generation}: {progress.because}. {kept}")
    if progress.waits == Waits.HELD:
        raise GenerationError(f"generation {generation} is held back: {progress.because}. {kept}, `{as_called('release')}` ends the hold")
    raise GenerationError(f"generation {generation} is {progress.waits}: {progress.because}. {kept}")


def _say_model(generations: Generations, generation: str, console: Console) -> None:
    """What a tune has chosen, or what the last one has found better."""
    manifest = generations.manifest(generation)
    if manifest.tuning:
        console.print(f"model: {escape(told(manifest))}")
    if advice := Tunings(generations.redis, generations.keys).advice(manifest):
        console.print(f"[yellow]better:[/] {escape(advice)}")
