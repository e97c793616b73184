"""An erased user out of what is kept: a part that holds the user is removed, and the next run reads it anew without."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from contract.formats.keys import Id
from contract.text import CUT
from trainer.kept.entries import PARTIAL, DamagedError, Entry, read_entry, remove

_WHOLE = r"^(-?\d+)\.0+$"


def spellings(users: pl.Series) -> pl.Series:
    """Users as texts, also in the way in which a whole number that is written as a float may be read: 5.0 as 5."""
    return pl.concat([users, users.str.replace(_WHOLE, "$1")]).unique()


def forget(root: Path, user_id: Id) -> int:
    """Remove every part that names the user; how many went. A part that can't be read goes, too, and so does what was cut short."""
    gone = 0
    for folder in [*root.glob("*/*")] if root.is_dir() else ():
        try:
            entry = None if folder.name.endswith(PARTIAL) else read_entry(folder)
            if entry is not None and not _names(entry, str(user_id)):
                continue
        except (DamagedError, OSError, KeyError, pl.exceptions.PolarsError):
            pass
        remove(folder)
        gone += 1
    return gone


def _names(entry: Entry, user: str) -> bool:
    entry.check()
    return names_in(entry.said["told"], [user]) or any(spellings(users).is_in([user]).any() for users in entry.users())


def names_in(told: Iterable[str], users: Iterable[str]) -> bool:
    """Whether a text that is kept beside the rows holds one of the users, as a word of its own, or may be the beginning of one."""
    texts = list(told)
    text, cut = "\n".join(texts), tuple(one.removesuffix(CUT) for one in texts if one.endswith(CUT))
    return any(user.startswith(cut) or re.search(rf"(?<!\w){re.escape(user)}(?!\w)", text) for user in users)
