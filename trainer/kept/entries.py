"""What is kept of the parts of a source, on the disk: for each part a folder of its rows and what else its reading said.

    .reading/<source>/<part>/entry.json        crc32 of what follows, then: the part's state, what was said of it, files and batches
                             0.rows, ...       its rows as they were converted: user, item, weight and perhaps time; 0.parquet with texts

A folder is written aside, then renamed. What is damaged in any way is as if it were not there: the part is read anew.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import polars as pl

from contract.artifacts.checksum import crc32_of
from trainer.kept.packed import SUFFIX, Packed, can_be_packed, is_whole, read_packed, write_packed

ENTRY = "entry.json"
PARTIAL = ".partial"
KEPT_SOURCES = 3
FILE_ROWS = 1 << 22  # from which a file is full, so that a large part is never in memory twice


class DamagedError(Exception):
    """An entry that can't be used: it is cut short, or bytes of it have changed."""


def name_of(text: str) -> str:
    """Of the name of a file, which may be any bytes."""
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a part. `said`: the state in which it was read, and what was found, as JSON has it."""

    folder: Path
    said: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...]

    def check(self) -> None:
        """Raises DamagedError where a file differs from its checksum."""
        for file in self.files:
            try:
                path = self.folder / file["name"]
                if not (is_whole(path, file) if "arrays" in file else crc32_of(path) == file["crc32"]):
                    raise DamagedError(f"{file['name']} differs from its checksum")
            except OSError as error:
                raise DamagedError(f"{file['name']} can't be read: {error.strerror}") from error

    def frames(self) -> Iterator[pl.DataFrame | Packed]:
        """The batches, as many and as long as they were; those whose ids are integers in one. Texts are String."""
        for file in self.files:
            if "arrays" in file:
                yield read_packed(self.folder / file["name"], file)
                continue
            frame, at = pl.read_parquet(self.folder / file["name"]), 0
            for height in file["heights"]:
                yield frame.slice(at, height)
                at += height

    def users(self) -> Iterator[pl.Series]:
        """The users of each file, as texts, once each."""
        for file in self.files:
            path = self.folder / file["name"]
            if "arrays" in file:
                yield pl.Series("user", read_packed(path, file).user.values).cast(pl.String)
            else:
                yield pl.read_parquet(path, columns=["user"])["user"].unique().cast(pl.String)


def read_entry(folder: Path) -> Entry | None:
    """None where nothing is kept. Raises DamagedError."""
    try:
        checksum, _, text = (folder / ENTRY).read_bytes().partition(b"\n")
        if int(checksum) != crc32(text):
            raise DamagedError(f"{ENTRY} differs from its checksum")
        kept = json.loads(text)
        return Entry(folder, kept["said"], tuple(kept["files"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError) as error:
        raise DamagedError(f"{ENTRY} can't be read") from error


def write_said(folder: Path, said: Mapping[str, Any], files: tuple[Mapping[str, Any], ...]) -> None:
    text = json.dumps({"said": said, "files": files}).encode()
    aside = folder / f"{ENTRY}{PARTIAL}"
    aside.write_bytes(b"%d\n%s" % (crc32(text), text))
    aside.rename(folder / ENTRY)


@dataclass(slots=True)
class EntryWriter:
    """Writes an entry aside, batch by batch; `keep` puts it in its place. Every step may raise OSError: then `discard`."""

    folder: Path
    _aside: Path = field(init=False)
    _batches: list[pl.DataFrame] = field(default_factory=list)
    _files: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._aside = self.folder.with_name(f"{self.folder.name}.{secrets.token_hex(4)}{PARTIAL}")

    def add(self, batch: pl.DataFrame) -> None:
        batch = batch.with_columns(pl.selectors.enum().cast(pl.String))
        if self._batches and (batch.schema != self._batches[0].schema or sum(map(len, self._batches)) >= FILE_ROWS):
            self._write()
        self._batches.append(batch)

    def keep(self, said: Mapping[str, Any]) -> None:
        if self._batches:
            self._write()
        self._aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_said(self._aside, said, tuple(self._files))
        remove(self.folder)
        self._aside.rename(self.folder)

    def discard(self) -> None:
        shutil.rmtree(self._aside, ignore_errors=True)

    def _write(self) -> None:
        self._aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        every, name = pl.concat(self._batches, rechunk=False), str(len(self._files))
        if can_be_packed(every):
            self._files.append({"name": name + SUFFIX, **write_packed(self._aside / (name + SUFFIX), every)})
            self._batches = []
            return
        file = self._aside / f"{name}.parquet"
        try:
            every.write_parquet(
                file,
                compression="zstd",
                compression_level=1,
                statistics=False,
                row_group_size=max(1, sum(map(len, self._batches))),  # one: its columns are read as one array each, and batches are views
            )
        except pl.exceptions.PolarsError as error:  # a full disk, too
            raise OSError(str(error)) from error
        self._files.append({"name": file.name, "crc32": crc32_of(file), "heights": [len(batch) for batch in self._batches]})
        self._batches = []


def remove(folder: Path) -> None:
    """Remove an entry: at first what makes it one."""
    (folder / ENTRY).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def tidy(root: Path, source: Path, used: set[str]) -> None:
    """Remove the entries of a source that were not `used`, what was cut short, and the sources that were read longest ago."""
    for folder in source.iterdir() if source.is_dir() else ():
        if folder.name not in used:
            remove(folder)
    if source.is_dir():
        source.touch()
    by_age = sorted((folder for folder in root.iterdir() if folder.is_dir()), key=lambda one: one.stat().st_mtime) if root.is_dir() else []
    for folder in by_age[:-KEPT_SOURCES]:
        shutil.rmtree(folder)


def size_of(root: Path) -> int:
    """Bytes of all that is kept."""
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) if root.is_dir() else 0
