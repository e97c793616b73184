"""Whether rows that are there as before have the times and the weights that they had.

Of times, what artifacts hold is each item's last one. New rows make it later, or leave it; it falls where rows are taken away or
corrected, a few. Times that are mirrored, or those of other rows, let it fall for about half of the items.

Of weights, it is the affinity of each pair. With the settings of before, and rows that only come, it changes by one factor for all (the
decay of a night), and grows for pairs that were met again. Weights of other rows let it fall for as many as it grows for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from engine.arrays import Array
from trainer.evaluation.drift.same_table import FEW, Match, Pairs, matched
from trainer.evaluation.findings import Found, reads_otherwise

TIMES = {"refuse": 0.25, "warn": 0.1}  # part of the items, beside that of pairs that are fewer
WEIGHTS = {"refuse": 0.2, "warn": 0.1}  # part of the pairs
_FACTOR = 0.1  # by which the binary logarithm of a factor may differ from that of the others
_NEARLY = 0.8  # of the most frequent factor's pairs, from which another one may be the usual one
_MOST = 1 << 18  # pairs that are looked at


def other_values(new: Pairs, old: Pairs, match: Match, *, comparable: bool, before: Pairs | None = None) -> Iterator[Found]:
    """Findings. `comparable`: the settings are the same, and no window has moved on. `before`: of the generation before the current one,
    if it is there: what was so then too may be so again.
    """
    _, users, item_of = match
    fallen = _fallen(new, old, item_of)
    weighed = _weighed(new, old, users, item_of) if comparable else 0.0
    if fallen <= TIMES["warn"] and weighed <= WEIGHTS["warn"]:
        return
    habit, habit_weighed = 0.0, 0.0
    if before is not None:
        _, users, items_before = matched(old, before)
        habit, habit_weighed = _fallen(old, before, items_before), _weighed(old, before, users, items_before)
    if fallen > TIMES["warn"] and new.last is not None and old.last is not None:
        item = int(np.flatnonzero((item_of >= 0) & (new.last[item_of] < old.last))[0])
        then, now = (_moment(int(one)) for one in (old.last[item], new.last[item_of[item]]))
        shown = f"{old.items(item, item + 1)[0]!r:.30}, last met {then}, now {now}"
        text = f"the same rows have other times: the last time of {100 * fallen:.0f} % of the items is earlier than before, as of {shown}"
        yield "refuse" if fallen > TIMES["refuse"] >= habit else "warn", reads_otherwise(text, round(fallen, 4), 0.0)
    if weighed > WEIGHTS["warn"]:
        text = f"the same pairs have other weights: beside the others, {100 * weighed:.0f} % of them fell, and as many or more grew"
        yield "refuse" if weighed > WEIGHTS["refuse"] >= habit_weighed else "warn", reads_otherwise(text, round(weighed, 4), 0.0)


def _fallen(new: Pairs, old: Pairs, item_of: Array) -> float:
    """Of the items that are there again, the part whose last time is earlier, beyond the part of the pairs that is gone."""
    common = np.flatnonzero(item_of >= 0)
    if new.last is None or old.last is None or common.size < FEW:
        return 0.0
    fewer = max(0.0, 1 - len(new.indices) / max(1, len(old.indices)))
    return float((new.last[item_of[common]] < old.last[common]).mean()) - fewer


def _weighed(new: Pairs, old: Pairs, users: dict[int, int], item_of: Array) -> float:
    """Of the pairs of `users`, the part whose affinity has changed by less than the usual factor, or by more: the smaller part."""
    if new.affinity is None or old.affinity is None or len(users) < FEW:
        return 0.0
    factors, n = list[Array](), 0
    for before, now in users.items():
        then, here = (slice(int(one.indptr[user]), int(one.indptr[user + 1])) for one, user in ((old, before), (new, now)))
        items = item_of[old.indices[then]]
        there = np.flatnonzero(items >= 0)
        _, at_old, at_new = np.intersect1d(items[there], new.indices[here], assume_unique=True, return_indices=True)
        a, b = old.affinity[then][there[at_old]], new.affinity[here][at_new]
        whole = (a > 0) & (b > 0)
        shift = sum(sign * int(one[user]) for sign, one, user in ((1, new.exponent, now), (-1, old.exponent, before)) if one is not None)
        factors.append(np.log2(b[whole].astype(np.float64)) - np.log2(a[whole].astype(np.float64)) + shift)
        n += items.size
        if n > _MOST:
            break
    found = np.concatenate(factors)
    if found.size < FEW:
        return 0.0
    values, counts = np.unique(np.round(found, 2), return_counts=True)
    frequent = values[counts >= _NEARLY * counts.max()]
    usual = frequent[np.abs(frequent - np.median(found)).argmin()]
    return float(min((found < usual - _FACTOR).sum(), (found > usual + _FACTOR).sum()) / found.size)


def _moment(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"
