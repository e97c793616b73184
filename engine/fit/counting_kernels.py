"""Compiled inner loops of counting: how many users two items have in common.

Counts of two popular items come from bit sets of their users (and, popcount): 512 users an instruction on a CPU with AVX-512. All
others are counted along the users' rows, for one item at a time: n_items counters and nothing else, whatever the number of
interactions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from engine.fetching import AHEAD, fetch

BLOCK = 16  # popular items counted together: each bit set that is loaded serves all of them
WORDS = 128  # 64-bit words of a bit set that are looked at together: BLOCK of them stay in the first-level cache


@intrinsic
def _popcount(_typing, value):  # type: ignore[no-untyped-def]
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@njit(nogil=True, cache=True)
def set_bits(popular, item_ends, item_users, n_users):  # type: ignore[no-untyped-def]
    """Bit sets of the users of the items `popular`: uint64 (chunks of users, popular.size, WORDS)."""
    n_words = (n_users + 63) // 64
    bits = np.zeros(((n_words + WORDS - 1) // WORDS, popular.size, WORDS), np.uint64)
    for h in range(popular.size):
        for at in range(item_ends[popular[h]], item_ends[popular[h] + 1]):
            user = item_users[at]
            word = user // 64
            bits[word // WORDS, h, word % WORDS] |= np.uint64(1) << np.uint64(user % 64)
    return bits


@njit(nogil=True, cache=True)
def popular_first(start, end, indptr, indices, place, tails, numbers, others):  # type: ignore[no-untyped-def]
    """Rows of the users `start` to `end` with their popular items first and the numbers of items for item_idx, into `others`.

    place, numbers int32 (n_items). tails int64 (n_users): where what is not popular begins in a row.
    """
    for user in range(start, end):
        popular, rest = indptr[user], tails[user]
        for item in indices[indptr[user] : indptr[user + 1]]:
            if place[item] >= 0:
                others[popular] = numbers[item]
                popular += 1
            else:
                others[rest] = numbers[item]
                rest += 1
        others[indptr[user] : tails[user]].sort()
        others[tails[user] : indptr[user + 1]].sort()


@njit(nogil=True, cache=True)
def _count_along(item, item_ends, item_users, firsts, indptr, others, counts):  # type: ignore[no-untyped-def]
    """Along the rows of the item's users from `firsts` on. Rows lie anywhere in memory: fetched ahead, or half of the time is spent
    waiting. A row is a view that begins at 0, since Numba would test every position for a negative one."""
    users = item_users[item_ends[item] : item_ends[item + 1]]
    for at in range(users.size):
        if at + AHEAD < users.size:
            coming = users[at + AHEAD]
            fetch(others, firsts[coming], indptr[coming + 1])
        row = others[firsts[users[at]] : indptr[users[at] + 1]]
        for t in range(row.size):
            counts[row[t]] += 1


@njit(nogil=True, cache=True)
def increments(place, item_ends, item_users, indptr, tails):  # type: ignore[no-untyped-def]
    """Increments of counters that the rows of each item's users take, int64 (n_items): of popular items, the rows' tails alone."""
    out = np.zeros(place.size, np.int64)
    for item in range(place.size):
        firsts = indptr if place[item] < 0 else tails
        for user in item_users[item_ends[item] : item_ends[item + 1]]:
            out[item] += indptr[user + 1] - firsts[user]
    return out


@njit(nogil=True, cache=True)
def count_touched(item, events, counts, touched):  # type: ignore[no-untyped-def]
    """As `count_item`, and with how many others; `touched`, int32 (n_items + 1), begins with their numbers, in no order."""
    item_ends, item_users, indptr, others = events[0], events[1], events[2], events[3]
    users, n = item_users[item_ends[item] : item_ends[item + 1]], 0
    for at in range(users.size):
        if at + AHEAD < users.size:
            coming = users[at + AHEAD]
            fetch(others, indptr[coming], indptr[coming + 1])
        row = others[indptr[users[at]] : indptr[users[at] + 1]]
        for t in range(row.size):
            other = row[t]
            touched[n] = other  # kept if it is the first time: no branch that the processor could mispredict
            n += counts[other] == 0
            counts[other] += 1
    return n


@njit(nogil=True, cache=True)
def count_popular(start, end, bits, counts):  # type: ignore[no-untyped-def]
    """Co-occurrences of the popular items `start` to `end` (at most BLOCK) with all before `end`, and their mirror images.

    counts int32 (popular items, popular items), zeros before; two calls with other ranges never touch the same element.
    """
    for chunk in range(bits.shape[0]):
        for h in range(end):
            theirs = bits[chunk, h]
            for i in range(max(start, h), end):
                ours = bits[chunk, i]
                total = np.uint64(0)
                for word in range(WORDS):
                    total += _popcount(ours[word] & theirs[word])
                counts[i, h] += np.int32(total)
    for i in range(start, end):
        for h in range(i):
            counts[h, i] = counts[i, h]


@njit(nogil=True, cache=True)
def count_item(item, events, counts):  # type: ignore[no-untyped-def]
    """Co-occurrences of `item` with all items, by their numbers in `events`: counts int32 (n_items), zeros before."""
    item_ends, item_users, indptr, others, tails, popular, place, popular_counts = events
    if place[item] < 0:
        _count_along(item, item_ends, item_users, indptr, indptr, others, counts)
    else:
        _count_along(item, item_ends, item_users, tails, indptr, others, counts)
        row = popular_counts[place[item]]
        for h in range(popular.size):
            counts[popular[h]] = row[h]
