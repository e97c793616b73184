"""The environment that every process of the stack gets: the user's own, and what a stack on one machine needs besides.

It is kept in var/run, so that `retrain`, `status` and a second `up` speak to the stack that runs, whatever the shell says now.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping

from contract.errors import LarderError, SettingsError
from contract.machine import n_cores
from contract.settings.settings import PREFIX, Settings, hide_password
from engine import kernel_cache
from stack.paths import StackPaths


def stack_environment(given: Mapping[str, str], places: StackPaths) -> dict[str, str]:
    """`given`, completed with defaults for one machine; a LARDER_ variable of the user always wins."""
    return {
        "LARDER_REDIS_URL": places.redis_url,
        "LARDER_ARTIFACTS": places.artifacts.as_uri(),
        "LARDER_PROCESSES": str(n_cores()),
        "LARDER_API_HOST": "127.0.0.1",  # a container's port is published by who runs it; here the port itself is what others see
        kernel_cache.VARIABLE: str(places.numba_cache),
        **({"LARDER_MANUAL": str(places.manual)} if places.manual.is_dir() else {}),
        "PYTHONUNBUFFERED": "1",  # a line is in the log when it happened, not when a buffer was full
        **given,
    }


def secret_of(places: StackPaths) -> str:
    """The secret by which this stack remembers erased users: made once, and kept as long as its data."""
    try:
        with open(os.open(places.erasure_secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return places.erasure_secret.read_text(encoding="ascii")


def save(environment: Mapping[str, str], places: StackPaths) -> None:
    """Keep what makes this stack this stack. A URL may carry a password, so the file is for its owner alone."""
    kept = {name: value for name, value in environment.items() if name.startswith(PREFIX) or name == kernel_cache.VARIABLE}
    with open(os.open(places.environment, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)


def saved(given: Mapping[str, str], places: StackPaths) -> dict[str, str]:
    """The environment of the running stack, on top of what is not Larder's in `given`."""
    try:
        kept: dict[str, str] = json.loads(places.environment.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LarderError(f"can't read {places.environment}: {error}; run `make down`, then `make up`") from error
    rest = {name: value for name, value in given.items() if not name.startswith(PREFIX)}
    return {**rest, "PYTHONUNBUFFERED": "1", **kept}


def refuse_other_settings(given: Mapping[str, str], running: Mapping[str, str], instead: str) -> None:
    """Raise SettingsError when `given` asks for something else than what runs, which would be ignored silently."""
    asked = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    old = Settings.from_environ(running).model_dump()
    new = Settings.from_environ({**running, **asked}).model_dump()
    changed = [
        f"{PREFIX}{name.upper()}={hide_password(str(old[name]))} (you gave {hide_password(str(new[name]))})"
        for name in old
        if old[name] != new[name]
    ]
    if changed:
        raise SettingsError(f"Larder runs already, with {', '.join(changed)}: {instead}")
