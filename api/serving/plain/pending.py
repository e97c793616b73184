"""What threadless.py has asked Redis for, and awaits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from api.serving.request_queue import Ticket


class Pending(NamedTuple):
    """`ticket`: None where it is the pointers that are read."""

    ticket: Ticket | None
    n_answers: int
    since: float
    tell: Callable[[list[Any]], None]
