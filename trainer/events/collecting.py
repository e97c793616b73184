"""From the stream into files: each event once, whenever a process is killed.

What is in a file is known by the file's name, and leaves the stream after that. A process that is killed in between finds the name, and
takes from the stream what the file has. Users who were erased are left out.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from redis import Redis

from contract.formats.freshness import moment_of
from contract.formats.keys import Keys
from contract.store.erasure import Erasure
from contract.store.event_stream import NOTHING, go_on_after, read, settle
from trainer.events.files import Entry, day_of, last_id, write_entries, writing

BATCH = 20_000


def begin(redis: Redis, keys: Keys, folder: Path) -> None:
    """What a process that was killed may have left to do; ids of the stream rise above those of the files."""
    with writing(folder):
        last = last_id(folder)
        go_on_after(redis, keys, last)
        if last != NOTHING:
            settle(redis, keys, last)


def collect(redis: Redis, keys: Keys, erasure: Erasure, folder: Path, batch: int = BATCH) -> int:
    """Write what has come since, up to `batch` events, into files; how many left the stream."""
    with writing(folder):
        entries = _whole_calls(read(redis, keys, last_id(folder), batch), batch)
        if not entries:
            return 0
        for _, part in groupby(_without_erased(entries, erasure), key=lambda entry: day_of(entry[0])):
            write_entries(folder, list(part))
        return settle(redis, keys, entries[-1][0])


def _whole_calls(entries: list[Entry], batch: int) -> list[Entry]:
    """Without the last events of a full batch, of which more may follow: what came together is written together, where it fits."""
    if len(entries) < batch:
        return entries
    last = moment_of(entries[-1][0])
    return [entry for entry in entries if moment_of(entry[0]) != last] or entries


def _without_erased(entries: list[Entry], erasure: Erasure) -> list[Entry]:
    if not erasure.revision():
        return entries
    users = sorted({str(event.user_id) for _, event in entries})
    gone = {users[at] for at in erasure.positions(users)}
    return [entry for entry in entries if str(entry[1].user_id) not in gone]
