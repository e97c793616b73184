"""Lists as files: CSV, Parquet, and JSON lines in the shape of Amazon Personalize's batch inference.

A file is written aside, flushed to the disk, then renamed: whoever opens its name finds the old one or the new one, whole.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from contract.errors import SettingsError, TargetError
from contract.machine import sync_folder
from trainer.export.objects import check_object, is_remote, uploading
from trainer.export.parquet import write_parquet
from trainer.export.rows import Row, Shape
from trainer.export.target import Lists

STDOUT = "-"


def write_csv(lists: Lists, file: BinaryIO) -> None:
    """A line of names, then rows; a missing item is an empty field. Scores have nine digits, which no float32 needs more of."""
    rows: Iterator[Row] = lists.rows()
    if lists.shape.layout == "long":
        rows = ((*row[:3], nine_digits(row[3]), *row[4:]) for row in rows)
    write_lines(file, (name for name, _ in lists.shape.columns), rows)


def write_lines(file: BinaryIO, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """CSV in UTF-8: a line of names, then rows. `file` stays open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        text.flush()
    finally:
        text.detach()


def write_personalize(lists: Lists, file: BinaryIO) -> None:
    """A line of JSON a user, as a batch inference job of the USER_PERSONALIZATION recipes writes it, with all ids as strings.

    https://docs.aws.amazon.com/personalize/latest/dg/batch-inference-job-output-examples.html
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for user, raw in lists.by_user:
        items, scores = lists.shape.best(raw)
        output = {"recommendedItems": [str(item) for item in items], "scores": [float(nine_digits(score)) for score in scores]}
        file.write(encode({"input": {"userId": str(user)}, "output": output, "error": None}).encode() + b"\n")


WRITERS: Mapping[str, Callable[[Lists, BinaryIO], None]] = {"csv": write_csv, "parquet": write_parquet, "jsonl": write_personalize}


def nine_digits(score: object) -> str:
    """An empty field for none."""
    return "" if score is None else f"{score:.9g}"


class FileTarget:
    """`path`, the address of an object, or the standard output where it is "-"."""

    def __init__(self, path: str, form: str | None) -> None:
        """`form`: one of WRITERS; None: what the name ends in, and CSV on the standard output. Raises SettingsError."""
        self._path = path
        self.form = form or ("csv" if path == STDOUT else Path(path).suffix.removeprefix("."))
        if self.form not in WRITERS:
            known = ", ".join(f".{name}" for name in WRITERS)
            raise SettingsError(f"--to={path}: a file's name ends in one of {known}, or --format says what it is to hold")
        if path == STDOUT and self.form == "parquet":
            raise SettingsError("--to=-: Parquet is no text: name a file")

    def check(self, _shape: Shape | None = None) -> None:
        if self._path == STDOUT:
            return
        if is_remote(self._path):
            check_object(self._path)
            return
        path = Path(self._path).absolute()
        if not path.parent.is_dir():
            raise TargetError(f"there is no folder {path.parent} to write {self._path} into")
        if path.exists() and not path.is_file():
            raise TargetError(f"{self._path} is no ordinary file, which another could replace")

    def write(self, lists: Lists) -> None:
        self.put(partial(WRITERS[self.form], lists))

    def put(self, write: Callable[[BinaryIO], None]) -> None:
        """What `write` writes takes the place of what is there."""
        try:
            if self._path == STDOUT:
                write(sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with uploading(self._path) if is_remote(self._path) else _replacing(Path(self._path).absolute()) as file:
                    write(file)
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more when it closes the standard output
            raise TargetError("whoever read the lists has stopped reading") from error
        except OSError as error:
            raise TargetError(f"{self._path} can't be written: {error.strerror or error}") from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path`, which takes its place at the end of the block, and is removed after an error.

    It is locked, so that two exports never write the same one; a killed process leaves it unlocked, and the next one reuses it.
    """
    path = path.resolve()  # a link stays a link
    aside = path.with_name(f".{path.name}.part")
    with open(os.open(aside, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            same = os.fstat(file.fileno()).st_ino == aside.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            same = False
        if not same:  # taken, or renamed by its owner between our opening and our locking
            raise TargetError(f"another export writes {path} at the moment")
        try:
            file.truncate()
            yield file
            file.flush()
            os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)
