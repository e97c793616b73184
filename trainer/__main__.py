"""`larder`, or `python -m trainer`: the command line, and the composition root of all it starts.

Exit codes: 0 done, 2 settings or usage, others as contract/errors.py and contract/command_exit.py say.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from contract.audit import begun
from contract.command_exit import guarded
from contract.errors import GenerationFailedError, LarderError
from contract.formats.states import RunState
from contract.larder import Larder
from contract.queue.fair import of_all
from contract.queue.leases import n_alive_here
from contract.queue.names import TRAIN_QUEUE
from contract.settings.absolute import absolute_options
from contract.settings.command_hints import as_called
from contract.settings.running_stack import environment_beside
from contract.settings.settings import Settings
from contract.store.connections import explained
from contract.store.runs import Runs, new_run_id
from contract.telemetry import tracing
from contract.telemetry.logs import log_to_stdout
from engine import kernel_cache
from trainer.cli.check import check
from trainer.cli.context import who_asks
from trainer.cli.generations import COMMANDS
from trainer.cli.options import settings_options, tune_options
from trainer.cli.status import status
from trainer.cli.tenants.commands import choose, tenants
from trainer.cli.tune import tune

console = Console()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tenant", default="", metavar="NAME", help="Which catalogue of LARDER_TENANTS the command is about.")
@click.pass_context
def cli(context: click.Context, tenant: str) -> None:
    """Compute recommendations ahead of time: train, watch, look. Every option is also an environment variable, LARDER_..."""
    choose(tenant, context.invoked_subcommand or "")


@cli.command()
@settings_options
@tune_options("retune", "tune_budget_s")
@click.option("--wait", is_flag=True, help="Show progress, and end when the generation is promoted (0), refused or failed.")
@click.option("--here", is_flag=True, help="Train in this process in place of the trainer service; the workers score as ever.")
@click.option("--force", is_flag=True, help="Promote it even if the gate refuses it. The record says that it was forced.")
@click.option("--review", is_flag=True, help="Stop before promotion and show what would change. Implies --wait.")
@click.option("--timeout-s", default=3600.0, show_default=True, help="How long --wait waits.")
def run(wait: bool, here: bool, force: bool, review: bool, timeout_s: float, **options: Any) -> None:
    """Train a new generation, and promote it if it passes the gate. The trainer service carries the run out."""
    larder = Larder.from_environ(**options)
    given = absolute_options({name: value for name, value in options.items() if value is not None}, Path.cwd())
    runs, generations = larder.runs, larder.generations
    forced_by = who_asks() if force else ""
    with explained(larder.settings.redis_url):
        run_id = _here(runs, given, forced_by, review) if here else _enqueue(larder, given, forced_by, review)
        how = "dispatched" if here else "queued"
        larder.audit.record("run", who_asks(), after=begun(run_id, given, forced=force, review=review, how=how), run=run_id)
        if not (wait or review):
            console.print(f"run {run_id} is {how}; follow it with: {as_called('watch')}")
            return
        from trainer.cli.show.outcome import say_outcome
        from trainer.cli.show.progress_bars import follow

        follow(run_id, runs, generations, console, timeout_s)
        say_outcome(generations, run_id, console)


def _enqueue(larder: Larder, given: dict[str, object], forced_by: str, review: bool) -> str:
    from trainer.service.start_run import start_run

    return start_run(larder.train_queue, larder.runs, larder.settings, given, forced_by=forced_by, review=review)


def _here(runs: Runs, given: dict[str, object], forced_by: str, review: bool) -> str:
    from trainer import jobs

    run_id = new_run_id()
    runs.queued(run_id)
    settings = Settings.from_environ(os.environ)
    tracing.check(settings)
    try:
        with tracing.traced(settings, "larder-trainer", "run", {}):
            return jobs.train_here(run_id, given, forced_by, review)
    except LarderError as error:
        jobs.given_up(runs, run_id, str(error))
        raise


@cli.command()
@settings_options
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Worker processes that will score.")
def plan(workers: int, **options: Any) -> None:
    """Estimate what a run would cost: bytes on disk, in memory and in Redis, and seconds on this machine. It never refuses a run.

    Of a source, as `run` takes it, or of numbers for made-up data: --users 138493 --items 26744 --interactions 20000000
    """
    if (users := str(options["users"] or "")).isdigit():
        options["users"] = None
        numbers = [str(options.pop(name) or "") for name in ("items", "interactions")]
        if not all(number.isdigit() for number in numbers):
            raise click.UsageError(
                "with --users, --items and --interactions are numbers, as in --users 6040 --items 3706 --interactions 1000000"
            )
        options["interactions"] = f"synthetic:{users}x{'x'.join(numbers)}"
    from trainer.plan.plan import plan_table

    console.print(plan_table(Settings.from_environ(os.environ, **options), workers))


@cli.command()
def serve() -> None:
    """Be the trainer service: work on the queue "train", see to a first run, clear old generations away."""
    settings = Settings.from_environ(os.environ)
    log_to_stdout(settings)
    tracing.check(settings)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))  # until the RQ worker sets its own; compilers catch SystemExit
    from trainer.service.service import while_writes_are_refused

    if settings.tenants:
        from trainer.service.tenants import serve_tenants as serve_until_stopped
    else:
        from trainer.service.service import serve as serve_until_stopped

    with explained(settings.rq_url):
        while_writes_are_refused(lambda: serve_until_stopped(settings))


@cli.command()
def health() -> None:
    """Exit 0 if the trainer service of this host shows life, and something is served or may yet be."""
    settings = Settings.from_environ(os.environ)
    larder = Larder(settings)
    with explained(settings.rq_url):
        alive = n_alive_here(of_all(settings, TRAIN_QUEUE, larder.queue_redis) if settings.tenants else larder.train_queue)
    console.print(f"{alive} trainer process(es) alive on this host")
    with explained(settings.redis_url):
        latest = None if settings.tenants else larder.runs.latest()  # one tenant's failure is not the service's
        if latest and latest.state == RunState.FAILED and larder.generations.current() is None:
            raise GenerationFailedError(f"nothing is served, and run {latest.run} failed: {latest.message}")
    if not alive:
        sys.exit(1)


for command in (check, status, tenants, tune, *COMMANDS):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, by default that of this process; its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    return guarded("larder", lambda: _command(given), trace_to_stderr="serve" in given[:1])


def _command(arguments: list[str]) -> int:
    kernel_cache.use(os.environ)
    try:
        cli.main(args=arguments, prog_name="larder", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    return 0


if __name__ == "__main__":
    os.environ.update(environment_beside(os.environ))
    sys.exit(main())
