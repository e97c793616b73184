"""How deep tests look: quick by default, which is what a change waits for; `LARDER_TEST_DEPTH=full` is for CI's own section."""

from __future__ import annotations

import os

import pytest

FULL = os.environ.get("LARDER_TEST_DEPTH") == "full"


deeper = pytest.mark.depth
"""For tests that look deeper then: `make depth` runs them, and no others."""


def examples(quick: int, full: int) -> int:
    """How many examples to try."""
    return full if FULL else quick
