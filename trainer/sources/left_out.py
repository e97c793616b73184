"""Rows of erased users, left out before anything of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from contract.formats.keys import Id
from trainer.kept.forgetting import spellings

ERASED = "erased user"


@dataclass(slots=True)
class LeftOut:
    """The list of the erased: `who` keeps it, its revision, and which positions of some ids are on it."""

    who: str = ""
    revision: int = 0
    positions: Callable[[Sequence[Id]], Sequence[int]] = field(default=lambda _: ())
    _known: dict[str, bool] = field(default_factory=dict)

    def among(self, users: pl.Series) -> set[str]:
        """Those of `users`, texts once each, who are erased; in any spelling."""
        if not self.revision:
            return set()
        every = spellings(users)
        if new := [user for user in every.to_list() if user not in self._known]:
            gone = {new[at] for at in self.positions(new)}
            self._known.update((user, user in gone) for user in new)
        return {user for user in every.to_list() if self._known[user]}

    def sift(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, set[str], bool]:
        """The rows of all others; who was found; whether some are written so that only the type of all ids tells who they are."""
        if not self.revision:
            return frame, set(), False
        texts = frame["user"].cast(pl.String)
        if not (gone := self.among(texts.unique())):
            return frame, gone, False
        theirs = texts.is_in(list(gone))
        return frame.filter(~theirs), gone, bool(gone - set(texts.filter(theirs).unique()))
