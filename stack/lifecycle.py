"""Starting and stopping the stack. Every step may be repeated: what is there already is left alone."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from redis import Redis
from rich.console import Console

from contract.errors import LarderError
from contract.formats.keys import Keys
from contract.formats.states import GenerationState
from contract.settings.absolute import absolute_variables
from contract.settings.settings import Settings, hide_password
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.runs import Runs
from engine import kernel_cache
from stack import demo as sample
from stack import environment, preflight, redis_server
from stack import startup as watch
from stack.paths import StackPaths
from stack.supervision import processes, programs
from stack.supervision.supervisor_client import UP, Supervisor

SHUTDOWN_S = 90.0  # the sum of what supervisor grants the slowest order, and some
ALL_RUN_S = 60.0


def up(places: StackPaths, given: Mapping[str, str], console: Console) -> None:
    """Start what does not run, wait for a promoted generation, show a list of it."""
    given = absolute_variables(given, Path.cwd())
    supervisor = Supervisor(places)
    if not supervisor.runs():
        settings = Settings.from_environ(environment.stack_environment(given, places))
        preflight.check(places, settings, is_free=not processes.of_stack(places))
    places.prepare()
    with _alone(places, console):
        settings = _join(places, given, console) if supervisor.runs() else _spawn(supervisor, places, given, console)
        with connect(settings.redis_url) as redis:
            failed_before = _start_programs(supervisor, places, settings, redis)
    with connect(settings.redis_url) as redis:
        generations = Generations(redis, Keys(settings.namespace))
        is_first, began = generations.current() is None, time.monotonic()
        if is_first:
            console.print(_first_run(settings), soft_wrap=True, highlight=False, markup=False)
        pointer = watch.Watch(redis, Keys(settings.namespace), supervisor, places, failed_before).until_promoted(console)
        after = f", after {time.monotonic() - began:.0f} s" if is_first else ""
        what = f"{pointer.n_users} users, {pointer.n_items} items{after}"
        console.print(f"Generation {pointer.generation} is promoted: {what}", soft_wrap=True, highlight=False)
        if other := sample.trained_otherwise(generations.manifest(pointer.generation), settings):
            console.print(f"It was trained with {other}: `make retrain` trains with the settings of now", soft_wrap=True, highlight=False)
        _until_all_run(supervisor, places)
        sample.show(console, settings, redis, pointer, places.root)


def down(places: StackPaths, console: Console) -> None:
    """Stop the stack in order, then make sure that nothing of it is left."""
    if not places.run.is_dir():
        console.print("Larder does not run")
        return
    with _alone(places, console):
        supervisor, known = Supervisor(places), processes.of_stack(places)
        if supervisor.runs():
            with console.status("stopping; a worker finishes its shard first"):
                _shut_down(supervisor)
        left = processes.end({*processes.alive(known), *processes.of_stack(places)})
        if left:
            console.print(f"Ended what supervisor had left: {', '.join(left)}", soft_wrap=True, highlight=False)
        still = processes.alive({*known, *processes.of_stack(places)})
        if still:
            raise LarderError(f"these processes can't be ended: {', '.join(map(processes.name_of, still))}; see who owns them")
        console.print(f"Stopped {len(known)} processes; none is left" if known else "Larder does not run", highlight=False)


def clean(places: StackPaths, console: Console) -> None:
    """Stop the stack and remove its data; only the folders that it made."""
    down(places, console)
    there = [folder for folder in places.folders if folder.is_dir()]
    for folder in there:
        shutil.rmtree(folder)
    if places.sockets != places.run:
        shutil.rmtree(places.sockets, ignore_errors=True)
    if places.var.is_dir() and not any(places.var.iterdir()):
        places.var.rmdir()
    what = ", ".join(folder.name for folder in there)
    console.print(
        f"Removed from {places.var}: {what}" if there else f"{places.var} holds nothing to remove", soft_wrap=True, highlight=False
    )


def _join(places: StackPaths, given: Mapping[str, str], console: Console) -> Settings:
    running = environment.saved(given, places)
    environment.refuse_other_settings(given, running, "`make down` first, then `make up` with the new value")
    console.print("Larder runs already")
    return Settings.from_environ(running)


def _spawn(supervisor: Supervisor, places: StackPaths, given: Mapping[str, str], console: Console) -> Settings:
    wanted = {"LARDER_ERASURE_SECRET": environment.secret_of(places), **environment.stack_environment(given, places)}
    settings = Settings.from_environ(wanted)
    left = processes.end(processes.of_stack(places))
    if left:
        console.print(f"Ended what a killed stack had left: {', '.join(left)}", soft_wrap=True, highlight=False)
    preflight.check(places, settings)
    server = None
    if settings.redis_url == places.redis_url:
        server = redis_server.find_redis_server(redis_server.candidates())
        redis_server.refuse_older_server(server, places)
        places.redis_config.write_text(redis_server.configuration(places), encoding="utf-8")
    listed = programs.programs(places, server.path if server else None)
    places.supervisor_config.write_text(programs.configuration(places, listed), encoding="utf-8")
    environment.save(wanted, places)
    kernel_cache.prune(Path(wanted[kernel_cache.VARIABLE]))
    console.print(
        f"Starting Larder: {', '.join(program.name for program in listed)} (logs in {places.log})", soft_wrap=True, highlight=False
    )
    try:
        supervisor.spawn(wanted)
    except BaseException:  # a Ctrl-C, too: a supervisord that nobody waits for any more
        processes.end(processes.of_stack(places))
        raise
    return settings


def _start_programs(supervisor: Supervisor, places: StackPaths, settings: Settings, redis: Redis) -> str:
    """Redis, then the rest once it answers; the id of a run that had failed before, which is not waited for."""
    names = [process.name for process in supervisor.processes()]
    deaths = watch.CrashLoopDetector(places)
    if programs.REDIS in names:
        supervisor.start(programs.REDIS)
        watch.until_redis_answers(redis, supervisor, deaths)
    keys = Keys(settings.namespace)
    generations, last = Generations(redis, keys), Runs(redis, keys).latest()
    failed = last.run if last is not None and GenerationState.FAILED in (last.state, generations.state(last.run)) else ""
    if failed and generations.current() is None:
        supervisor.stop(programs.TRAINER, wait=True)  # at its start it enqueues a run when nothing is promoted
    for name in names:
        supervisor.start(name)
    return failed


def _first_run(settings: Settings) -> str:
    """What people wait for now."""
    if settings.interactions != Settings.model_fields["interactions"].default:
        return f"First a run trains on {hide_password(settings.interactions)}; `larder plan` estimates how long that takes"
    return "First a run trains on the sample that comes with Larder: about half a minute on two cores"


def _until_all_run(supervisor: Supervisor, places: StackPaths) -> None:
    deaths, deadline = watch.CrashLoopDetector(places), time.monotonic() + ALL_RUN_S
    while True:
        seen = supervisor.processes()
        if all(process.state == "RUNNING" for process in seen):
            return
        deaths.look(seen)
        if time.monotonic() > deadline:
            states = ", ".join(f"{process.name} {process.state}" for process in seen)
            raise LarderError(f"not every process runs after {ALL_RUN_S:.0f} s ({states}); see `make logs`")
        time.sleep(watch.POLL_S)


def _shut_down(supervisor: Supervisor) -> None:
    """All but Redis at the same time, then supervisord, which stops Redis; returns once it has ended, or has had its time."""
    daemon = psutil.Process(supervisor.pid())
    deadline = time.monotonic() + SHUTDOWN_S
    with suppress(LarderError):  # it is shutting down already
        for process in supervisor.processes():
            if process.name != programs.REDIS and process.state in UP:
                supervisor.stop(process.name)
    supervisor.shut_down()
    while processes.alive([daemon]) and time.monotonic() < deadline:
        time.sleep(0.1)


@contextmanager
def _alone(places: StackPaths, console: Console) -> Iterator[None]:
    """One `up` or `down` at a time: a second one waits."""
    with open(places.run / "lock", "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("waiting for another `make up` or `make down` to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
