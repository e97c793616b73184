"""Popular items, whose counts with each other come from bit sets of their users, and rows of users in which they come first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from engine.arrays import Array
from engine.blocks import in_blocks
from engine.fit import counting_kernels as counting

BIT_SET_BYTES = 2**27  # at the most for bit sets, and for the counts from them
PER_BIT_WORD = 1 / 5  # cost of a word of a bit set in increments of a counter: 1/8 to 1/12 as measured, and its memory


class Popular(NamedTuple):
    """The popular items, int32; their places among them or -1, int32 (n_items); where the rest of each user's row begins, int64
    (n_users), once they come first in it."""

    items: Array
    place: Array
    tails: Array

    @classmethod
    def among(cls, events: tuple[Array, ...], f: Array) -> Popular:
        """`events`: item_ends, item_users, indptr, item_idx of the rows; f: frequencies, int32 (n_items)."""
        item_ends, item_users, indptr, _ = events
        order, _ = by_popularity(f)
        items = order[: _how_many(f[order], indptr.size - 1)]
        users = [item_users[item_ends[item] : item_ends[item + 1]] for item in items]
        n_popular = np.bincount(np.concatenate((items[:0], *users)), minlength=indptr.size - 1)
        return cls.of(items, f.size, indptr[:-1] + n_popular)

    @classmethod
    def of(cls, items: Array, n_items: int, tails: Array) -> Popular:
        place = np.full(n_items, -1, np.int32)
        place[items] = np.arange(items.size, dtype=np.int32)
        return cls(items, place, tails)

    def increments(self, events: tuple[Array, ...]) -> Array:
        """Of counters, that each item's row costs, int64 (n_items)."""
        made: Array = counting.increments(self.place, *events[:3], self.tails)
        return made

    def bit_sets(self, n_users: int) -> float:
        """What the counts of all with all cost, in increments of a counter."""
        return self.items.size**2 * _words(n_users) * PER_BIT_WORD

    def counted(self, events: tuple[Array, ...], numbers: Array, threads: int, first: int = 0) -> tuple[Array, ...]:
        """The events as counting_kernels.count_item takes them, items by their `numbers`, int32 (n_items): rows with popular items in
        front, and counts of the popular ones from `first` on with all others of them."""
        item_ends, item_users, indptr, item_idx = events
        bits = counting.set_bits(self.items, item_ends, item_users, indptr.size - 1)
        counts = np.zeros((self.items.size, self.items.size), np.int32)

        def count(start: int) -> None:
            counting.count_popular(start, min(start + counting.BLOCK, self.items.size), bits, counts)

        with ThreadPoolExecutor(threads) as pool:  # the last blocks are the longest: begin with them
            list(pool.map(count, range(first, self.items.size, counting.BLOCK)[::-1]))
        others = np.empty_like(item_idx)

        def reorder(start: int, end: int) -> None:
            counting.popular_first(start, end, indptr, item_idx, self.place, self.tails, numbers, others)

        in_blocks(reorder, np.diff(indptr).astype(np.float64), threads)
        return item_ends, item_users, indptr, others, self.tails, numbers[self.items], self.place, counts


def by_popularity(f: Array) -> tuple[Array, Array]:
    """The items in falling order of their frequencies, and the place of each in it, int32 (n_items)."""
    order = np.argsort(-f, kind="stable").astype(np.int32)
    number = np.empty_like(order)
    number[order] = np.arange(order.size, dtype=np.int32)
    return order, number


def _words(n_users: int) -> int:
    """64-bit words of a bit set of users."""
    return counting.WORDS * -(-n_users // (64 * counting.WORDS))


def _how_many(falling: Array, n_users: int) -> int:
    """How many of the most popular items to count by bit sets, by their frequencies: until the next item would cost more than it saves.

    Two items cost the words of a bit set, and about f_i · f_j / n_users increments of counters without.
    """
    n_words = _words(n_users)
    saves = falling * np.cumsum(falling, dtype=np.float64) / n_users
    costs = np.arange(1, falling.size + 1) * n_words * PER_BIT_WORD
    worth = int(np.searchsorted(-(saves / costs), -1.0))
    return min(worth, BIT_SET_BYTES // (8 * n_words), int((BIT_SET_BYTES / 4) ** 0.5))
