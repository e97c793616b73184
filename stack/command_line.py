"""`larder`: the stack on one machine, and the trainer's commands in whichever stack runs. Its composition root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console

from contract import VERSION
from contract.command_exit import guarded
from contract.errors import LarderError, StoreError
from contract.settings.settings import Settings
from stack import compose, environment, interrupted, lifecycle, status, trainer_commands
from stack.paths import StackPaths
from stack.supervision.supervisor_client import Supervisor

INTERRUPTED = 130
console = Console()


class Commands(click.Group):
    """Those of the stack, and those of the trainer, which are passed on as they are."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or trainer_commands.passed_on(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return [*self.commands, *(name for name in trainer_commands.names() if name not in self.commands)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        others = [name for name in self.list_commands(ctx) if name not in self.commands]
        for title, names in (("The stack of `make up`", list(self.commands)), ("In whichever stack runs here", others)):
            with formatter.section(title):
                found = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(name, one.get_short_help_str(90)) for name, one in found if one is not None])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="larder")
@click.option("--var", type=click.Path(path_type=Path), help="Folder of all data, logs and sockets; by default var/ in the checkout.")
@click.pass_context
def app(context: click.Context, var: Path | None) -> None:
    """Compute recommendations ahead of time, and serve them. From any folder; relative paths are those of the folder that you are in."""
    root = trainer_commands.root()
    context.obj = StackPaths(root, (Path.cwd() / var if var else root / "var").resolve())


@app.command()
@click.pass_obj
def up(places: StackPaths) -> None:
    """Start, wait for a promoted generation, show a list of it."""
    lifecycle.up(places, os.environ, console)


@app.command()
@click.pass_obj
def down(places: StackPaths) -> None:
    """Stop, and leave no process; the data stay."""
    lifecycle.down(places, console)


@app.command()
@click.pass_obj
def clean(places: StackPaths) -> None:
    """Stop, and remove the data."""
    lifecycle.clean(places, console)


@app.command(context_settings=dict(trainer_commands.PASSED_ON), add_help_option=False)
@click.pass_context
def retrain(context: click.Context) -> None:
    """Train again and swap, and wait for it: `run --wait`."""
    sys.exit(trainer_commands.in_stack(context.obj, ["run", "--wait", *context.args], "Retraining"))


@app.command(name="status")
@click.pass_obj
def show_status(places: StackPaths) -> None:
    """What runs, and what is served; ends with 0 when all of it runs and answers."""
    local, services = Supervisor(places).runs(), compose.running_services(places.root)
    if not (local or services):
        raise StoreError(trainer_commands.NOT_RUNNING)
    code = 0
    if local:
        environ = environment.saved(os.environ, places)
        seen = Supervisor(places).processes()
        console.print(status.table_of(seen))
        settings = Settings.from_environ(environ)
        _say(status.workers_line(settings))
        code = trainer_commands.trainer(environ, ["status"])
        for wrong in (wrongs := status.what_is_wrong(places, seen, settings)):
            _say(wrong)
        code = code or (StoreError.exit_code if wrongs else 0)
    if services:
        _say("The stack of Docker compose:")
        compose.call(places.root, ["ps"])
        if "trainer" in services:
            code = compose.in_trainer(places.root, ["status"]) or code
    sys.exit(code)


@app.command()
@click.pass_obj
def logs(places: StackPaths) -> None:
    """Follow the logs."""
    files = sorted(map(str, places.log.glob("*.log")))
    local, services = Supervisor(places).runs(), compose.running_services(places.root)
    if services and not local:
        sys.exit(compose.call(places.root, ["logs", "--follow", "--tail", "100"]))
    if not files:
        raise StoreError(trainer_commands.NOT_RUNNING)
    with suppress(KeyboardInterrupt):  # the usual way to end it
        subprocess.run(["tail", "-n", "20", "-F", *files], check=False)


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; whatever goes wrong is a sentence and an exit code, never a trace."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded("larder", lambda: _command(given))


def _command(given: list[str]) -> int:
    context: click.Context | None = None
    try:
        with app.make_context("larder", given) as context:
            app.invoke(context)
    except LarderError as error:
        Console(stderr=True).print(str(error), soft_wrap=True, markup=False, highlight=False, style="red")
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        if context is not None and context.invoked_subcommand in ("up", "down", "clean"):
            _say(interrupted.what_there_is(context.obj))
        return INTERRUPTED
    return 0
