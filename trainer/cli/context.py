"""What a command that looks at generations needs, from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import GenerationError
from contract.formats.manifest import Pointer
from contract.larder import Larder
from contract.settings.called import as_called
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
