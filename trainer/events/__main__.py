"""`python -m trainer.events`: the process of the trainer service that writes events, and lists that were shown, to files.

It runs until it is told to stop.
"""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

from contract.command_exit import guarded
from contract.errors import LarderError
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.connections import explained
from trainer.events.collecting import BATCH, begin, collect
from trainer.events.kinds import KINDS, Kind, written
from trainer.events.tidying import tidy

TIDY_EVERY_S = 600.0
AGAIN_S = 1.0  # after an error

log = logging.getLogger("larder.events")


class Writer:
    """Of one kind."""

    def __init__(self, larder: Larder, kind: Kind[Any]) -> None:
        self._larder, self._kind, self._has_begun = larder, kind, False
        self._folder = kind.folder(larder.settings.artifacts)
        log.info("%s are written to %s", kind.what, self._folder)

    def write(self) -> int:
        """What has come since; how many. After an error, which is logged, the next call begins again."""
        larder = self._larder
        try:
            with explained(larder.settings.redis_url):
                if not self._has_begun:
                    begin(larder.store, larder.keys, self._folder, self._kind)
                    self._has_begun = True
                return collect(larder.store, larder.keys, larder.erasure, self._folder, kind=self._kind)
        except (LarderError, OSError) as error:
            log.error("%s wait in Redis: %s", self._kind.what, error)
            self._has_begun = False
            time.sleep(AGAIN_S)
            return 0


def main() -> int:
    larder = Larder.beside_a_service()
    settings = larder.settings
    writers = [Writer(larder, kind) for kind in written(settings)]
    tidied_at = float("-inf")
    while True:
        n = max([writer.write() for writer in writers])
        if time.monotonic() - tidied_at >= TIDY_EVERY_S:
            tidied_at = time.monotonic()
            _tidy(settings)
        if n < BATCH:
            time.sleep(settings.events_write_s)


def _tidy(settings: Settings) -> None:
    """Of all kinds, also of those that are off now: what is to be kept for some days is kept for no longer."""
    for kind in KINDS:
        folder = kind.folder(settings.artifacts)
        if not folder.is_dir():
            continue
        try:
            tidy(folder, datetime.now(UTC).date(), kind.keep_days(settings))
        except OSError as error:
            log.error("files of %s can't be tidied up: %s", kind.what, error)


if __name__ == "__main__":
    sys.exit(guarded("larder", main, trace_to_stderr=True))
