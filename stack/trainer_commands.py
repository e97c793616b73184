"""The trainer's commands, passed on as they are: to the stack that runs, or to no stack where they need none."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from contract.errors import StoreError
from contract.settings.running_stack import REDIS
from contract.settings.settings import PREFIX
from stack import compose, environment
from stack.paths import StackPaths
from stack.supervision.supervisor_client import Supervisor

NOT_RUNNING = "Larder does not run here: `make up` starts it, or `docker compose up --build -d --wait` with Docker"
READING = ("check", "plan", "tune")  # what they read is the caller's, and no stack has to run
OF_SERVICES = ("serve", "health")
CHANGING = ("run", "promote", "rollback", "release", "cancel", "items", "prune", "erase")
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def names() -> list[str]:
    """All but those that services are started by."""
    from trainer.__main__ import cli

    return [name for name in cli.commands if name not in OF_SERVICES]


def passed_on(name: str) -> click.Command | None:
    """The trainer's command of this name, as one that only hands its arguments on."""
    from trainer.__main__ import cli

    known = cli.commands.get(name)
    if known is None:
        return None

    @click.pass_context
    def call(context: click.Context) -> None:
        sys.exit(in_stack(context.obj, [name, *context.args]))

    return click.Command(name, callback=call, help=known.help, add_help_option=False, context_settings=dict(PASSED_ON))


def in_stack(places: StackPaths, arguments: Sequence[str], doing: str = "") -> int:
    """The trainer's command line in the stack that runs, that of `make up` first; its exit code. `doing`: said with the stack's name."""
    name = arguments[0]
    if {"-h", "--help"} & set(arguments) or REDIS in os.environ:  # who names a Redis means another stack
        return trainer(os.environ, arguments)
    local = Supervisor(places).runs()
    if name in READING:
        return trainer({**environment.saved(os.environ, places), **_settings(os.environ)} if local else os.environ, arguments)
    services = compose.running_services(places.root) if not local or name in CHANGING else []
    if local:
        other = "that of Docker compose runs too, and is left alone"
        if doing:
            click.echo(f"{doing} the stack of `make up`" + (f" ({other})" if services else ""))
        elif services:
            click.echo(f"In the stack of `make up`; {other}", err=True)
        running = environment.saved(os.environ, places)
        environment.refuse_other_settings(os.environ, running, 'for one run say it as an option, as in make retrain ARGS="--k 20"')
        return trainer(running, arguments)
    if "trainer" in services:
        click.echo(f"{doing or 'In'} the stack of Docker compose", err=not doing)
        return compose.in_trainer(places.root, arguments)
    raise StoreError(NOT_RUNNING)


def trainer(environ: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Run the trainer's command line in this process, where the caller stands; its exit code."""
    if environ is not os.environ:
        os.environ.update(environ)
    from trainer.__main__ import main

    return main(arguments)


def _settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(PREFIX)}


def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent
