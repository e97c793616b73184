"""`python -m trainer.outcomes`: count once, for the page. The trainer service starts it again and again, where impressions are kept."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from contract.command_exit import guarded
from contract.larder import Larder
from contract.machine import die_with_parent
from contract.settings.settings import Settings
from contract.store.connections import explained
from contract.store.streams.outcomes import keep
from contract.telemetry.logs import log_to_stdout
from trainer.outcomes.outcomes import outcomes

DAYS = 7
TABLES = (("generation", "arm"), ("rank",), ("day",))
NICE = 10  # behind whatever else the machine has to do


def main() -> int:
    settings = Settings.from_environ(os.environ)
    log_to_stdout(settings)
    die_with_parent()
    os.nice(NICE)
    larder = Larder(settings)
    tables = (*TABLES, ("segment",)) if settings.users else TABLES
    with explained(settings.redis_url):
        pointer = larder.generations.current()
        found = outcomes(settings, datetime.now(UTC), DAYS, tables, pointer.user_id_type if pointer else None)
        keep(larder.store, larder.keys, found)
    return 0


if __name__ == "__main__":
    sys.exit(guarded("larder", main, trace_to_stderr=True))
