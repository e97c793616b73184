"""Rows of erased users, left out before anything of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from contract.formats.keys import Id
from contract.text import CUT
from trainer.kept.entries import Entry
from trainer.kept.forgetting import spellings

ERASED = "erased user"
MARKS = "'\",.;:()"  # around one


@dataclass(slots=True)
class ErasedRows:
    """The list of the erased: `who` keeps it, its revision, and which positions of some ids are on it. `latest`: its revision now."""

    who: str = ""
    revision: int = 0
    positions: Callable[[Sequence[Id]], Sequence[int]] = field(default=lambda _: ())
    latest: Callable[[], int] | None = None
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

    def told(self, texts: Sequence[str]) -> bool:
        """Whether a text names one of them, or may: it was cut short."""
        if not self.revision or not texts:
            return False
        if any(text.endswith(CUT) for text in texts):
            return True
        words = pl.Series([word for text in texts for word in (text, *text.split())], dtype=pl.String)
        return bool(self.among(words.str.strip_chars(MARKS).unique()))

    def as_it_is_now(self) -> ErasedRows:
        """The list itself, or what it has become if somebody was erased meanwhile."""
        revision = self.latest() if self.latest else self.revision
        return self if revision == self.revision else ErasedRows(self.who, revision, self.positions, self.latest)

    def sift(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, set[str], bool]:
        """The rows of all others; who was found; whether some are written so that only the type of all ids tells who they are."""
        if not self.revision:
            return frame, set(), False
        texts = frame["user"].cast(pl.String)
        if not (gone := self.among(texts.unique())):
            return frame, gone, False
        theirs = texts.is_in(list(gone))
        return frame.filter(~theirs), gone, bool(gone - set(texts.filter(theirs).unique()))

    def has_some_in(self, entry: Entry) -> bool:
        """Whether what is kept of a part names somebody who is erased."""
        return any(self.among(users) for users in entry.users()) or self.told(entry.said["told"])
