"""What all targets of an export have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contract.formats.manifest import Manifest
from trainer.export.rows import Row, Shape, UserList


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists of a generation, or those that have changed, once, by user id. `n_all`: users of the generation, where only
    changes come; `n_with_rows`: those of them that a table has rows of, which a table that takes changes must have in the end."""

    manifest: Manifest
    shape: Shape
    n_users: int
    by_user: Iterator[UserList]
    n_all: int | None = None
    n_with_rows: int = 0

    def rows(self) -> Iterator[Row]:
        return self.shape.rows(self.by_user)


class Target(Protocol):
    """Takes lists, all or none."""

    def check(self, shape: Shape) -> None:
        """Say before anything is read what would fail at the end. Raises TargetError, or SettingsError for an impossible shape."""

    def write(self, lists: Lists) -> None:
        """Replace what is there; a database takes changes into it. Raises TargetError, and leaves what is there as it was."""
