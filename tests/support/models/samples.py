"""Interactions that several tests use."""

from __future__ import annotations

import random
from functools import cache

from tests.support.models.fitting import Event

DAY_S = 86400
#      a  b  c  d
# u1   1  1  .  .      co-occurrence   a  4
# u2   1  1  1  .                      b  3  3
# u3   1  .  1  .                      c  2  1  2
# u4   1  1  .  1                      d  1  1  0  1
BY_HAND: list[Event] = [
    *(("u1", "a", 4.0, 0), ("u1", "b", 2.0, 0)),
    *(("u2", "a", 1.0, 0), ("u2", "b", 5.0, 0), ("u2", "c", 2.0, 0)),
    *(("u3", "a", 3.0, 0), ("u3", "c", 3.0, 0)),
    *(("u4", "a", 1.0, 0), ("u4", "b", 1.0, 0), ("u4", "d", 1.0, 0)),
]


def many(seed: int = 3) -> list[Event]:
    """Repeated pairs among them; weights and decays are sums of few powers of two, so that no order of adding changes them."""
    return list(_many(seed))


@cache
def _many(seed: int) -> list[Event]:
    rng = random.Random(seed)
    return [
        (rng.randrange(400), int(150 * rng.random() ** 2), rng.randrange(1, 11) / 2, 30 * DAY_S * rng.randrange(6)) for _ in range(5000)
    ]


def chains(n_users: int = 260, n_items: int = 40, seed: int = 4) -> list[Event]:
    """After item i comes item i + 1, most of the time: only a model that knows directions sees it. Users begin anywhere, on any day."""
    rng = random.Random(seed)
    events: list[Event] = []
    for user in range(n_users):
        item, start = rng.randrange(n_items), rng.randrange(60)
        for step in range(14):
            events.append((user, item % n_items, 1.0, (start + 2 * step) * DAY_S + user))
            item += 1 if rng.random() < 0.9 else rng.randrange(n_items)
    return events


def popular(n_users: int = 500, seed: int = 8) -> list[Event]:
    """Everybody takes what is popular, whatever else they have taken: nothing is better than popularity."""
    rng = random.Random(seed)
    return [(user, int(80 * rng.random() ** 3), 1.0, rng.randrange(90 * DAY_S)) for user in range(n_users) for _ in range(6)]
