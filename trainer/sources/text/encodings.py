"""In which encoding a text is, as its beginning shows."""

from __future__ import annotations

import codecs

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
WESTERN = "cp1252"  # what Excel writes where it does not write UTF-8
_ZEROS = 0.2  # part of zero bytes from which text without a mark is UTF-16


def detected(raw: bytes) -> tuple[str, bool]:
    """The encoding of a text that begins with `raw`, and whether that is worth a word."""
    for mark, name in MARKS:
        if raw.startswith(mark):
            return name, False
    sample = raw[:4096]
    if sample.count(0) > _ZEROS * len(sample):
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be", True
    whole = raw[: raw.rfind(b"\n") + 1] or raw
    return ("utf-8", False) if is_utf8(whole) else (WESTERN, True)


def unmarked(text: bytes) -> bytes:
    """Without marks at its beginning; files that were put together may have several."""
    while text.startswith(codecs.BOM_UTF8):
        text = text.removeprefix(codecs.BOM_UTF8)
    return text


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def transcoded(data: bytes) -> bytes:
    return data.decode(WESTERN, "replace").encode()
