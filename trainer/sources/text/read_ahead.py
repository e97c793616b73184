"""One step ahead: what an iterator gives next is made in a thread while the one before is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Iterator[T]) -> Iterator[T]:
    """The same, in the same order; an error comes where it would have come."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, source, None)
        while (one := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield one
