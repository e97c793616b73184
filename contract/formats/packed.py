"""Typed arrays and bytes in one piece, and back: a line of JSON, {format, kind, parts: [[type of an array or "", bytes], ...]}, then the
parts, little endian."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

from contract.errors import PayloadError

FORMAT = 1
Array: TypeAlias = "array[Any]"  # Python 3.11 knows no array[...]


def pack(kind: str, parts: Sequence[Array | bytes]) -> bytes:
    spelled = [part if isinstance(part, bytes) else _little(part).tobytes() for part in parts]
    types = ["" if isinstance(part, bytes) else part.typecode for part in parts]
    head = {"format": FORMAT, "kind": kind, "parts": [[code, len(data)] for code, data in zip(types, spelled, strict=True)]}
    return json.dumps(head).encode() + b"\n" + b"".join(spelled)


def unpack(raw: bytes, kinds: Sequence[str], n_parts: int) -> tuple[str, list[Any]]:
    end = raw.find(b"\n")
    data = memoryview(raw)[end + 1 :]  # these are large: no copy on the way
    try:
        head = json.loads(raw[: max(end, 0)])
        if head["format"] != FORMAT:
            raise PayloadError(f"a column of items has format {head['format']}; this version reads {FORMAT}: upgrade the API")
        parts: list[Any] = []
        start = 0
        for code, n_bytes in head["parts"]:
            part = data[start : start + n_bytes]
            start += n_bytes
            parts.append(_array(code, part) if code else bytes(part))
        if start == len(data) and head["kind"] in kinds and len(parts) == n_parts:
            return head["kind"], parts
    except (ValueError, KeyError, TypeError) as error:
        raise PayloadError(f"a column of items of {len(raw)} bytes is damaged") from error
    raise PayloadError(f"a column of items of {len(raw)} bytes is damaged")


def _array(code: str, part: memoryview) -> Array:
    values: Array = array(code)
    values.frombytes(part)
    return _little(values)


def _little(values: Array) -> Array:
    """`values` with their bytes turned round on a machine that writes the greatest first."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values


def n_bytes_of(values: Array) -> int:
    return values.itemsize * len(values)
