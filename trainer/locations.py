"""Which files a source names: a file, a folder, a glob, standard input, or addresses in an object store."""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.errors import DataError
from contract.source_settings import STDIN

Format = Literal["csv", "parquet", "jsonl"]
STORES = ("s3://", "s3a://", "gs://", "gcs://", "az://", "azure://", "abfs://", "abfss://", "http://", "https://")
_SUFFIXES: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt", ".dat", ".data"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
}
_PACKED = (".gz", ".zst", ".zstd")
_MAGIC: dict[bytes, str] = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"SQLite format 3": "an SQLite database; give it as sqlite:///FILE with --sql-table or --sql-query",
    b"BZh": "packed by bzip2; unpack it, or pack it with gzip or zstd",
    b"\xfd7zXZ": "packed by xz; unpack it, or pack it with gzip or zstd",
    b"%PDF": "a PDF",
    b"{\\rtf": "a text of a word processor; save it as plain text",
    b"ARROW1": "an Arrow file; save it as Parquet",
    b"Obj\x01": "an Avro file; save it as Parquet",
}


@dataclass(frozen=True, slots=True)
class Location:
    """One file. `packing` is how it is compressed, by its content: gz, zst or ""."""

    address: str
    format: Format
    packing: str = ""

    @property
    def remote(self) -> bool:
        return self.address.startswith(STORES)


def find(name: str) -> list[Location]:
    """The files that `name` stands for, in order of their names; all of one format. Raises DataError."""
    if name == STDIN:
        if sys.stdin.isatty():
            raise DataError("- is standard input, and nothing is sent there; as in: zcat events.csv.gz | python -m trainer check -")
        return [Location(STDIN, "csv")]
    if name.startswith(STORES):
        return [Location(name, _by_suffix(name) or "parquet")]
    found = [_look(path) for path in _paths(name)]
    formats = {location.format for location in found}
    if len(formats) > 1:
        raise DataError(f"{name} holds files of several kinds ({', '.join(sorted(formats))}); name those you mean, as in {name}/*.csv")
    return found


def _paths(name: str) -> Sequence[Path]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
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


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _by_suffix(name: str) -> Format | None:
    bare = name
    for ending in _PACKED:
        bare = bare.removesuffix(ending)
    return _SUFFIXES.get(Path(bare).suffix.lower())


def _look(path: Path) -> Location:
    """Format and packing by the first bytes, where they tell; else by the suffix."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from None
    if not head:
        raise DataError(f"{path} is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {what}")
    if head.startswith(b"PAR1"):
        return Location(str(path), "parquet")
    packing = "gz" if head.startswith(b"\x1f\x8b") else "zst" if head.startswith(b"\x28\xb5\x2f\xfd") else ""
    by_suffix = _by_suffix(path.name) or "csv"
    if not packing and by_suffix == "csv" and head.lstrip().startswith(b'{"'):
        by_suffix = "jsonl"
    return Location(str(path), by_suffix, packing)
