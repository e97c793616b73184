"""What was assumed to read a source, in words for people, and in a kind where a program acts on it."""

from __future__ import annotations

from typing import Literal

Kind = Literal["", "encoding", "copies", "columns", "zones", "semicolons"]
"""`encoding`: texts were read as cp1252 since they are not UTF-8; `copies`: files with the same bytes are all read; `columns`: a later file
has some that the first has not; `zones`: some times name theirs, and others none; `semicolons`: they separate fields."""


class Note(str):
    """The text is all that people see. `kind`: what it is about, where a doubt follows from it."""

    __slots__ = ("kind",)

    kind: Kind

    def __new__(cls, text: str, kind: Kind = "") -> Note:
        note = super().__new__(cls, text)
        note.kind = kind
        return note
