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
from contract.settings.command_hints import as_called
from contract.settings.source import STDIN
from trainer.sources.tables.archive import member_of
from trainer.sources.tables.file_kinds import (
    ARROW,
    AVRO,
    GZIP,
    OLE,
    PARQUET,
    READABLE,
    ZIP,
    ZSTD,
    head_of,
    refuse_kind,
    refuse_table_folder,
)

Format = Literal["csv", "parquet", "jsonl", "arrow", "avro", "workbook", "zip"]
STORES = ("s3://", "s3a://", "gs://", "gcs://", "az://", "azure://", "abfs://", "abfss://", "http://", "https://")
_SUFFIXES: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".inter"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "workbook"),
    ".avro": "avro",
    ".zip": "zip",
}
_BY_CONTENT: dict[bytes, Format] = {PARQUET: "parquet", ARROW: "arrow", AVRO: "avro", OLE: "workbook"}
_PACKED = (".gz", ".zst", ".zstd")


@dataclass(frozen=True, slots=True)
class Location:
    """One file. `packing` is how it is compressed, by its content: gz, zst, zip or ""; `member` the file in a zip archive."""

    address: str
    format: Format
    packing: str = ""
    empty: bool = False
    member: str = ""

    @property
    def remote(self) -> bool:
        return self.address.startswith(STORES)


def find(name: str, member: str = "") -> list[Location]:
    """The files that `name` stands for, in order of their names; all of one format. `member`: of a zip archive. Raises DataError."""
    if name == STDIN:
        if sys.stdin.isatty():
            raise DataError(f"- is standard input, and nothing is sent there; as in: zcat events.csv.gz | {as_called('check', '-')}")
        return [Location(STDIN, "csv")]
    if name.startswith(STORES):
        return [Location(name, _by_suffix(name) or "parquet")]
    found = [_look(path, member) for path in _paths(name)]
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
            raise DataError(f"{name} is a folder without files of tables (.csv, .parquet, .jsonl, .xlsx, ...)")
        return files
    if not path.exists() and re.search(r"[*?\[]", name):
        found = glob.glob(name, recursive=True)  # noqa: PTH207 (the pattern may begin anywhere)
        files = sorted({path for file in found if (path := Path(file)).is_file()})  # two ** find a file more than once
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


def _look(path: Path, member: str) -> Location:
    """Format and packing by the first bytes, where they tell; else by the suffix."""
    head, by_suffix = head_of(path), _by_suffix(path.name) or "csv"
    if not head:
        return Location(str(path), by_suffix, empty=True)
    if head.startswith(ZIP):
        return _in_archive(path, member)
    if head.startswith(READABLE):
        return Location(str(path), next(kind for magic, kind in _BY_CONTENT.items() if head.startswith(magic)))
    refuse_kind(path, head)
    packing = "gz" if head.startswith(GZIP) else "zst" if head.startswith(ZSTD) else ""
    if not packing and by_suffix == "csv" and head.lstrip().startswith(b'{"'):
        by_suffix = "jsonl"
    return Location(str(path), by_suffix, packing)


def _in_archive(path: Path, member: str) -> Location:
    found = member_of(path, member, lambda name: _by_suffix(name) is not None)
    if not found:
        return Location(str(path), "workbook")
    return Location(str(path), "jsonl" if _by_suffix(found) == "jsonl" else "csv", "zip", member=found)
