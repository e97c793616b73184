"""Names of columns as a message may show them: a file that is no table must not be read aloud by the error that says so."""

from __future__ import annotations

from collections.abc import Sequence

NAME_LENGTH = 40
NAMES = 20


def name(text: str) -> str:
    """A name in quotation marks, shortened; one with control characters or `=`, as no table has them, by its length alone."""
    if "=" in text or not text.isprintable():
        return f"(a name of {len(text):,} characters that is no column's)"
    return repr(text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…")


def names(texts: Sequence[str]) -> str:
    return ", ".join(name(text) for text in texts[:NAMES]) + (f" and {len(texts) - NAMES:,} more" if len(texts) > NAMES else "")
