"""What a file is by its first bytes, also those inside a packing, where it is no table that can be read; and folders that are tables."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

import zstandard

from contract.errors import DataError

LOOKED_AT = 1024  # bytes
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
ZIP, ARROW, AVRO, OLE = b"PK\x03\x04", b"ARROW1", b"Obj\x01", b"\xd0\xcf\x11\xe0"
READABLE = (PARQUET, ZIP, ARROW, AVRO, OLE)
"""Kinds that are read as they are, but not from within a packing."""
_MAGIC: dict[bytes, str] = {
    PARQUET: "a Parquet file; unpack it",
    ZIP: "a zip archive or a workbook; unpack it",
    OLE: "an old Excel workbook; unpack it",
    ARROW: "an Arrow file; unpack it",
    AVRO: "an Avro file; unpack it",
    b"FEA1": "a Feather file of version 1; save it as version 2 or Parquet",
    b"\xff\xff\xff\xff": "a stream of Arrow; save it as an Arrow file or Parquet",
    b"SQLite format 3": "an SQLite database; give it as sqlite:///FILE with --sql-table or --sql-query",
    b"BZh": "packed by bzip2; unpack it, or pack it with gzip or zstd",
    b"\xfd7zXZ": "packed by xz; unpack it, or pack it with gzip or zstd",
    b"PK\x05\x06": "an empty zip archive",
    b"\x04\x22\x4d\x18": "packed by lz4; unpack it, or pack it with gzip or zstd",
    b"\xff\x06\x00\x00sNaPpY": "packed by Snappy; unpack it, or pack it with gzip or zstd",
    b"<stata_dta>": "a file of Stata; save it as Parquet or CSV",
    b"$FL2": "a file of SPSS; save it as Parquet or CSV",
    b"\x00" * 12 + b"\xc2\xea\x81\x60": "a file of SAS; save it as Parquet or CSV",
    b"RDX": "a file of R; save it as Parquet or CSV",
    b"X\n\x00\x00\x00": "a file of R; save it as Parquet or CSV",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a rar archive; unpack it",
    b"%PDF": "a PDF",
    b"{\\rtf": "a text of a word processor; save it as plain text",
    b"ORC": "an ORC file; save it as Parquet",
    b"\x93NUMPY": "a NumPy array; save it as Parquet or CSV",
    b"\x89HDF": "an HDF5 file; save it as Parquet or CSV",
    b"\x89PNG": "a picture",
    b"%%MatrixMarket": "a Matrix Market file; write its entries as CSV with names of columns (user, item, rating)",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself; fetch it with `git lfs pull`",
}
_PICKLE = re.compile(rb"\x80[\x02-\x05](\x95|[c}\](q(])")
_HTML = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_SQL = re.compile(
    rb"(\s|--\s*\n)*(-- (mysql|mariadb|postgresql database|sqlite)[^\n]* dump|(insert into|create table|pragma|begin transaction)\s)",
    re.IGNORECASE,
)
_TAR = slice(257, 262)


def head_of(path: Path) -> bytes:
    """The first bytes. Raises DataError for a file that can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read(LOOKED_AT)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from None


def refuse_kind(path: Path, head: bytes) -> None:
    """Raises DataError, with what to do, for a file that is known and is no table of text or Parquet."""
    if kind := _kind(head):
        raise DataError(f"{path} is {kind}")
    packing = "gzip" if head.startswith(GZIP) else "zstd" if head.startswith(ZSTD) else ""
    if packing:
        refuse_inside(str(path), _unpacked(path, packing), packing)


def refuse_inside(where: str, inner: bytes, packing: str) -> None:
    """The same for what begins with `inner` within a packing, where only text is read."""
    if inner.startswith((GZIP, ZSTD)):
        raise DataError(f"{where} is packed twice; unpack it once")
    if kind := _kind(inner):
        raise DataError(f"{where}, packed by {packing}, is {kind}")


def _kind(head: bytes) -> str:
    for magic, what in _MAGIC.items():
        if head.startswith(magic) and (magic != b"ORC" or b"\x00" in head or b"\n" not in head):
            return what
    if head[_TAR] == b"ustar":
        return "a tar archive; unpack it"
    if _HTML.match(head):
        return "a page of HTML or XML and not a table; perhaps a message of the server that it was fetched from"
    if _SQL.match(head):
        return "a dump of SQL; load it into a database and read that, or export the table as CSV"
    if _PICKLE.match(head):
        return "a pickle of Python; save it as Parquet or CSV"
    return ""


def _unpacked(path: Path, packing: str) -> bytes:
    """The first bytes inside; nothing where they can't be unpacked, which reading says in its own words."""
    try:
        if packing == "gzip":
            with gzip.open(path) as inner:
                return inner.read(LOOKED_AT)
        with open(path, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as unpacking:
            return unpacking.read(LOOKED_AT)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        return b""


def refuse_table_folder(folder: Path) -> None:
    """Raises DataError for a folder whose log says which of its files count: read alone, removed rows would come back."""
    for kind, log in (("Delta", "_delta_log"), ("Hudi", ".hoodie")):
        if any(path.is_dir() for path in folder.rglob(log)):
            raise _table_folder(folder, kind, log)
    for metadata in folder.rglob("metadata"):
        if metadata.is_dir() and any(
            re.search(r"\.metadata\.json(\.gz)?$|\.avro$|^version-hint", file.name) for file in metadata.iterdir()
        ):
            raise _table_folder(folder, "Iceberg", "metadata")


def _table_folder(folder: Path, kind: str, log: str) -> DataError:
    own = "" if kind == "Hudi" else "name the folder of that table alone, or "
    return DataError(
        f"{folder} is or holds a {kind} table, whose {log} says which files still count; {own}write its rows to Parquet with a tool that "
        f"reads it, or name the files that count, as in '{folder}/part-*.parquet'"
    )
