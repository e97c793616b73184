"""A place in a text from which it can be read on as if all before it had just been read; and where the lines that were read end."""

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


def whole_lines(pending: bytes, fresh: bytes, *, everything: bool) -> tuple[bytes, bytes]:
    """The whole lines of both, and what is behind them. What is fresh is copied once: fresh memory costs more than the look at it."""
    cut = len(fresh) if everything else fresh.rfind(b"\n") + 1
    if cut or everything:
        return b"".join((pending, memoryview(fresh)[:cut])), fresh[cut:]
    cut = pending.rfind(b"\n") + 1
    return pending[:cut], pending[cut:] + fresh
