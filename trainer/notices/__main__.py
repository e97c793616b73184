"""`python -m trainer.notices`: the process of the trainer service that tells others what became of runs, until it is told to stop."""

from __future__ import annotations

import logging
import sys
import time

from contract.command_exit import guarded
from contract.errors import LarderError
from contract.larder import Larder
from contract.store.connections import explained
from trainer.notices.happened import happened
from trainer.notices.tell import tell

EVERY_S = 2.0
DAY_S = 86_400
TELLING_S = 300  # longer than all tries of one notice take
REMEMBERED_S = 2 * DAY_S

log = logging.getLogger("larder.notices")


def main() -> int:
    larder = Larder.beside_a_service()
    while True:
        try:
            with explained(larder.settings.redis_url):
                tell_what_happened(larder)
        except LarderError as error:
            log.warning("notices wait: %s", error)
        time.sleep(EVERY_S)


def tell_what_happened(larder: Larder) -> int:
    """Tell what happened within a day and was not told: each notice once, by one of several trainers. How many were."""
    redis, settings = larder.store, larder.settings
    now_s = redis.time()[0]
    n_told = 0
    for notice in happened(larder.generations, larder.runs, (now_s - DAY_S) * 1000):
        target, key = settings.notices.get(notice.event), larder.keys.told(notice.name)
        if target is None or not redis.set(key, "telling", nx=True, ex=TELLING_S):
            continue
        taken = tell(target, notice, settings.namespace, settings.notice_secret.get_secret_value())
        redis.set(key, "told" if taken else "given up", ex=REMEMBERED_S)
        n_told += taken
    return n_told


if __name__ == "__main__":
    sys.exit(guarded("larder", main, trace_to_stderr=True))
