"""Files of events and impressions are merged while they are small, deleted when they are old, and written anew without who is erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from contract.formats.keys import Id
from contract.machine import sync_folder
from trainer.events.files import EventFile, all_files, days_of, files_of, write_frame, writing

SMALL_BYTES = 32 * 2**20
MANY = 64  # small files in a day from which they are merged


def tidy(folder: Path, today: date, keep_days: int) -> int:
    """Merge and delete; how many files are fewer. `keep_days` 0: nothing is too old."""
    fewer = 0
    with writing(folder):
        for day in days_of(folder):
            if keep_days and day.name < f"day={today - timedelta(days=keep_days)}":
                fewer += len(list(day.iterdir()))
                shutil.rmtree(day)
                continue
            kept, covered = files_of(day)
            for file in covered:  # a merge that was cut short
                file.path.unlink()
            fewer += len(covered)
            if len(kept) >= (MANY if day.name == f"day={today}" else 2):
                fewer += sum(_merge(group) for group in _groups(kept))
    return fewer


def _groups(files: Sequence[EventFile]) -> Iterator[list[EventFile]]:
    """Neighbours that are small, together about SMALL_BYTES or less than twice that."""
    group: list[EventFile] = []
    size = 0
    for file in files:
        n_bytes = file.path.stat().st_size
        if n_bytes < SMALL_BYTES:
            group.append(file)
            size += n_bytes
        if size >= SMALL_BYTES or n_bytes >= SMALL_BYTES:
            yield group
            group, size = [], 0
    yield group


def _merge(group: Sequence[EventFile]) -> int:
    if len(group) < 2:
        return 0
    first, last = group[0], group[-1]
    name = "{}-{}_{}-{}.parquet".format(*first.first, *last.last)
    write_frame(first.path.with_name(name), pl.concat([pl.read_parquet(file.path) for file in group]))
    for file in group:
        file.path.unlink()
    sync_folder(first.path.parent)
    return len(group) - 1


def forget(folder: Path, user_id: Id) -> int:
    """Take a user out of all files; how many entries went."""
    if not folder.is_dir():
        return 0
    gone = 0
    with writing(folder):
        for day in days_of(folder):
            for file in files_of(day)[1]:
                file.path.unlink()
        for file in all_files(folder):
            users = pl.read_parquet(file.path, columns=["user_id"])["user_id"]
            if n := int((users == str(user_id)).sum()):
                frame = pl.read_parquet(file.path)
                write_frame(file.path, frame.filter(pl.col("user_id") != str(user_id)))
                gone += n
    return gone
