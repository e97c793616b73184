"""A stack with as many users as a shop of some size has, for what is measured of the pages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.local import LocalStack

USERS, ITEMS, INTERACTIONS = 100_000, 5_000, 3_000_000


@contextmanager
def many_users() -> Iterator[LocalStack]:
    """Up, with explanations, and with two generations; it goes with all that it made."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(Path(folder) / "var", Path(folder) / "numba")
        try:
            stack.run("up", LARDER_INTERACTIONS=f"synthetic:{USERS}x{ITEMS}x{INTERACTIONS}", LARDER_EXPLAIN_DEPTH="3")
            stack.run("retrain", "--similarity", "cosine")
            yield stack
        finally:
            stack.run("clean")
