"""How deep tests look: quick by default, which is what a change waits for; `LARDER_TEST_DEPTH=full` is for CI's own section."""

from __future__ import annotations

import os

FULL = os.environ.get("LARDER_TEST_DEPTH") == "full"


def examples(quick: int, full: int) -> int:
    """How many examples to try."""
    return full if FULL else quick
