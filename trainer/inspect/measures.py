"""How alike two ranked lists are, and how a figure is distributed over users. Numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.formats.keys import Id
from contract.formats.reports.diff import Distribution

_JUST_BELOW = 1e-9
PERSISTENCE = 0.9  # of the reader that rank-biased overlap imagines: the first ten ranks carry 86 % of the weight
RBO_DEPTH = 100  # ranks beyond it weigh less than 3e-5 together
N_BINS = 10


def distribution(values: Sequence[float]) -> Distribution:
    """Raises ValueError for no values."""
    if not values:
        raise ValueError("there is no distribution of nothing")
    p10, median, p90 = np.percentile(values, [10, 50, 90]).tolist()
    # 3 of 10 items in common is the lower end of a tenth, which a float just misses.
    tenths = np.minimum(np.floor(np.asarray(values) * N_BINS + _JUST_BELOW), N_BINS - 1).astype(np.int64)
    bins = np.bincount(tenths, minlength=N_BINS).tolist()
    return Distribution(n=len(values), mean=float(np.mean(values)), median=median, p10=p10, p90=p90, bins=tuple(bins))


def overlap_at(k: int, a: Sequence[Id], b: Sequence[Id]) -> float:
    """Part of the first `k` items that two lists share, of the longer one where both end before; 1 for two empty lists."""
    first, second = set(a[:k]), set(b[:k])
    longest = max(len(first), len(second))
    return len(first & second) / longest if longest else 1.0


def rank_biased_overlap(a: Sequence[Id], b: Sequence[Id], p: float = PERSISTENCE) -> float:
    """Extrapolated rank-biased overlap, equation 32 of Webber, Moffat and Zobel, "A similarity measure for indefinite rankings",
    ACM Transactions on Information Systems 28 (4), 2010, https://doi.org/10.1145/1852102.1852106

    With X(d) the items that both have within depth d, s the shorter length and l the longer one:

        (1 - p) / p * (sum over d = 1..l of X(d) / d * p^d  +  sum over d = s+1..l of X(s) * (d - s) / (s * d) * p^d)
        + ((X(l) - X(s)) / l + X(s) / s) * p^l

    1 for two empty lists, 0 where one alone is empty.
    """
    shorter, longer = sorted((list(a[:RBO_DEPTH]), list(b[:RBO_DEPTH])), key=len)
    s, l = len(shorter), len(longer)  # noqa: E741 (the paper's letters)
    if not s:
        return float(not l)
    seen_short: set[Id] = set()
    seen_long: set[Id] = set()
    total, shared, shared_at_s, weight = 0.0, 0, 0, 1.0
    for d in range(1, l + 1):
        weight *= p
        item = longer[d - 1]
        seen_long.add(item)
        if d <= s:
            other = shorter[d - 1]
            seen_short.add(other)
            shared += (item in seen_short) + (other in seen_long and other != item)
            shared_at_s = shared
            agreement = shared / d
        else:
            shared += item in seen_short
            agreement = shared / d + shared_at_s * (d - s) / (s * d)
        total += agreement * weight
    return (1 - p) / p * total + ((shared - shared_at_s) / l + shared_at_s / s) * weight
