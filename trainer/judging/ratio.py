"""Whether arms have as many users as their shares say. Where they have not, they were not shown to the same kind of people, and rates say
nothing of lists: as when a generation does not know a user, who gets no list and so counts in no arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scipy.stats import binomtest

P_LEAST = 1e-4
"""What shares that hold are taken for others by, at the most, each time that somebody looks."""


class Period(NamedTuple):
    """From one change of shares to the next: slots by arm, and users by arm who were first shown a list then."""

    slots: dict[str, int]
    users: dict[str, int]


def unlike(periods: Sequence[Period]) -> str:
    """In which arm users don't fit the share, what makes that, and what to do; "" where they fit."""
    tests = [test for period in periods for test in _tests(period)]
    failed = [test for test in tests if test.p * len(tests) < P_LEAST]
    if not failed:
        return ""
    least = min(failed, key=lambda test: test.users / test.expected)
    return (
        f"arm {least.arm} has {least.users:,} users where its share makes about {least.expected:,.0f}, so arms were shown to different "
        "people, and there is no verdict. A generation that does not know a user gives no list, and the user counts in no arm: end the "
        "experiment, set LARDER_FALLBACK, so that each user gets a list, and begin another one"
    )


class _Test(NamedTuple):
    """`p`: how likely users are to be so far from those expected, or farther, by chance."""

    p: float
    arm: str
    users: int
    expected: float


def _tests(period: Period) -> list[_Test]:
    """One of each arm with a share."""
    slots = {arm: n for arm, n in period.slots.items() if n}
    total, whole = sum(period.users.get(arm, 0) for arm in slots), sum(slots.values())
    if not total or len(slots) < 2:
        return []
    return [
        _Test(float(binomtest(users, total, n / whole).pvalue), arm, users, total * n / whole)
        for arm, n in slots.items()
        for users in [period.users.get(arm, 0)]
    ]
