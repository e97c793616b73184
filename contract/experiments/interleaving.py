"""Two lists as one, by team draft (Radlinski, Kurup, Joachims, CIKM 2008): in each round a coin says which list picks
first, and each picks the first of its items that is not taken. Who takes an item that one of them picked speaks for that one.

The coins are of the user, both generations and the day: so all processes give one list, at each repeat, and another one the next day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from contract.formats.keys import Id

DAY_S = 86_400
_N_COINS = 512
NOBODY = -1


class Pick(NamedTuple):
    """`team`: 0 or 1, whose pick it is; NOBODY's where the other list has nothing left. `place`: in list `source`."""

    team: int
    source: int
    place: int


def coins_of(user: Id, generations: tuple[str, str], salt: str, day: int) -> int:
    """512 of them, as bits."""
    said = f"{user} {generations[0]} {generations[1]} {day}".encode()
    return int.from_bytes(blake2b(said, key=salt.encode(), digest_size=_N_COINS // 8).digest(), "big")


def draft(first: Sequence[Id], second: Sequence[Id], coins: int) -> Iterator[Pick]:
    """All items of both lists, each once. A list of which only the first k are given has the same first k picks."""
    lists, at, taken = (first, second), [0, 0], set[Id]()

    def next_of(source: int) -> int:
        """The place of its first item that is not taken; -1: none is left."""
        own, place = lists[source], at[source]
        while place < len(own) and own[place] in taken:
            place += 1
        at[source] = place
        return place if place < len(own) else -1

    for turn in range(len(first) + len(second)):
        coin = coins >> (turn // 2 % _N_COINS) & 1
        team = coin if turn % 2 == 0 else 1 - coin
        place = next_of(team)
        if place < 0:
            break
        taken.add(lists[team][place])
        yield Pick(team, team, place)
    for source in (0, 1):
        while (place := next_of(source)) >= 0:
            taken.add(lists[source][place])
            yield Pick(NOBODY, source, place)
