"""Users for an item: the highest scores first, as many as are asked for, against a sort of everything."""

from __future__ import annotations

import random

import pytest

from contract.formats import payload
from trainer.export.audience import Audiences


@pytest.mark.parametrize("most", [None, 1, 7, 1000])
def test_the_best_users_of_each_item(most: int | None) -> None:
    chance = random.Random(1)
    lists = {
        user: [(item, float(chance.randint(1, 4))) for item in chance.sample(range(30), chance.randint(0, 8))] for user in range(-50, 450)
    }
    made = Audiences([3, 29, 77], "int", most)
    users = list(lists)
    chance.shuffle(users)
    for start in range(0, len(users), 40):
        encoded = {
            user: payload.encode([item for item, _ in lists[user]], [score for _, score in lists[user]]) for user in users[start:][:40]
        }
        made.add((str(user).encode(), raw) for user, raw in encoded.items())
    assert made.n_users == 500
    for item, members in made.found():
        expected = sorted((-score, user) for user, found in lists.items() for each, score in found if each == item)
        assert [(-score, user) for score, user in members] == expected[:most]
