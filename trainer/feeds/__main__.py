"""`python -m trainer.feeds`: the process of the trainer service that reads events from streams of the user's own.

It runs until it is told to stop. Each feed has a thread: one that is away does not keep the others.
"""

from __future__ import annotations

import logging
import sys
import threading
import time

from contract.command_exit import guarded
from contract.errors import FeedError, LarderError
from contract.larder import Larder
from contract.settings.stores.feeds import Feed
from contract.store.connections import explained
from contract.store.streams.feeds import tell
from trainer.feeds.feeding import Feeding
from trainer.feeds.sources import opened

AGAIN_S = 2.0  # after an error

log = logging.getLogger("larder.feeds")


def follow(larder: Larder, feed: Feed) -> None:
    """Read it as long as it can be read; an error, which is logged once while it stays the same, begins anew."""
    told = ""
    while True:
        try:
            source = opened(feed)
            try:
                feeding = Feeding(larder, source, larder.settings.names_in_messages)
                while True:
                    feeding.step()
                    if told:
                        told = ""
                        log.info("%s is read again", feed.name)
            finally:
                source.close()
        except LarderError as error:
            if str(error) != told:
                told = str(error)
                log.error("%s; tried again every %.0f s", error, AGAIN_S)
            if isinstance(error, FeedError):
                _say_down(larder, feed)
        time.sleep(AGAIN_S)


def _say_down(larder: Larder, feed: Feed) -> None:
    try:
        with explained(larder.settings.redis_url):
            tell(larder.store, larder.keys, feed.name, is_up=False)
    except LarderError as error:
        log.error("%s", error)


def main() -> int:
    larder = Larder.beside_a_service()
    threads = [threading.Thread(target=follow, args=(larder, feed), daemon=True) for feed in larder.settings.feeds]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads):
        threads[0].join(1.0)
    return 1  # a fault in one of them, which its traceback tells; the service starts all again


if __name__ == "__main__":
    sys.exit(guarded("larder", main, trace_to_stderr=True))
