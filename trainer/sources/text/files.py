"""Text files as chunks of whole lines in UTF-8, whatever their packing and encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

from contract.errors import DataError
from contract.settings.source import STDIN
from trainer.rows.problems import EmptySourceError
from trainer.sources.tables.locations import Location
from trainer.sources.text.zstd_file import MAGIC as ZSTD_MAGIC
from trainer.sources.text.zstd_file import ZstdFile

CHUNK_BYTES = 16 << 20
HEAD_BYTES = 1 << 20
LONGEST_LINE = 64 << 20  # bytes; a "line" beyond it is no text
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WESTERN = "cp1252"  # what Excel writes where it does not write UTF-8
_ZEROS = 0.2  # part of zero bytes from which text without a mark is UTF-16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, in UTF-8 if they can be (`valid`); `first_line` counts from 1."""

    data: bytes
    first_line: int
    n_lines: int
    valid: bool = True


class TextFile:
    """An opened text. `head` is its beginning in UTF-8, whole lines; `notes` what was assumed of its encoding."""

    def __init__(self, location: Location, encoding: str = "auto") -> None:
        self.address = "standard input" if location.address == STDIN else location.address
        self.notes: list[str] = []
        self._location, self._auto = location, encoding == "auto"
        self._stream = self._opened()
        try:
            raw = self._read(HEAD_BYTES)
            if location.address == STDIN and raw.startswith(b"\x1f\x8b"):
                self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, _Joined(raw, self._stream))))
                raw = self._read(HEAD_BYTES)
            elif location.address == STDIN and raw.startswith(ZSTD_MAGIC):
                self._stream = cast(BinaryIO, io.BufferedReader(ZstdFile(cast(BinaryIO, _Joined(raw, self._stream)))))
                raw = self._read(HEAD_BYTES)
        finally:
            if location.address != STDIN:
                self._stream.close()
        if not raw:
            raise EmptySourceError(f"{self.address} is empty")
        self._raw = raw
        self.encoding = self._detected(raw) if self._auto else encoding
        self._decoder = self._new_decoder()
        text = _unmarked(self._text(raw))
        self._old_mac = b"\n" not in text and b"\r" in text
        if self._old_mac:
            text = text.replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        self.head = text[:cut] if cut and len(raw) == HEAD_BYTES else text

    def chunks(self) -> Iterator[Chunk]:
        """All lines, once. Raises DataError."""
        if self._location.address != STDIN:
            self._stream, self._raw = self._opened(), b""
        try:
            size = 0 if self._location.address == STDIN or self._location.packing else os.fstat(self._stream.fileno()).st_size
            yield from self._cut_up()
            if size and self._stream.tell() < size:
                raise DataError(f"{self.address} became shorter while it was read: {self._stream.tell():,} of {size:,} bytes were left")
        finally:
            self._stream.close()

    def _cut_up(self) -> Iterator[Chunk]:
        self._decoder = self._new_decoder()
        pending, line, only_ascii, started, ended = b"", 1, True, False, False
        while not ended:
            raw, self._raw = self._raw or self._read(CHUNK_BYTES), b""
            ended = not raw
            fresh = self._text(raw, final=ended)
            if not started:
                fresh, started = _unmarked(fresh), True
            pending += fresh.replace(b"\r", b"\n") if self._old_mac else fresh
            cut = len(pending) if ended else pending.rfind(b"\n") + 1
            if not cut:
                if len(pending) > LONGEST_LINE:
                    raise DataError(f"{self.address}: line {line:,} is longer than {LONGEST_LINE >> 20} MiB; is this a text file?")
                continue
            data, pending = pending[:cut], pending[cut:]
            valid = data.isascii() or _is_utf8(data)
            if not valid and self._auto and only_ascii and self._decoder is None:
                self._decoder = codecs.getincrementaldecoder(_WESTERN)(errors="replace")
                self._assumed(_WESTERN)
                data, pending, valid = _transcoded(data), _transcoded(pending), True
            only_ascii = only_ascii and valid and data.isascii()
            n_lines = data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
            yield Chunk(data, line, n_lines, valid)
            line += n_lines

    def _opened(self) -> BinaryIO:
        address, packing = self._location.address, self._location.packing
        if address == STDIN:
            return sys.stdin.buffer
        try:
            if packing == "gz":
                return cast(BinaryIO, gzip.open(address))
            if packing == "zip":
                return cast(BinaryIO, zipfile.ZipFile(address).open(self._location.member))
            file = open(address, "rb")  # noqa: SIM115 (closed by who asked for it)
        except OSError as error:
            raise DataError(f"{address} can't be read: {error.strerror}") from None
        if packing == "zst":
            return cast(BinaryIO, io.BufferedReader(ZstdFile(file), 1 << 20))
        return file

    def _new_decoder(self) -> codecs.IncrementalDecoder | None:
        return None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)(errors="replace")

    def _read(self, size: int) -> bytes:
        try:
            parts = [self._stream.read(size)]
            while parts[-1] and sum(map(len, parts)) < size:  # a pipe gives what it has
                parts.append(self._stream.read(size - sum(map(len, parts))))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, zstandard.ZstdError) as error:
            raise DataError(f"{self.address} can't be unpacked or read: {error}") from None
        return b"".join(parts)

    def _text(self, raw: bytes, *, final: bool = False) -> bytes:
        if self._decoder is None:
            return raw
        try:
            return self._decoder.decode(raw, final).encode("utf-8", "replace")
        except (UnicodeError, ValueError) as error:
            raise DataError(f"{self.address} is not {self.encoding}: {error}; name its encoding with --encoding") from None

    def _detected(self, raw: bytes) -> str:
        for mark, name in MARKS:
            if raw.startswith(mark):
                return name
        sample = raw[:4096]
        if sample.count(0) > _ZEROS * len(sample):
            name = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
            self._assumed(name)
            return name
        whole = raw[: raw.rfind(b"\n") + 1] or raw
        if not _is_utf8(whole):
            self._assumed(_WESTERN)
            return _WESTERN
        return "utf-8"

    def _assumed(self, name: str) -> None:
        self.notes.append(f"{self.address} is not UTF-8; read as {name}. --encoding names another")


class _Joined(io.RawIOBase):
    """Bytes that were read already, then the rest of a stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._head.read(size) or self._rest.read(size)


def _unmarked(text: bytes) -> bytes:
    """Without marks at its beginning; files that were put together may have several."""
    while text.startswith(codecs.BOM_UTF8):
        text = text.removeprefix(codecs.BOM_UTF8)
    return text


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _transcoded(data: bytes) -> bytes:
    return data.decode(_WESTERN, "replace").encode()
