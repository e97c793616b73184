"""What changed from one generation to another, as it is kept in the hash of the later one: the trainer makes it, the pages show it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from contract.formats.keys import Id

FIELD = "diff"  # of a generation's hash


class Distribution(BaseModel):
    """A figure between 0 and 1 over `n` users. `bins`: users in each tenth, the last one with its upper end."""

    model_config = ConfigDict(frozen=True)

    n: int
    mean: float
    median: float
    p10: float
    p90: float
    bins: tuple[int, ...]


class Side(BaseModel):
    """One of the two generations. Counts of users and items, and `mean_listed`, are of all of it; the rest is of the users read.

    `items_listed` and `head_share` look at the first k items of a list: distinct ones, and the part of all listings that goes to the
    1 % of the catalogue (one item at the least) which is listed most.
    """

    model_config = ConfigDict(frozen=True)

    generation: str
    trained_at: str
    data_until: str | None
    n_users: int
    n_items: int
    mean_listed: float
    users_read: int
    items_listed: int
    head_share: float
    metrics: dict[str, float]

    @property
    def coverage(self) -> float:
        """Part of the catalogue that is listed for anybody."""
        return self.items_listed / self.n_items if self.n_items else 0.0


class Diff(BaseModel):
    """From `before` to `after`, over the first `k` items of a list; rank-biased overlap over all that is stored.

    `overlap` and `rbo` are of the users of `after` whom `before` knows, None where there is none. `identical`: the part of those whose
    first k items are the same in the same order. `users_gained` are counted among the users read of `after`, `users_lost` among those
    read of `before`. `moved`: half the sum, over all items, of the difference between the parts of the listings that an item has: 0 when
    all are listed as often as before, 1 when other items are listed.
    """

    model_config = ConfigDict(frozen=True)

    before: Side
    after: Side
    k: int
    sampled: bool
    overlap: Distribution | None
    rbo: Distribution | None
    identical: float
    users_gained: int
    users_lost: int
    items_gained: int
    items_lost: int
    most_gained: tuple[Id, ...]
    most_lost: tuple[Id, ...]
    moved: float
