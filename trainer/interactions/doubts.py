"""What was read without a fault and yet looks wrong: said by a run, and no clean bill from `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from contract.formats.keys import Id
from engine.arrays import Array
from trainer.interactions.indexing import counted
from trainer.interactions.interactions import Interactions
from trainer.interactions.limits import IN_FUTURE
from trainer.interactions.profile import SAMPLED, Profile

_YEAR = 366 * 86_400
FAR = 40 * _YEAR  # interactions are not collected for so long
LOOKED_AT = 2000  # ids of a column
MOST = 0.5  # part of the ids that look alike
FEW = 5  # users or items that can't be all, of
MANY = 100  # rows
ONE_USER = 0.2  # part of the rows that is much for one of at least
USERS = 20
REPEATED = 0.3
AHEAD = 0.2
EPOCH = 6e8  # a weight of 1989 and later, were it a time
SENTINELS = tuple(float("9" * n) for n in range(2, 10))
_BASKETS = "A row is one user with one item; --baskets reads a list of items a row."
_LIST = re.compile(r"\[.*\]|\{.*\}|\(.*\)", re.DOTALL)
_ROUNDED = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_NO_INTEGER = re.compile(r"\+\d+|[+-]?\d+\.\d+|\d{1,3}(,\d{3})+|['\"`]-?\d+['\"`]")


@dataclass(frozen=True, slots=True)
class Doubt:
    """`what` is kept in the manifest, and therefore names no user; `advice` may."""

    what: str
    advice: str


def doubts(made: Interactions, columns: Mapping[str, str], profile: Profile) -> Iterator[Doubt]:
    if made.time is not None:
        yield from _times(made.time)
        n_future = made.dropped.get(IN_FUTURE, 0)
        if n_future > AHEAD * (n_future + profile.rows):
            part = f"{100 * n_future / (n_future + profile.rows):.0f} % of the rows"
            what = f"{part} lie ahead of this machine's clock, which says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            yield Doubt(what, "Correct the clock, or the times; --future-times keep keeps them.")
    for role, ids in (("user", made.user_ids), ("item", made.item_ids)):
        yield from _ids(role, ids, columns.get(role, ""))
    if profile.rows >= MANY:
        yield from _whole(made, profile)
    yield from _weights(made, profile)


def _times(times: Array) -> Iterator[Doubt]:
    advice = "Times count seconds since 1970 unless --time-unit or --time-format says otherwise; --time-column '' leaves them out."
    oldest, newest = int(times.min()), int(times.max())
    if newest < _YEAR:
        yield Doubt("all times are in 1970" if oldest >= 0 else "all times are before 1971", advice)
        return
    usual = float(np.quantile(times[:: max(1, times.size // SAMPLED)], 0.95))
    if oldest < usual - FAR:
        n = int((times < usual - FAR).sum())
        days = [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d}" for second in (oldest, usual)]
        what = f"{n:,} times ({100 * n / times.size:.1f} %) lie decades before the others, as {days[0]} before {days[1]}"
        yield Doubt(what, "Are some in another unit, or do they stand for none? " + advice)


def _ids(role: str, ids: Sequence[Id], name: str) -> Iterator[Doubt]:
    if not isinstance(ids[0], str):
        return
    if name and not name.isdigit() and name in ids:
        yield Doubt(f"{name!r} is an id of the {role} column and its name, too", "A line of names among the rows? Take it out.")
    some = [str(one) for one in ids[:: max(1, len(ids) // LOOKED_AT)]]
    for pattern, what, advice in (
        (_LIST, "look like lists", _BASKETS),
        (
            _ROUNDED,
            "are numbers with an exponent",
            "A spreadsheet has rounded them, and different ids may have become one: export them as texts.",
        ),
        (_NO_INTEGER, "are numbers, and not written as integers", "Is this the right column? Whole numbers are written as 1234."),
    ):
        if (like := [one for one in some if pattern.fullmatch(one)]) and len(like) > MOST * len(some):
            yield Doubt(f"{role} ids {what}", f"Such as {like[0][:40]!r}. {advice}")
    for mark in "|;":
        pieces = [piece for one in some if mark in one for piece in one.split(mark)]
        if sum(mark in one for one in some) > MOST * len(some) and len(set(pieces)) < MOST * len(pieces):
            like_list = next(one for one in some if mark in one)[:40]
            yield Doubt(f"{role} ids look like lists", f"Such as {like_list!r}. {_BASKETS}")


def _whole(made: Interactions, profile: Profile) -> Iterator[Doubt]:
    for what, n in (("user", profile.users), ("item", profile.items)):
        if n < FEW:
            yield Doubt(
                f"there {'are' if n > 1 else 'is'} {n} {what}{'s' if n > 1 else ''} in {profile.rows:,} rows", "Is this the right column?"
            )
    if profile.users == profile.rows:
        yield Doubt("every user has one interaction", "Nothing can be learned from that; is the user column an id of events?")
    if profile.items == profile.rows:
        yield Doubt("every item has one interaction", "Nothing can be learned from that; is the item column an id of events?")
    counts = counted(made.user_idx, len(made.user_ids))
    most = int(counts.argmax())
    if profile.users >= USERS and counts[most] > ONE_USER * profile.rows:
        part = f"{100 * counts[most] / profile.rows:.0f} % of the rows"
        advice = "If it stands for all who are not known, name it with --missing, or use --max-user-interactions."
        yield Doubt(f"one user has {part}", f"It is {made.user_ids[most]!r:.40}. {advice}")
    if made.user_ids and len(made.user_ids) == len(made.item_ids) and _same(made):
        yield Doubt("users and items are the same in every row", "Name the columns with --user-column and --item-column.")
    if profile.repeated > REPEATED and profile.to_the_second:
        part = f"{100 * profile.repeated:.0f} % of the rows"
        yield Doubt(f"{part} are another row again, to the second", "Was a file read twice? --duplicates last counts a pair once.")


def _same(made: Interactions) -> bool:
    rows = range(0, made.user_idx.size, max(1, made.user_idx.size // LOOKED_AT))
    return all(made.user_ids[made.user_idx[row]] == made.item_ids[made.item_idx[row]] for row in rows)


def _weights(made: Interactions, profile: Profile) -> Iterator[Doubt]:
    if profile.weights[len(profile.weights) // 2] > EPOCH:
        what = f"weights are as large as {profile.weights[-1]:g}"
        yield Doubt(what, "Are they times? Name the columns with --weight-column and --time-column.")
        return
    highest = float(made.weight.max())
    if profile.rows >= MANY and highest in SENTINELS:
        others = made.weight[made.weight < highest]
        if others.size and highest > 5 * float(others.max()):
            n = profile.rows - others.size
            what = f"{n:,} weights are {highest:g}, and all others {others.max():g} or less"
            yield Doubt(what, "If it stands for none, name it with --missing.")
