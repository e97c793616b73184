"""What was read without a fault and yet looks wrong: said by a run, and no clean bill from `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from contract.formats.keys import Id
from engine.arrays import Array
from trainer.interactions.id_doubts import LOOKED_AT, id_doubts, stand_for_none
from trainer.interactions.indexing import counted
from trainer.interactions.interactions import Interactions
from trainer.interactions.limits import IN_FUTURE
from trainer.interactions.profile import SAMPLED, Profile
from trainer.interactions.weight_doubts import weight_doubts
from trainer.rows.doubt import LATER_COLUMNS, MIXED_ZONES, Doubt
from trainer.rows.other_encodings import WESTERN, Readings, readings
from trainer.rows.problems import Problems

_YEAR = 366 * 86_400
FAR = 40 * _YEAR  # interactions are not collected for so long
OTHER_CALENDAR = -14_831_769_600  # 1500: dates of Persian and Islamic calendars lie before it
OLD = 788_918_400  # 1995: older interactions are rare, and seconds since 2001 read as seconds since 1970 end there
ROUNDED = 10_000  # seconds: to so many a spreadsheet rounds 1.70428E+09
COUNTED = " since 1970"  # ends what is said of times that are numbers of a unit
FEW = 5  # users or items that can't be all, of
MANY = 100  # rows
ONE_USER = 0.2  # part of the rows that is much for one of at least
USERS = 20
REPEATED = 0.3
AHEAD = 0.2
NAMED = 3  # encodings


def doubts(made: Interactions, columns: Mapping[str, str], profile: Profile, problems: Problems) -> Iterator[Doubt]:
    if made.time is not None:
        yield from _times(made.time, counted=bool(problems.clocks) and all(words.endswith(COUNTED) for words in problems.clocks))
        n_future = made.dropped.get(IN_FUTURE, 0)
        if n_future > AHEAD * (n_future + profile.rows):
            part = f"{100 * n_future / (n_future + profile.rows):.0f} % of the rows"
            what = f"{part} lie ahead of this machine's clock, which says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            yield Doubt(what, "Correct the clock, or the times; --future-times keep keeps them.")
    for role, ids in (("user", made.user_ids), ("item", made.item_ids)):
        yield from id_doubts(role, ids, columns.get(role, ""))
        if problems.has_note("encoding") and (found := readings(ids)) and not found.certain:
            yield _encoded(role, found)
    if profile.rows >= MANY:
        yield from _whole(made, profile)
    yield from weight_doubts(made, profile, decimal_commas=problems.has_note("semicolons"))
    if problems.has_note("zones"):
        yield Doubt(MIXED_ZONES, "Those without one are taken as UTC; if they are of another zone, write all with theirs.")
    if problems.has_note("columns"):
        yield Doubt(LATER_COLUMNS, "Write all files with the same columns, or read those of one kind alone.")
    if problems.has_note("copies"):
        advice = "Is one a copy of the other? Take it away; --duplicates last counts a pair once."
        yield Doubt("files with the same bytes are all read", advice)


def _times(times: Array, *, counted: bool) -> Iterator[Doubt]:
    """`counted`: whether they are numbers, of seconds say, since 1970."""
    advice = "Times count seconds since 1970 unless --time-unit or --time-format says otherwise; --time-column '' leaves them out."
    oldest, newest = int(times.min()), int(times.max())
    if newest < _YEAR:
        if not counted and newest < OTHER_CALENDAR:
            advice = "Are the years those of a Persian or Islamic calendar? Write dates by the Gregorian one, or say --time-column ''."
        yield Doubt("all times are in 1970" if oldest >= 0 else "all times are before 1971", advice)
        return
    if counted and newest < OLD:
        yield Doubt(
            f"the latest time is of {datetime.fromtimestamp(newest, UTC):%Y-%m-%d}",
            "If it is wrong, name the unit: --time-unit apple counts from 2001.",
        )
        return
    if _rounded(times):
        yield Doubt(
            f"all times are whole multiples of {ROUNDED:,} seconds", "A spreadsheet has rounded them (1.70428E+09): export them as texts."
        )
    usual = float(np.quantile(times[:: max(1, times.size // SAMPLED)], 0.95))
    if oldest < usual - FAR:
        n = int((times < usual - FAR).sum())
        days = [f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d}" for second in (oldest, usual)]
        what = f"{n:,} times ({100 * n / times.size:.1f} %) lie decades before the others, as {days[0]} before {days[1]}"
        yield Doubt(what, "Are some in another unit, or do they stand for none? " + advice)


def _rounded(times: Array) -> bool:
    some = times[:: max(1, times.size // LOOKED_AT)]
    return not (some % ROUNDED).any() and np.unique(some).size >= FEW and not (times % ROUNDED).any()


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
    elif profile.users >= USERS and (none := stand_for_none(made.user_ids, counts, numbers=True)):
        yield _none("user", *none, profile.rows)
    if profile.items >= USERS and isinstance(made.item_ids[0], str):
        found = stand_for_none(made.item_ids, counted(made.item_idx, len(made.item_ids)), numbers=False)
        yield from [_none("item", *found, profile.rows)] if found else []
    if made.user_ids and len(made.user_ids) == len(made.item_ids) and _same(made):
        yield Doubt("users and items are the same in every row", "Name the columns with --user-column and --item-column.")
    if profile.repeated > REPEATED and profile.to_the_second:
        part = f"{100 * profile.repeated:.0f} % of the rows"
        yield Doubt(f"{part} are another row again, to the second", "Was a file read twice? --duplicates last counts a pair once.")


def _encoded(role: str, found: Readings) -> Doubt:
    """Ids that were read as cp1252, and may be in another encoding."""
    others = " or ".join(f"{text[:20]!r} in {name}" for name, text in found.others[:NAMED])
    shown = f"{found.text[:20]!r} may be {others}" if others else f"{found.text[:20]!r} does not look like words"
    which = "one of several encodings" if found.western else "not the encoding"
    return Doubt(f"{role} ids are not UTF-8, and {WESTERN} is {which} that they can be in", f"Say which with --encoding: {shown}.")


def _none(role: str, one: Id, n: int, rows: int) -> Doubt:
    return Doubt(
        f"{100 * n / rows:.0f} % of the rows are of one {role} whose id may stand for none",
        f"It is {one!r:.40}. If so, name it with --missing.",
    )


def _same(made: Interactions) -> bool:
    rows = range(0, made.user_idx.size, max(1, made.user_idx.size // LOOKED_AT))
    return all(made.user_ids[made.user_idx[row]] == made.item_ids[made.item_idx[row]] for row in rows)
