"""Users by arm against shares: chance is no reason, other people are."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.judging.ratio import P_LEAST, Period, unlike

HALF = {"a": 5000, "b": 5000}


@pytest.mark.parametrize(
    ("slots", "users", "fits"),
    [
        (HALF, {}, True),
        (HALF, {"a": 1}, True),
        (HALF, {"a": 5, "b": 15}, True),
        (HALF, {"a": 40}, False),
        (HALF, {"a": 4700, "b": 5300}, False),
        (HALF, {"a": 4950, "b": 5050}, True),
        ({"a": 0, "b": 10_000}, {"a": 1, "b": 100}, True),  # a person who tests has asked for the arm
        ({"a": 1000, "b": 9000, "c": 0}, {"a": 100, "b": 900, "c": 3}, True),
        ({"a": 2000, "b": 3000, "c": 5000}, {"a": 2000, "b": 2700, "c": 5000}, False),
    ],
)
def test_users_fit_shares_or_not(slots: dict[str, int], users: dict[str, int], fits: bool) -> None:
    assert (unlike([Period(slots, users)]) == "") == fits


def test_the_arm_that_lacks_most_is_named_with_what_to_do() -> None:
    said = unlike([Period(HALF, {"a": 500, "b": 500}), Period(HALF, {"a": 4000, "b": 6000})])
    assert said.startswith("arm a has 4,000 users where its share makes about 5,000,")
    assert "set LARDER_FALLBACK" in said
    assert unlike([]) == ""


def test_chance_is_hardly_ever_taken_for_it() -> None:
    dice = np.random.default_rng(3)
    drawn = dice.binomial(3000, 0.1, 1000).tolist()
    assert P_LEAST * len(drawn) < 1
    assert not any(unlike([Period({"a": 1000, "b": 9000}, {"a": n, "b": 3000 - n})]) for n in set(drawn))
