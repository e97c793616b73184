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

import numpy as np
import zstandard

from contract.errors import DataError
from contract.settings.source import STDIN
from trainer.kept.digest import digest
from trainer.rows.notes import Note
from trainer.rows.other_encodings import KEEPING, WESTERN
from trainer.rows.problems import EmptySourceError, Problems
from trainer.sources.tables.locations import Location
from trainer.sources.text.begun_stream import BegunStream
from trainer.sources.text.encodings import detected, is_utf8, transcoded, unmarked
from trainer.sources.text.place import Place, whole_lines
from trainer.sources.text.plain_numbers import n_newlines
from trainer.sources.text.zstd_file import MAGIC as ZSTD_MAGIC
from trainer.sources.text.zstd_file import ZstdFile

CHUNK_BYTES = 16 << 20
HEAD_BYTES = 1 << 20
LONGEST_LINE = 64 << 20  # bytes; a "line" beyond it is no text


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, in UTF-8 if they can be (`valid`); `first_line` counts from 1."""

    data: bytes
    first_line: int
    n_lines: int
    valid: bool = True


class TextFile:
    """An opened text. `head` is its beginning in UTF-8, whole lines; `notes` what was assumed of its encoding.

    `begin` and `stop`: where the next reading begins, and after how many bytes, whole chunks, it stops; `ended`: the place at which it
    has stopped, or None where it has come to the end of the file, be it because there is no such place.
    """

    def __init__(self, location: Location, encoding: str = "auto") -> None:
        self.address = "standard input" if location.address == STDIN else location.address
        self.notes: list[str] = []
        self._guessed: list[str] = []
        self.begin, self.stop, self.ended = Place(), 0, cast(Place | None, None)
        self._location, self._auto = location, encoding == "auto"
        self._stream = self._opened()
        try:
            raw = self._read(HEAD_BYTES)
            if location.address == STDIN and raw.startswith(b"\x1f\x8b"):
                self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, BegunStream(raw, self._stream))))
                raw = self._read(HEAD_BYTES)
            elif location.address == STDIN and raw.startswith(ZSTD_MAGIC):
                self._stream = cast(BinaryIO, io.BufferedReader(ZstdFile(cast(BinaryIO, BegunStream(raw, self._stream)))))
                raw = self._read(HEAD_BYTES)
        finally:
            if location.address != STDIN:
                self._stream.close()
        if not raw:
            raise EmptySourceError(f"{self.address} is empty")
        self._raw = raw
        self.encoding = self._detected(raw) if self._auto else encoding
        self._decoder = self._new_decoder()
        text = unmarked(self._text(raw))
        self._old_mac = b"\n" not in text and b"\r" in text
        if self._old_mac:
            text = text.replace(b"\r", b"\n")
        cut = text.rfind(b"\n") + 1
        self.head = text[:cut] if cut and len(raw) == HEAD_BYTES else text
        self.head_digest = 0

    def last_stop(self, size: int) -> int:
        """The last byte, at the end of a chunk, after which a file of `size` bytes goes on; 0 where it can't be read in pieces."""
        plain = self.encoding == "utf-8" and not (self._old_mac or self._location.packing or self._location.remote)
        if not plain or self._location.address == STDIN:
            return 0
        self.head_digest = self.head_digest or digest(self._raw)
        return max(0, size - 1) // CHUNK_BYTES * CHUNK_BYTES

    def chunks(self) -> Iterator[Chunk]:
        """All lines, once. Raises DataError."""
        self.ended = None
        if self._location.address != STDIN:
            self._stream, self._raw = self._opened(), b""
        try:
            size = 0 if self._location.address == STDIN or self._location.packing else os.fstat(self._stream.fileno()).st_size
            yield from self._cut_up()
            if size and self.ended is None and self._stream.tell() < size:
                raise DataError(f"{self.address} became shorter while it was read: {self._stream.tell():,} of {size:,} bytes were left")
        finally:
            self._stream.close()

    def _cut_up(self) -> Iterator[Chunk]:
        self._decoder = self._new_decoder()
        begin, pending = self.begin, b""
        if begin.read:
            self._stream.seek(begin.start)
            pending = self._read(begin.read - begin.start)
        line, only_ascii, n_read, known = begin.line, begin.only_ascii, begin.read, begin.digest
        started, ended, plain = begin.read > 0, False, True
        while not ended:
            raw, self._raw = self._raw or self._read(CHUNK_BYTES), b""
            ended = not raw
            if self.stop:
                plain &= n_read > 0 or digest(raw[:HEAD_BYTES]) == self.head_digest
                n_read, known = n_read + len(raw), digest(raw, known)
            fresh = self._text(raw, final=ended)
            if not started:
                fresh, started = unmarked(fresh), True
            fresh = fresh.replace(b"\r", b"\n") if self._old_mac else fresh
            data, pending = whole_lines(pending, fresh, everything=ended)
            if not data:
                if len(pending) > LONGEST_LINE:
                    raise DataError(f"{self.address}: line {line:,} is longer than {LONGEST_LINE >> 20} MiB; is this a text file?")
                continue
            is_ascii = data.isascii()
            valid = is_ascii or is_utf8(data)
            plain &= valid
            if not valid and self._auto and only_ascii and self._decoder is None:
                self._decoder = codecs.getincrementaldecoder(WESTERN)(errors=KEEPING)
                self._assumed(WESTERN)
                data, pending, valid = transcoded(data), transcoded(pending), True
            only_ascii &= is_ascii
            n_lines = n_newlines(np.frombuffer(data, np.uint8)) + (bool(data) and not data.endswith(b"\n"))
            if plain and not ended and n_read == self.stop > 0:
                self.ended = Place(n_read - len(pending), line + n_lines, n_read, only_ascii, known)
            yield Chunk(data, line, n_lines, valid)
            if self.ended:
                return
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
        errors = KEEPING if self._auto and self.encoding == WESTERN else "replace"
        return None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)(errors=errors)

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
        name, remarkable = detected(raw)
        if remarkable:
            self._assumed(name)
        return name

    def _assumed(self, name: str) -> None:
        self._guessed.append(name)
        self.notes.append(_note(f"{self.address} is", name))

    def tell(self, problems: Problems) -> None:
        """Say what was assumed, now that all is read: a text may be UTF-8 at its beginning. Of several files, once for all."""
        for name in self._guessed:
            problems.note(_note("some of the files are" if problems.several else f"{self.address} is", name))


def _note(which: str, name: str) -> Note:
    return Note(f"{which} not UTF-8; read as {name}. --encoding names another", "encoding" if name == WESTERN else "")
