"""A made-up shop: what people look at and what they buy are two things.

Items stand in aisles. A user likes a few aisles and visits the shop now and then; a visit looks at some items of one aisle by their appeal,
and buys one of those by how well it sells, or what goes with one of them (a case for the phone that was looked at). Appeal and sales of an
item are drawn apart from each other: much is looked at that nobody buys.
"""

from __future__ import annotations

import numpy as np
import polars as pl

AISLES, GO_WITH = 12, 3
VISIT_S = 3 * 86_400


def visits(n_users: int = 400, n_items: int = 180, seed: int = 1) -> pl.DataFrame:
    """user, item, event (view, cart, buy), time: epoch seconds."""
    rng = np.random.default_rng(seed)
    aisle = np.arange(n_items) % AISLES
    appeal, sells = rng.lognormal(0, 1.2, n_items), rng.beta(0.6, 3.0, n_items)
    goes_with = np.array(
        [rng.choice(np.flatnonzero(aisle == (aisle[item] + 1) % AISLES), GO_WITH, replace=False) for item in range(n_items)]
    )
    rows: list[tuple[int, int, str, int]] = []
    for user in range(n_users):
        liked = rng.choice(AISLES, 3, replace=False)
        time = 1_600_000_000 + int(rng.integers(0, 60 * 86_400))
        for _ in range(int(rng.integers(2, 12))):
            time += int(rng.integers(VISIT_S // 3, 2 * VISIT_S))
            shelf = np.flatnonzero(aisle == rng.choice(liked))
            looked = rng.choice(shelf, min(shelf.size, int(rng.integers(2, 9))), replace=False, p=appeal[shelf] / appeal[shelf].sum())
            rows += [(user, int(item), "view", time + 60 * at) for at, item in enumerate(looked)]
            for item in looked[rng.random(looked.size) < sells[looked]]:
                taken = int(item) if rng.random() < 0.5 else int(rng.choice(goes_with[item]))
                rows += [(user, taken, "cart", time + 900), (user, taken, "buy", time + 960)]
    return pl.DataFrame(rows, schema=["user", "item", "event", "time"], orient="row")
