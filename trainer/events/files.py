"""Files of events: `<artifacts>/.events/day=2026-01-31/FIRST_LAST.parquet`; of lists that were shown the same, in `.impressions`.

FIRST and LAST are ids of the stream, so that a name says which entries the file holds. Files are written in the order of the stream, and
a day is that of an entry's arrival: so the newest LAST of all says what is in files, and what is taken out of Redis later is known.
A file is written aside, flushed, then renamed. Where small files were merged, the range of the merged one covers theirs; until they are
deleted they count for nothing. Who writes holds a lock of the file system, which a process that is killed lets go.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from contract.machine import sync_folder
from contract.store.streams.stream import NOTHING
from trainer.events.kinds import EVENTS, STREAM_ID, Kind

_NAME = re.compile(r"(\d+)-(\d+)_(\d+)-(\d+)\.parquet", re.ASCII)
_ASIDE = ".writing-"


class EventFile(NamedTuple):
    """A file, by the range of ids that it holds: each a number of milliseconds and one within them."""

    first: tuple[int, int]
    last: tuple[int, int]
    path: Path


def id_of(text: str) -> tuple[int, int]:
    """An id of the stream, as what orders them."""
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)


def day_of(entry: str) -> str:
    return datetime.fromtimestamp(id_of(entry)[0] / 1000, UTC).date().isoformat()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Nobody else writes, merges or erases meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def days_of(folder: Path) -> list[Path]:
    """Folders of days, oldest first."""
    return sorted(folder.glob("day=????-??-??"))


def files_of(day: Path) -> tuple[list[EventFile], list[EventFile]]:
    """The files of a day that count, in the order of the stream; and those that a merged one covers."""
    found = []
    for path in day.iterdir():
        if match := _NAME.fullmatch(path.name):
            a, b, c, d = map(int, match.groups())
            found.append(EventFile((a, b), (c, d), path))
    found.sort(key=lambda file: (file.first, (-file.last[0], -file.last[1])))
    kept: list[EventFile] = []
    covered: list[EventFile] = []
    for file in found:
        (covered if kept and file.last <= kept[-1].last else kept).append(file)
    return kept, covered


def all_files(folder: Path) -> list[EventFile]:
    """Every file that counts, oldest first."""
    return [file for day in days_of(folder) for file in files_of(day)[0]]


def last_id(folder: Path) -> str:
    """The id of the newest entry that a file holds."""
    for day in reversed(days_of(folder)):
        if kept := files_of(day)[0]:
            return "{}-{}".format(*kept[-1].last)
    return NOTHING


def write_entries(folder: Path, entries: Sequence[tuple[str, Any]], kind: Kind[Any] = EVENTS) -> None:
    """Entries of one day with their ids in the stream, in their order, as a file."""
    frame = pl.DataFrame([(entry, *kind.row(one)) for entry, one in entries], schema=kind.schema, orient="row")
    write_frame(folder / f"day={day_of(entries[0][0])}" / f"{entries[0][0]}_{entries[-1][0]}.parquet", frame)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write or replace a file: a reader finds the old one or the new one, whole."""
    is_new = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{_ASIDE}{path.name}")
    with open(aside, "wb") as file:
        frame.write_parquet(file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    sync_folder(path.parent)
    if is_new:
        sync_folder(path.parent.parent)


def read_all(folder: Path, columns: Sequence[str], since: str = NOTHING) -> Iterator[pl.DataFrame]:
    """Every entry behind an id of the stream that is in files, file by file, oldest first.

    Files that are merged meanwhile are read merged, and nothing twice.
    """
    after = id_of(since)
    while waiting := [file for file in all_files(folder) if file.last > after]:
        for file in waiting:
            try:
                frame = pl.read_parquet(file.path, columns=[STREAM_ID, *columns])
            except FileNotFoundError:  # merged since it was listed
                break
            if file.first <= after:  # a merged one, of which the beginning was read before it was merged
                begins = [id_of(entry) > after for entry in frame[STREAM_ID].to_list()]
                frame = frame.filter(pl.Series(begins, dtype=pl.Boolean))
            after = file.last
            yield frame
