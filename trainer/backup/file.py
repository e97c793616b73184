"""The format of a backup: a zstd stream of a header, records, and an end that counts them; so that a file that was cut is noticed.

part      bytes
magic     "LARDERB1"
header    u32 length, JSON: what the backup is of (`Header`)
record    u8 1, u32 length of the key, key without its namespace, i64 milliseconds to live or -1, u32 length, what DUMP gave
end       u8 0, u64 number of records
All numbers are little-endian. DUMP has a checksum of its own, which RESTORE looks at.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, Self

import zstandard
from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import DataError

MAGIC = b"LARDERB1"
_KEY, _VALUE, _END = struct.Struct("<BI"), struct.Struct("<qI"), struct.Struct("<BQ")
_LENGTH = struct.Struct("<I")
LEVEL = 1  # DUMP is compact already


class Header(BaseModel):
    """`redis`: the version of the server, whose DUMP older ones may not understand. `made_at`: UTC, ISO 8601."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    namespace: str
    generation: str
    made_at: str
    redis: str


class Record(NamedTuple):
    key: bytes
    ttl_ms: int
    value: bytes


class BackupWriter:
    """Writes a backup aside; `finish` gives it its name. As a context, it leaves nothing behind when the block fails."""

    def __init__(self, path: Path, header: Header) -> None:
        self._path, self._aside = path, path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._file = open(self._aside, "wb")  # noqa: SIM115 (closed by __exit__)
        self._aside.chmod(0o600)  # it tells what people like
        self._stream = zstandard.ZstdCompressor(level=LEVEL).stream_writer(self._file, closefd=False)
        self.n_records = 0
        text = header.model_dump_json().encode()
        self._stream.write(MAGIC + _LENGTH.pack(len(text)) + text)

    def add(self, record: Record) -> None:
        key, ttl_ms, value = record
        self._stream.write(_KEY.pack(1, len(key)) + key + _VALUE.pack(ttl_ms, len(value)) + value)
        self.n_records += 1

    def finish(self) -> int:
        """The size of the file."""
        self._stream.write(_END.pack(0, self.n_records))
        self._stream.close()  # type: ignore[no-untyped-call]
        self._file.flush()
        os.fsync(self._file.fileno())
        self._aside.rename(self._path)
        return self._path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._aside.unlink(missing_ok=True)


class BackupReader:
    """Reads a backup. Raises DataError for a file that is none, or that was cut."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from None
        self._stream = zstandard.ZstdDecompressor().stream_reader(self._file, read_across_frames=False)
        try:
            if self._read(len(MAGIC)) != MAGIC:
                raise DataError(f"{path} is not a backup that this version reads")
            self.header = Header.model_validate_json(self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0]))
        except (ValidationError, DataError):
            self._file.close()
            raise DataError(f"{path} is not a backup that this version reads") from None

    def records(self) -> Iterator[Record]:
        """All records. The last step raises where the file does not end as it should."""
        n = 0
        while self._read(1) == b"\x01":
            key = self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])
            ttl_ms, length = _VALUE.unpack(self._read(_VALUE.size))
            yield Record(key, ttl_ms, self._read(length))
            n += 1
        (said,) = struct.unpack("<Q", self._read(8))
        if said != n:
            raise DataError(f"{self._path} holds {n:,} records in place of {said:,}: it is damaged")

    def _read(self, n: int) -> bytes:
        try:
            data = self._stream.read(n)
        except zstandard.ZstdError as error:
            raise DataError(f"{self._path} can't be unpacked: {error}") from None
        if len(data) != n:
            raise DataError(f"{self._path} ends too early: the backup was cut")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
