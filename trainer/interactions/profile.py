"""What interactions look like as a whole: figures that stay much the same from one night to the next, unless something else is read."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from engine.arrays import Array
from trainer.interactions.interactions import Interactions

SAMPLED = 1 << 16  # rows that are looked at for quantiles and repetitions
MANY = 50  # different rows
STEPS = 20  # quantiles: 0, 5 %, ..., 100 %


class Profile(BaseModel):
    """`weights`: quantiles in equal steps. `oldest`, `newest`, `span` (of the middle 90 %): epoch seconds, seconds; None without times.

    `repeated`: part of the rows that are another one again: user, item, weight and time. `copies`: how often every row stands there; 0:
    not all as often, or too few to tell; not kept. `to_the_second`: whether times are finer than minutes.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    users: int
    items: int
    weights: tuple[float, ...]
    repeated: float
    copies: int = Field(0, exclude=True)
    oldest: int | None = None
    newest: int | None = None
    span: int | None = None
    to_the_second: bool = False

    @classmethod
    def of(cls, made: Interactions) -> Self:
        some = slice(None, None, max(1, made.weight.size // SAMPLED))
        again = _again(made)
        found = cls(
            rows=int(made.weight.size),
            users=len(made.user_ids),
            items=len(made.item_ids),
            weights=tuple(np.quantile(made.weight[some], np.linspace(0, 1, STEPS + 1), method="nearest").tolist()),
            repeated=round(float(again.mean()), 4) if again.size else 0.0,
            copies=_copies(again),
        )
        if made.time is None:
            return found
        times = made.time[some]
        low, high = np.quantile(times, [0.05, 0.95]).tolist()
        update = {"oldest": int(made.time.min()), "newest": int(made.time.max()), "span": round(high - low)}
        return found.model_copy(update=update | {"to_the_second": bool((times % 60).any())})

    @property
    def rows_per_user(self) -> float:
        return self.rows / self.users

    @property
    def rows_per_item(self) -> float:
        return self.rows / self.items


def _copies(again: Array) -> int:
    rows = np.flatnonzero(np.concatenate([[True], ~again, [True]]))
    often = np.diff(rows)
    return int(often[0]) if often.size >= MANY and (often == often[0]).all() else 0


def _again(made: Interactions) -> Array:
    """Whether a row is the one before it again, in the order of their values: of some users, all of whose rows are looked at."""
    step = max(1, made.weight.size // SAMPLED)
    # Users are in the order of their buckets: the first of them are a sample.
    rows: slice | Array = slice(None) if step == 1 else np.flatnonzero(made.user_idx < max(1, len(made.user_ids) // step))
    columns = [made.user_idx[rows], made.item_idx[rows], made.weight[rows], *([] if made.time is None else [made.time[rows]])]
    order = np.lexsort(columns)
    again = np.ones(max(0, order.size - 1), bool)
    for column in columns:
        again &= column[order][1:] == column[order][:-1]
    return again
