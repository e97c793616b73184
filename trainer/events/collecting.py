"""From a stream into files: each entry once, whenever a process is killed.

What is in a file is known by the file's name, and leaves the stream after that. A process that is killed in between finds the name, and
takes from the stream what the file has. Users who were erased are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from redis import Redis

from contract.formats.freshness import moment_of
from contract.formats.keys import Keys
from contract.store.erasure import Erasure
from contract.store.streams.stream import NOTHING, OfUser
from trainer.events.files import day_of, last_id, write_entries, writing
from trainer.events.kinds import EVENTS, Kind

BATCH = 20_000


def begin(redis: Redis, keys: Keys, folder: Path, kind: Kind[Any] = EVENTS) -> None:
    """What a process that was killed may have left to do; ids of the stream rise above those of the files."""
    stream = kind.stream(redis, keys)
    with writing(folder):
        last = last_id(folder)
        stream.go_on_after(last)
        if last != NOTHING:
            stream.settle(last)


def collect(redis: Redis, keys: Keys, erasure: Erasure, folder: Path, batch: int = BATCH, kind: Kind[Any] = EVENTS) -> int:
    """Write what has come since, up to `batch` entries, into files; how many left the stream."""
    stream = kind.stream(redis, keys)
    with writing(folder):
        entries = _whole_calls(stream.read(last_id(folder), batch), batch)
        if not entries:
            return 0
        for _, part in groupby(_without_erased(entries, erasure), key=lambda entry: day_of(entry[0])):
            write_entries(folder, list(part), kind)
        return stream.settle(entries[-1][0])


def _whole_calls(entries: list[tuple[str, Any]], batch: int) -> list[tuple[str, Any]]:
    """Without the last ones of a full batch, of which more may follow: what came together is written together, where it fits."""
    if len(entries) < batch:
        return entries
    last = moment_of(entries[-1][0])
    return [entry for entry in entries if moment_of(entry[0]) != last] or entries


def _without_erased(entries: Sequence[tuple[str, OfUser]], erasure: Erasure) -> Sequence[tuple[str, OfUser]]:
    if not erasure.revision():
        return entries
    users = sorted({str(one.user_id) for _, one in entries})
    gone = {users[at] for at in erasure.positions(users)}
    return [entry for entry in entries if str(entry[1].user_id) not in gone]
