"""Whether a generation was made of the same table as the current one: of its users, its items and who has what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from contract.artifacts.artifact import Artifact
from contract.formats.keys import Id
from contract.settings.settings import GateSettings
from engine.arrays import Array
from trainer.evaluation.findings import Found, reads_otherwise

SAMPLED = 4000  # users of the current generation who are looked for
FEW = 20  # users or items of which less is said
STAYS = 0.5  # part of the users, or of the items by their interactions, that is to be found again
PAIRS = 0.3  # part of the interactions of users who are found again; chance alone keeps some
SEVERAL = 4  # items of a user, of which more is said than chance
TORN = 1 / 3  # part of the users who are found again, and have lost most of their items though these are there
ALIKE = 0.3  # rank correlation of the popularity of items
_AT_ONCE = 1 << 16
VALUES = {"affinity": "affinity", "exponent": "exponent", "last": "item_last"}

Ids = Callable[[int, int], Sequence[Id]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who has which items: rows of users in CSR. `gone`: users who are no longer to be looked for.

    `affinity`: of each of them, up to 2 ** exponent of the user. `last`: each item's last time. None where they are not there.
    """

    users: Ids
    items: Ids
    indptr: Array
    indices: Array
    n_items: int
    gone: frozenset[int] = frozenset()
    affinity: Array | None = None
    exponent: Array | None = None
    last: Array | None = None

    @classmethod
    def of(cls, artifact: Artifact) -> Pairs:
        return cls(
            users=lambda start, end: artifact.ids("user_ids", start, end),
            items=lambda start, end: artifact.ids("item_ids", start, end),
            indptr=artifact["indptr"],
            indices=artifact["indices"],
            n_items=artifact.manifest.n_items,
            gone=frozenset(artifact.manifest.erased),
            **{name: artifact.arrays.get(array) for name, array in VALUES.items()},
        )

    @property
    def n_users(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True, slots=True)
class Kept:
    """Parts, from 0 to 1, of the current generation's that are found again: users of a sample, items by their interactions, and the
    interactions of those users with those items; `torn`: of those users, who have lost most of their items that are there. `popularity`:
    rank correlation, from -1 to 1. None: too few to say.
    """

    users: float
    items: float
    pairs: float | None
    popularity: float | None
    lost_item: Id | None = None
    torn: float | None = None


class Match(NamedTuple):
    """How many users of the current generation were looked for; those who were found, and where; where each of its items is, or -1."""

    n_wanted: int
    users: dict[int, int]
    item_of: Array


def matched(new: Pairs, old: Pairs) -> Match:
    at = [user for user in np.unique(np.linspace(0, old.n_users - 1, SAMPLED).astype(int)).tolist() if user not in old.gone]
    wanted = {old.users(user, user + 1)[0]: user for user in at}
    users = {old_user: new_user for one, new_user in _found(new.users, new.n_users, wanted) for old_user in [wanted[one]]}
    items_wanted = {
        one: item for start in range(0, old.n_items, _AT_ONCE) for item, one in enumerate(old.items(start, start + _AT_ONCE), start)
    }
    item_of = np.full(old.n_items, -1, np.int64)
    for one, new_item in _found(new.items, new.n_items, items_wanted):
        item_of[items_wanted[one]] = new_item
    return Match(len(wanted), users, item_of)


def compare(new: Pairs, old: Pairs, match: Match) -> Kept:
    n_wanted, users, item_of = match
    counts_old, counts_new = (np.bincount(one.indices, minlength=one.n_items) for one in (old, new))
    common = np.flatnonzero(item_of >= 0)
    lost_items = np.flatnonzero(item_of < 0)
    pairs, torn = _pairs(new, old, users, item_of)
    return Kept(
        users=len(users) / max(1, n_wanted),
        items=float(counts_old[common].sum() / max(1, counts_old.sum())),
        pairs=pairs,
        torn=torn,
        popularity=_correlation(counts_old[common], counts_new[item_of[common]]),
        lost_item=None if not lost_items.size else old.items(int(lost_items[0]), int(lost_items[0]) + 1)[0],
    )


