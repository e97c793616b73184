"""A place in a text from which it can be read on as if all before it had just been read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`start`: the byte at which the next record begins; `line`: its line. `read`: the bytes, whole chunks, that were read to know it.

    A place is only where chunks end, so that what is read from it on comes in the chunks in which it comes in a reading of all.
    """

    start: int = 0
    line: int = 1
    read: int = 0
    only_ascii: bool = True
    digest: int = 0
    """Of the bytes that were read."""
