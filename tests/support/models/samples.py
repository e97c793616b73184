"""Interactions that several tests use."""

from __future__ import annotations

import random

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
    rng = random.Random(seed)
    return [
        (rng.randrange(400), int(150 * rng.random() ** 2), rng.randrange(1, 11) / 2, 30 * DAY_S * rng.randrange(6)) for _ in range(5000)
    ]
