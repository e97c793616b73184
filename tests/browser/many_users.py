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
    """Up, with explanations, two generations, and no comparison of models in the background; it goes with all that it made."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(Path(folder) / "var", Path(folder) / "numba")
        try:
            shape = f"synthetic:{USERS}x{ITEMS}x{INTERACTIONS}"
            stack.run("up", LARDER_INTERACTIONS=shape, LARDER_EXPLAIN_DEPTH="3", LARDER_TUNE_UNASKED="false")
            stack.run("retrain", "--similarity", "cosine")
            yield stack
        finally:
            stack.run("clean")
