"""`python -m trainer.events`: the process of the trainer service that writes events to files, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime

from contract.door import guarded
from contract.errors import LarderError
from contract.larder import Larder
from contract.machine import die_with_parent
from contract.settings.settings import Settings
from contract.store.connections import explained
from contract.telemetry.logs import log_to_stdout
from trainer.events.collecting import BATCH, begin, collect
from trainer.events.files import folder_for
from trainer.events.tidying import tidy

TIDY_EVERY_S = 600.0
AGAIN_S = 1.0  # after an error

log = logging.getLogger("larder.events")


def main() -> int:
    settings = Settings.from_environ(os.environ)
    log_to_stdout(settings)
    die_with_parent()
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))  # as good as killed: what is half done is done again
    larder = Larder(settings)
    folder = folder_for(settings.artifacts)
    has_begun, tidied_at = False, 0.0
    log.info("events are written to %s", folder)
    while True:
        try:
            with explained(settings.redis_url):
                if not has_begun:
                    begin(larder.store, larder.keys, folder)
                    has_begun = True
                n = collect(larder.store, larder.keys, larder.erasure, folder)
            if time.monotonic() - tidied_at >= TIDY_EVERY_S:
                tidied_at = time.monotonic()
                tidy(folder, datetime.now(UTC).date(), settings.events_keep_days)
        except (LarderError, OSError) as error:
            log.error("events wait in Redis: %s", error)
            has_begun, n = False, 0
            time.sleep(AGAIN_S)
        if n < BATCH:
            time.sleep(settings.events_write_s)


if __name__ == "__main__":
    sys.exit(guarded("larder", main, trace_to_stderr=True))
