"""What a command that looks at generations needs, from the environment, and who gives it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import GenerationError
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.settings.command_hints import as_called
from contract.store.connections import explained


@contextmanager
def opened(**options: object) -> Iterator[Larder]:
    """`options` override settings. Raises SettingsError for a bad variable; in the block an error of Redis becomes a StoreError."""
    larder = Larder.from_environ(**options)
    with explained(larder.settings.redis_url):
        yield larder


def served(larder: Larder) -> Pointer:
    """What is current. Raises GenerationError when nothing is promoted."""
    if (pointer := larder.generations.current()) is None:
        raise GenerationError(f"nothing is promoted yet: `{as_called('run', '--wait')}` trains and swaps")
    return pointer


def who_asks() -> str:
    """User and host, for the record of what is changed. A container's user may have no name: then its number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