def another(kept: Kept, new: Pairs, old: Pairs, limits: GateSettings, before: Pairs | None = None) -> Iterator[Found]:
    """Findings. `before`: of the generation before the current one, if it is there.

    Where users, or who has what, were others then too (sessions; windows that share no day), they may be so again.
    """
    if min(old.n_users, old.n_items) < FEW:
        return
    others = kept.users < STAYS or (kept.pairs is not None and kept.pairs < PAIRS) or _is_torn(kept)
    habit = compare(old, before, matched(old, before)) if others and before is not None else Kept(1.0, 1.0, 1.0, None)
    new_users = kept.users < STAYS <= habit.users
    for what, part, refused, lost, fresh, drop in (
        ("users", kept.users, new_users, None, None, limits.gate_max_users_drop),
        ("interactions", kept.items, kept.items < STAYS, kept.lost_item, new.items(0, 1)[0], limits.gate_max_items_drop),
    ):
        if part < 1 - drop:
            there = "" if lost is None else f": {_id(lost)} is not, and there is {_id(fresh)}"
            which = "users are among the new ones" if what == "users" else "interactions are of items that are there again"
            text = f"{100 * part:.0f} % of the current generation's {which}{there}"
            yield "refuse" if refused else "warn", reads_otherwise(text, round(part, 4), 1.0)
    if kept.pairs is not None and kept.pairs < PAIRS and kept.users >= STAYS and (habit.pairs is None or habit.pairs >= PAIRS):
        text = f"the same users have other items: {100 * kept.pairs:.0f} % of the current generation's interactions are among the new ones"
        yield "refuse", reads_otherwise(text, round(kept.pairs, 4), 1.0)
    elif _is_torn(kept) and kept.users >= STAYS and not _is_torn(habit):
        text = f"{100 * (kept.torn or 0):.0f} % of the users of before have lost most of their items, which are there with others"
        yield "refuse", reads_otherwise(text, round(kept.torn or 0, 4), 1.0)
    elif kept.popularity is not None and kept.popularity < ALIKE and (kept.pairs is None or kept.pairs < STAYS):
        text = f"other items are popular: the rank correlation with the current generation is {kept.popularity:.2f}"
        yield "refuse", reads_otherwise(text, round(kept.popularity, 4), 1.0)


def _found(ids: Ids, n: int, wanted: dict[Id, int]) -> Iterator[tuple[Id, int]]:
    """Those of the ids that are wanted, and where they stand."""
    for start in range(0, n, _AT_ONCE):
        yield from ((one, at) for at, one in enumerate(ids(start, min(n, start + _AT_ONCE)), start) if one in wanted)


def _is_torn(kept: Kept) -> bool:
    return kept.torn is not None and kept.torn > TORN


def _pairs(new: Pairs, old: Pairs, users: dict[int, int], item_of: Array) -> tuple[float | None, float | None]:
    """The part of the interactions of `users` that is kept, and the part of `users` who are torn."""
    n_old = n_kept = n_several = n_torn = 0
    for before, now in users.items():
        items = item_of[old.indices[old.indptr[before] : old.indptr[before + 1]]]
        n_old += items.size
        kept = int(np.isin(items, new.indices[new.indptr[now] : new.indptr[now + 1]]).sum())
        n_kept += kept
        if (there := int((items >= 0).sum())) >= SEVERAL:
            n_several += 1
            n_torn += kept < PAIRS * there
    return n_kept / n_old if len(users) >= FEW and n_old else None, n_torn / n_several if n_several >= FEW else None


def _correlation(a: Array, b: Array) -> float | None:
    """Spearman's, with the mean rank for equals."""
    if a.size < FEW or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _id(one: Id | None) -> str:
    return "one" if one is None else repr(one if isinstance(one, int) else one[:20])
