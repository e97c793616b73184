"""The command line of the stack on one machine, and its composition root."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contract.door import guarded
from contract.errors import LarderError
from contract.settings.settings import Settings
from stack import compose, environment, lifecycle, status
from stack.paths import Places
from stack.supervisor_client import Supervisor

NOT_RUNNING = "Larder does not run here: `make up` starts it, or `docker compose up --build -d --wait` with Docker"
INTERRUPTED = 130
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(help="Larder on one machine, without Docker.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.callback()
def place(context: typer.Context, var: Annotated[Path, typer.Option(help="Folder of all data, logs and sockets.")] = Path("var")) -> None:
    root = Path(__file__).resolve().parent.parent
    context.obj = Places(root, (root / var).resolve())


@app.command()
def up(context: typer.Context) -> None:
    """Start, wait for a promoted generation, show a list of it."""
    try:
        lifecycle.up(context.obj, os.environ, console)
    except KeyboardInterrupt:
        _say("Larder goes on in the background: `make up` watches it again, `make down` stops it")
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def down(context: typer.Context) -> None:
    """Stop, and leave no process; the data stay."""
    lifecycle.down(context.obj, console)


@app.command()
def clean(context: typer.Context) -> None:
    """Stop, and remove the data."""
    lifecycle.clean(context.obj, console)


@app.command(context_settings=PASSED_ON)
def retrain(context: typer.Context) -> None:
    """Train again and swap, on whichever stack runs; further arguments go to `python -m trainer run`."""
    raise typer.Exit(_in_stack(context.obj, ["run", "--wait", *context.args], "Retraining"))


@app.command(context_settings=PASSED_ON, add_help_option=False)
def trainer(context: typer.Context) -> None:
    """`python -m trainer ARGS` of whichever stack runs: its generations, and what can be done with them."""
    raise typer.Exit(_in_stack(context.obj, context.args))


@app.command(name="status")
def show_status(context: typer.Context) -> None:
    """What runs, and what is served."""
    places: Places = context.obj
    services = compose.running_services(places.root)
    if not (Supervisor(places).runs() or services):
        raise LarderError(NOT_RUNNING)
    code = 0
    if Supervisor(places).runs():
        console.print(status.table_of(Supervisor(places).processes()))
        _say(status.workers_line(Settings.from_environ(environment.saved(os.environ, places))))
        code = _trainer(places, ["status"])
    if services:
        _say("The stack of Docker compose:")
        compose.call(places.root, ["ps"])
        if "trainer" in services:
            code = compose.in_trainer(places.root, ["status"]) or code
    raise typer.Exit(code)


@app.command()
def logs(context: typer.Context) -> None:
    """Follow the logs."""
    places: Places = context.obj
    files = sorted(map(str, places.log.glob("*.log")))
    local, services = Supervisor(places).runs(), compose.running_services(places.root)
    if services and not local:
        raise typer.Exit(compose.call(places.root, ["logs", "--follow", "--tail", "100"]))
    if not files:
        raise LarderError(NOT_RUNNING)
    with suppress(KeyboardInterrupt):  # the usual way to end it
        subprocess.run(["tail", "-n", "20", "-F", *files], check=False)


def _in_stack(places: Places, arguments: list[str], doing: str = "") -> int:
    """The trainer's command line in the stack that runs, that of `make up` first; its exit code. `doing`: said with the stack's name."""
    local, services = Supervisor(places).runs(), compose.running_services(places.root)
    if local:
        if doing:
            _say(f"{doing} the stack of `make up`" + (" (that of Docker compose runs too, and is left alone)" if services else ""))
        running = environment.saved(os.environ, places)
        environment.refuse_other_settings(os.environ, running, 'for one run say it as an option, as in make retrain ARGS="--k 20"')
        return _trainer(places, arguments)
    if "trainer" in services:
        if doing:
            _say(f"{doing} the stack of Docker compose")
        return compose.in_trainer(places.root, arguments)
    raise LarderError(NOT_RUNNING)


def _trainer(places: Places, arguments: list[str]) -> int:
    """Run the trainer's command line in the environment of the running stack; its exit code."""
    environ = environment.saved(os.environ, places)
    return subprocess.run([sys.executable, "-m", "trainer", *arguments], env=environ, cwd=places.root, check=False).returncode


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def main() -> int:
    """Run the command line; whatever goes wrong is a sentence and an exit code, never a trace."""
    return guarded("stack", _command)


def _command() -> int:
    try:
        app()
    except LarderError as error:
        Console(stderr=True).print(str(error), soft_wrap=True, markup=False, highlight=False, style="red")
        return error.exit_code
    return 0
