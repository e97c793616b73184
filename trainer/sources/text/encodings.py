"""In which encoding a text is, as its beginning shows."""

from __future__ import annotations

import codecs

from trainer.rows.other_encodings import KEEPING, WESTERN

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ZEROS = 0.2  # part of zero bytes from which text without a mark is UTF-16
_FEW_ZEROS = 0.05  # or which it has at least of one of its two bytes, and hardly of the other


def detected(raw: bytes) -> tuple[str, bool]:
    """The encoding of a text that begins with `raw`, and whether that is worth a word."""
    for mark, name in MARKS:
        if raw.startswith(mark):
            return name, False
    sample = raw[:4096]
    wide = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    if sample.count(0) > _ZEROS * len(sample) or _is_wide(sample, wide):
        return wide, True
    whole = raw[: raw.rfind(b"\n") + 1] or raw
    return ("utf-8", False) if is_utf8(whole) else (WESTERN, True)


def _is_wide(sample: bytes, encoding: str) -> bool:
    """Whether it is UTF-16 of letters of which few have a byte of zeros, as Chinese: separators and ends of lines have one."""
    high, low = (sample[1::2], sample[::2]) if encoding == "utf-16-le" else (sample[::2], sample[1::2])
    if high.count(0) < max(_FEW_ZEROS * len(high), 4 * low.count(0)):
        return False
    return "\n" in sample[: len(sample) // 2 * 2].decode(encoding, "ignore")


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
    return data.decode(WESTERN, KEEPING).encode()
