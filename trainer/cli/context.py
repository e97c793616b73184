"""What a command that looks at generations needs, from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis

from contract.errors import GenerationError
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer
from contract.settings.called import as_called
from contract.settings.settings import Settings
from contract.store.connections import connect, explained
from contract.store.generations import Generations
from contract.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Opened:
    settings: Settings
    store: Redis
    generations: Generations
    runs: Runs

    def served(self) -> Pointer:
        """Raises GenerationError when nothing is promoted."""
        if (pointer := self.generations.current()) is None:
            raise GenerationError(f"nothing is promoted yet: `{as_called('run', '--wait')}` trains and swaps")
        return pointer


@contextmanager
def opened() -> Iterator[Opened]:
    """Raises SettingsError for a bad variable; in the block an error of Redis becomes a StoreError that says which server."""
    settings = Settings.from_environ(os.environ)
    store, keys = connect(settings.redis_url), Keys(settings.namespace)
    with explained(settings.redis_url):
        yield Opened(settings, store, Generations(store, keys), Runs(store, keys))
