"""What is wrong with a filter, and where."""

from __future__ import annotations


class FilterError(Exception):
    """`position`: the character of the filter, from 1, at which it stops making sense."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"filter, at character {position}: {message}")
        self.position = position
