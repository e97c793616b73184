"""Lists of two generations beside each other, from a sample of users who have one in both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from heapq import nlargest, nsmallest
from itertools import chain

from redis import Redis

from api.lists.store import Store
from api.web.views.charts import BarChart, bar_chart
from api.web.views.explorer.lists import titles
from contract.formats import payload
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.store.lists import read_buckets, read_users, spread

SAMPLE = 1000  # users
MOST_ITEMS = 10
PEOPLE = 2  # users who are shown, of those whose lists changed most, least, and as much as the middle one


@dataclass(frozen=True, slots=True)
class Shift:
    """An item, and in how many of the sampled lists it is."""

    item_id: Id
    title: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Cell:
    item_id: Id
    title: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    why: str
    before: list[Cell]
    after: list[Cell]
    n_shared: int


@dataclass(frozen=True, slots=True)
class ListPairs:
    """Of `n` users, over the first `k` items of both lists."""

    n: int
    k: int
    identical: float
    shared: float
    chart: BarChart
    gained: list[Shift]
    lost: list[Shift]
    people: list[Person]


def list_pairs(store: Store, old: Pointer, new: Pointer, user: str) -> ListPairs | None:
    """None where no user has a list in both. `user`: who is shown first, if both have a list of that one."""
    k = min(old.k, new.k)
    found = store.breaker.ask(lambda redis: _read(store, redis, old, new, k, user))
    if not found:
        return None
    was, now = (Counter(chain.from_iterable(pair[side] for pair in found.values())) for side in (0, 1))
    shared = {name: len(set(a).intersection(b)) for name, (a, b) in found.items()}
    counts = [0] * (k + 1)
    for n in shared.values():
        counts[n] += 1
    fall = {item: was[item] - now[item] for item in was.keys() | now.keys()}
    gained = nsmallest(MOST_ITEMS, (item for item, by in fall.items() if by < 0), key=lambda item: (fall[item], str(item)))
    lost = nlargest(MOST_ITEMS, (item for item, by in fall.items() if by > 0), key=lambda item: (fall[item], str(item)))
    chosen = _people(shared, user)
    names = titles(
        store, store.pointers.view_of(new), [*gained, *lost, *(item for name in chosen for side in found[name] for item in side)]
    )
    says = [f"{at} of {k} items in common" for at in range(k + 1)]
    return ListPairs(
        n=len(found),
        k=k,
        identical=sum(a == b for a, b in found.values()) / len(found),
        shared=sum(shared.values()) / (k * len(found)),
        chart=bar_chart(f"Items in common, of the first {k}", counts, "0", str(k), "users", says),
        gained=[Shift(item, names[item], was[item], now[item]) for item in gained],
        lost=[Shift(item, names[item], was[item], now[item]) for item in lost],
        people=[_person(name, why, *found[name], names) for name, why in chosen.items()],
    )


def _read(store: Store, redis: Redis, old: Pointer, new: Pointer, k: int, user: str) -> dict[str, tuple[tuple[Id, ...], tuple[Id, ...]]]:
    buckets = spread(new.n_user_buckets, max(1, -(-SAMPLE * new.n_user_buckets // max(1, new.n_users))))
    lists = {
        name: raw for _, (some,) in read_buckets(redis, buckets, partial(store.keys.recs, new.generation)) for name, raw in some.items()
    }
    if user:
        lists = {**dict(read_users(redis, store.keys, new.generation, new.n_user_buckets, [user.encode()])), **lists}
    others = dict(read_users(redis, store.keys, old.generation, old.n_user_buckets, lists))
    return {
        name.decode(): (tuple(payload.decode(others[name], k)[0]), tuple(payload.decode(raw, k)[0]))
        for name, raw in lists.items()
        if name in others
    }


def _people(shared: dict[str, int], user: str) -> dict[str, str]:
    """Who is shown, and why."""
    order = sorted(shared, key=lambda name: (shared[name], name))
    middle = len(order) // 2
    groups = (("changed most", order[:PEOPLE]), ("in the middle", order[middle : middle + PEOPLE]), ("changed least", order[-PEOPLE:]))
    chosen = {user: "asked for"} if user in shared else {}
    for why, names in groups:
        for name in names:
            chosen.setdefault(name, why)
    return chosen


def _person(name: str, why: str, before: tuple[Id, ...], after: tuple[Id, ...], names: dict[Id, str]) -> Person:
    both = set(before) & set(after)
    left, right = ([Cell(item, names[item], item in both) for item in side] for side in (before, after))
    return Person(name, why, left, right, len(both))
