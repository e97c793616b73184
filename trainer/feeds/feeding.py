"""From a feed into Larder's own stream: a message is done with there only once Redis has its event here.

A process that is killed in between gets the message again, and its event is known by its id. What is broken is counted and passed over.
While there is no room, nothing more is read, and nothing is lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from contract.errors import StoreFullError
from contract.formats.events import Event
from contract.larder import Larder
from contract.store.connections import explained
from contract.store.event_stream import EventsFullError, push
from contract.store.recent_events import remember
from contract.store.streams.feeds import tell
from trainer.feeds.messages import BrokenMessageError, Message, event_of

BATCH = 1000
FULL_S = 1.0  # until the next try, where there is no room

log = logging.getLogger("larder.feeds")


class Source(Protocol):
    """A stream at its server. Its errors are FeedError."""

    name: str

    def read(self, n: int) -> Sequence[Message]:
        """The next messages; none after a second or so without any."""

    def done(self, messages: Sequence[Message]) -> None:
        """They come never again."""

    def lag(self) -> int:
        """Messages that are not done with; UNKNOWN where nobody knows."""

    def wait(self, seconds: float) -> None:
        """Stay a member of the group, and read nothing meanwhile."""

    def close(self) -> None: ...


class Feeding:
    """Of one source."""

    def __init__(self, larder: Larder, source: Source, names: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._larder, self._source, self._names, self._clock = larder, source, names, clock
        self._has_told_broken = self._has_told_full = False

    def step(self) -> int:
        """Take the next messages over; how many they were. Raises FeedError for the source, and LarderError for Larder's own Redis."""
        messages = self._source.read(BATCH)
        events, n_broken = self._events(messages)
        self._enter(events)
        if messages:
            self._source.done(messages)
        self._tell(len(messages), n_broken)
        return len(messages)

    def _tell(self, n_read: int = 0, n_refused: int = 0) -> None:
        larder = self._larder
        with explained(larder.settings.redis_url):
            tell(larder.store, larder.keys, self._source.name, read=n_read, refused=n_refused, lag=self._source.lag())

    def _events(self, messages: Sequence[Message]) -> tuple[list[Event], int]:
        events, broken, now = [], 0, int(self._clock())
        for message in messages:
            try:
                events.append(event_of(message, self._names, now))
            except BrokenMessageError as error:
                broken += 1
                if not self._has_told_broken:
                    self._has_told_broken = True
                    log.warning("%s is refused: %s Further ones are counted, and not named", message.place, error)
        return events, broken

    def _enter(self, events: Sequence[Event]) -> None:
        """All of them, in parts where there is no room for all at once."""
        larder, n = self._larder, len(events)
        while events:
            try:
                with explained(larder.settings.redis_url):
                    _, at_us = push(larder.store, larder.keys, larder.settings, events[:n])
                    if larder.settings.counts_at_once:
                        remember(larder.store, larder.keys, larder.settings, events[:n], at_us)
            except StoreFullError as error:
                if not self._has_told_full:
                    self._has_told_full = True
                    log.warning("%s waits: %s", self._source.name, error if isinstance(error, EventsFullError) else "Redis is full")
                n = max(1, n // 2)
                self._source.wait(FULL_S)
                if isinstance(error, EventsFullError):  # else Redis takes nothing
                    self._tell()  # what waits there grows meanwhile
            else:
                events = events[n:]
                self._has_told_full = False
