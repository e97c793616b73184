"""What people met and did not like: pairs with weights of 0 or less. They are no part of the fit, and are never recommended back.

A pair with rows of both kinds is what its rows come to under the policy for repeated pairs: their sum, the last or the heaviest. Is that
0 or less (a purchase that was returned), the pair is disliked as a whole; else its rows of 0 or less are left out and the others count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.arrays import Array
from trainer.interactions.cleaning import Events, last_rows

NOT_LIKED = "a weight of 0 or less: met, and not liked"
TAKEN_BACK = "a weight that a later one of 0 or less takes back"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct pairs by user, then item, int32 each."""

    user: Array
    item: Array

    def among(self, users: Array, items: Array) -> Pairs | None:
        """These pairs by positions in `users` and `items`, the old positions, rising, of those that are left; None if no pair is."""
        user, item = np.searchsorted(users, self.user), np.searchsorted(items, self.item)
        left = (users[np.minimum(user, users.size - 1)] == self.user) & (items[np.minimum(item, items.size - 1)] == self.item)
        return Pairs(user[left].astype(np.int32), item[left].astype(np.int32)) if left.any() else None

    def moved(self, places: Array) -> Pairs:
        """With user u at places[u]."""
        user = places[self.user]
        order = np.lexsort((self.item, user))
        return Pairs(user[order], self.item[order])

    def arrays(self, n_users: int) -> Mapping[str, Array]:
        """As contract/artifacts/artifact.py names them."""
        ends = np.cumsum(np.bincount(self.user, minlength=n_users), dtype=np.int64)
        return {"disliked_indptr": np.concatenate((np.zeros(1, np.int64), ends)), "disliked_indices": self.item.astype(np.int32)}


def take_out(events: Events, duplicates: Literal["sum", "last", "max"], dropped: Counter[str]) -> tuple[Events, Pairs | None]:
    """The events that are liked, and the pairs that are not. Counts what is no longer among the events."""
    if not events.weight.size or events.weight.min() > 0:
        return events, None
    below = events.weight <= 0
    n_items = int(events.item.max()) + 1
    pair = events.user.astype(np.int64) * n_items + events.item
    suspects = np.unique(pair[below])
    rows = np.flatnonzero(np.isin(pair, suspects))
    place = np.searchsorted(suspects, pair[rows])
    if duplicates == "sum":
        total: Array = np.bincount(place, events.weight[rows].astype(np.float64))
    else:
        total = np.empty(suspects.size)
        of_pairs = events.only(rows)
        of_pairs.target = None  # a refund is the last word on a purchase, whatever the target is
        chosen = rows[last_rows(of_pairs, duplicates)]
        total[np.searchsorted(suspects, pair[chosen])] = events.weight[chosen]
    disliked = total <= 0
    back = np.zeros(pair.size, bool)
    back[rows] = disliked[place]
    dropped[NOT_LIKED] += int(below.sum())
    dropped[TAKEN_BACK] += int((back & ~below).sum())
    gone = suspects[disliked]
    pairs = Pairs((gone // n_items).astype(np.int32), (gone % n_items).astype(np.int32)) if gone.size else None
    return events.only(~(below | back)), pairs
