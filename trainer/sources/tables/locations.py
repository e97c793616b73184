"""Which files a source names: a file, a folder, a glob, standard input, or addresses in an object store."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.errors import DataError
from contract.settings.called import as_called
from contract.settings.source import STDIN
from trainer.sources.tables.file_kinds import GZIP, PARQUET, ZSTD, head_of, refuse_kind, refuse_table_folder

Format = Literal["csv", "parquet", "jsonl"]
STORES = ("s3://", "s3a://", "gs://", "gcs://", "az://", "azure://", "abfs://", "abfss://", "http://", "https://")
_SUFFIXES: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt", ".dat", ".data"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
}
_PACKED = (".gz", ".zst", ".zstd")


@dataclass(frozen=True, slots=True)
class Location:
    """One file. `packing` is how it is compressed, by its content: gz, zst or ""."""

    address: str
    format: Format
    packing: str = ""
    empty: bool = False

    @property
    def remote(self) -> bool:
        return self.address.startswith(STORES)


def find(name: str) -> list[Location]:
    """The files that `name` stands for, in order of their names; all of one format. Raises DataError."""
    if name == STDIN:
        if sys.stdin.isatty():
            raise DataError(f"- is standard input, and nothing is sent there; as in: zcat events.csv.gz | {as_called('check', '-')}")
        return [Location(STDIN, "csv")]
    if name.startswith(STORES):
        return [Location(name, _by_suffix(name) or "parquet")]
    found = [_look(path) for path in _paths(name)]
    formats = {location.format for location in found if not location.empty}
    if len(formats) > 1:
        raise DataError(f"{name} holds files of several kinds ({', '.join(sorted(formats))}); name those you mean, as in {name}/*.csv")
    return found


def _paths(name: str) -> Sequence[Path]:
    path = Path(name)
    if path.is_dir():
        refuse_table_folder(path)
        inside = sorted(file for file in _inside(path) if file.is_file() and not _hidden(file.relative_to(path)))
        files = [file for file in inside if _by_suffix(file.name)]
        if not files:
            raise DataError(f"{name} is a folder without CSV, Parquet or JSON lines files")
        return files
    if not path.exists() and re.search(r"[*?\[]", name):
        files = sorted(
            Path(file)
            for file in glob.glob(name, recursive=True)  # noqa: PTH207 (the pattern may begin anywhere)
            if Path(file).is_file()
        )
        if not files:
            raise DataError(f"no file matches {name}")
        return files
    if not path.exists():
        raise DataError(
            f"there is no file {name}; give the path of a CSV, Parquet or JSON lines file, or a built-in set such as movielens-small"
        )
    if not path.is_file():
        raise DataError(f"{name} is no file that can be read")
    return [path]


def _inside(folder: Path) -> Iterator[Path]:
    """All files in a folder; raises OSError for a folder in it that can't be entered, in place of passing it over."""

    def refuse(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not _hidden(Path(name))]
        yield from (Path(place, name) for name in names)


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _by_suffix(name: str) -> Format | None:
    bare = name
    for ending in _PACKED:
        bare = bare.removesuffix(ending)
    return _SUFFIXES.get(Path(bare).suffix.lower())


def _look(path: Path) -> Location:
    """Format and packing by the first bytes, where they tell; else by the suffix."""
    head, by_suffix = head_of(path), _by_suffix(path.name) or "csv"
    if not head:
        return Location(str(path), by_suffix, empty=True)
    refuse_kind(path, head)
    if head.startswith(PARQUET):
        return Location(str(path), "parquet")
    packing = "gz" if head.startswith(GZIP) else "zst" if head.startswith(ZSTD) else ""
    if not packing and by_suffix == "csv" and head.lstrip().startswith(b'{"'):
        by_suffix = "jsonl"
    return Location(str(path), by_suffix, packing)
