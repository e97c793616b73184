"""`larder status`: what is served, what runs, and what waits."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.experiments.shares import told as told_shares
from contract.formats.reports.tuned import told
from contract.larder import Larder
from contract.settings.command_hints import as_called
from contract.store.condition import HOW, MAKE_ROOM, disk_trouble, evicting_policy, memory_of, persistence_of
from contract.store.connections import ask_first, explained
from contract.store.replicas.lost import told as told_lost
from contract.store.runs import RunStatus
from contract.store.tunings import Tunings

console = Console()


@click.command()
def status() -> None:
    """Show what is served, what runs, and what waits."""
    larder = Larder.from_environ()
    settings, generations, latest = larder.settings, larder.generations, None
    advice = ""
    from trainer.doctor.indexes import lost_indexes
    from trainer.evaluation.drift.reading import Reading
    from trainer.service.schedule import next_run

    for url in dict.fromkeys((settings.redis_url, settings.rq_url)):
        ask_first(url)
    with explained(settings.redis_url):
        table = Table("", "", show_header=False, title="Larder")
        pointer = generations.current()
        if policy := evicting_policy(memory_of(larder.store)):
            table.add_row("Redis", f"[bold red]deletes lists when it is full[/] (maxmemory-policy {policy}): {HOW}")
        if trouble := disk_trouble(persistence_of(larder.store)):
            table.add_row("Redis", f"[bold red]can't write to its disk[/] ({trouble}): {MAKE_ROOM}")
        table.add_row("current generation", pointer.generation if pointer else "none: nothing is promoted yet")
        if pointer:
            table.add_row("trained at", pointer.trained_at)
            table.add_row("data until", pointer.data_until or "no times in the data")
            table.add_row("users, items", f"{pointer.n_users:,}, {pointer.n_items:,}")
            table.add_row("rows left out", Reading.of(generations.manifest(pointer.generation)).losses or "none")
            manifest, tunings = generations.manifest(pointer.generation), Tunings(larder.store, larder.keys)
            table.add_row("model", escape(told(manifest)))
            advice = tunings.advice(manifest)
            table.add_row("previous", pointer.previous or "none")
        if items := larder.catalogue.current():
            counts = f"{items.n_items:,} known, {items.n_unavailable:,} ids in no list"
            table.add_row("items", f"revision {items.revision} of {items.made_at}: {counts}")
        for lost, advised in lost_indexes(larder.store, larder.keys):
            table.add_row("index", f"[bold red]{escape(lost)}[/]. {escape(advised)}")
        for missing in told_lost(larder.store, larder.keys):
            how = escape(missing.why) or "workers make them again"
            table.add_row("lost", f"[bold red]generation {missing.generation} lacks {missing.words}[/]: {how}")
        if running := larder.experiments.running():
            table.add_row("experiment", f"{told_shares(running)}; `{as_called('experiment', 'status')}` shows it")
        if held := generations.held():
            table.add_row("held", f"by {held.by}, who rolled back to {held.generation}: nothing is promoted until `{as_called('release')}`")
        if due := next_run(settings):
            table.add_row("next scheduled run", f"{due:%Y-%m-%d %H:%M %Z} ({settings.cron})")
        if latest := larder.runs.latest():
            table.add_row("latest run", f"{latest.run}: {_words(latest)}")
            if progress := generations.progress(latest.run):
                recorded = f"{progress.shards_recorded} of {progress.n_shards} shards"
                why = progress.reason or (f"{progress.waits}: {progress.because}" if progress.waits else "")
                table.add_row("its generation", f"{progress.state}, {recorded} {why}".strip())
    with explained(settings.rq_url):
        for queue in (larder.train_queue, larder.score_queue):
            running, failed = (each.get_job_count(cleanup=False) for each in (queue.started_job_registry, queue.failed_job_registry))
            table.add_row(f"queue {queue.name}", f"{queue.count} waiting, {running} running, {failed} failed")
    console.print(table)
    if advice:  # unbroken, to be copied
        console.print(f"[bold yellow]{escape(advice)}[/]", soft_wrap=True, highlight=False)


def _words(run: RunStatus) -> str:
    """State, stage and message; without the stage where the state says as much (dispatched, dispatch)."""
    return " ".join(word for word in (run.state, "" if run.state.startswith(run.stage) else run.stage, run.message) if word)
