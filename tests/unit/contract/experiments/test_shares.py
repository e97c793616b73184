"""Shares as people write them, and slots that move as little as they can."""

from __future__ import annotations

import random
import re

import pytest

from contract.errors import SettingsError
from contract.experiments.definition import N_SLOTS, Arm
from contract.experiments.shares import allotted, parsed, shown


def ranges_of(slots: dict[str, str]) -> dict[str, list[range]]:
    return {name: Arm(name=name, slots=text).ranges for name, text in slots.items()}


def owners(slots: dict[str, str]) -> list[str]:
    """The arm of each slot; fails where a slot has none, or two."""
    found = [""] * N_SLOTS
    for name, ranges in ranges_of(slots).items():
        for slot in (slot for some in ranges for slot in some):
            assert found[slot] == ""
            found[slot] = name
    assert "" not in found
    return found


def test_percents_become_slots() -> None:
    assert parsed("current=90, 20261128=10") == {"current": 9000, "20261128": 1000}
    assert parsed("a=33.33,b=33.33,current=33.34") == {"a": 3333, "b": 3333, "current": 3334}
    assert parsed("a=0,b=100.00") == {"a": 0, "b": 10000}
    assert parsed("model=sar:50,model=auto:30,current=20") == {"model=sar": 5000, "model=auto": 3000, "current": 2000}
    assert parsed("model=sar,model=auto") == {"model=sar": 5000, "model=auto": 5000}
    assert parsed("model=sar,model=ease,current") == {"model=sar": 3333, "model=ease": 3333, "current": 3334}
    assert [shown(1000), shown(3333), shown(0)] == ["10 %", "33.33 %", "0 %"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("current=90,g=5", "add up to 95 %"),
        ("current=90", "2 to 10 arms, and these are 1"),
        ("", "2 to 10 arms, and these are 0"),
        ("current=90,g", "'g' is not an arm"),
        ("current=90,../etc=10", "'../etc=10' is not an arm"),
        ("g=50,g=50", "g stands there twice"),
        ("current=90,g=10.001", "g=10.001: a share is a percent"),
        ("current=110,g=-10", "current=110: a share is a percent"),
        ("current=nan,g=10", "current=nan: a share is a percent"),
        ("current=1e400,g=10", "current=1e400: a share is a percent"),
        ("model=sar:50,model=deep:50", "'deep' is not a model: write one of sar, ease"),
        ("model=sar:50,model=ease", "'model=ease' is not an arm"),
        ("model=sar,model=sar", "model=sar stands there twice"),
        ("model=:50,current=50", "'' is not a model"),
        ("current,g", "'current' is not an arm"),
        ("current=ninety,g=10", "current=ninety: a share is a percent"),
        (",".join(f"g{at}=10" for at in range(11)), "these are 11"),
    ],
)
def test_what_is_no_share_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)) as refused:
        parsed(text)
    assert str(refused.value).startswith("--arms: ")


def test_arms_stand_in_the_order_of_their_names_with_current_last() -> None:
    slots = allotted({"current": 8000, "b": 1500, "a": 500})
    assert slots == {"a": "0-500", "b": "500-2000", "current": "2000-10000"}
    assert slots == allotted({"b": 1500, "current": 8000, "a": 500})
    assert allotted({"a": 0, "current": N_SLOTS}) == {"a": "", "current": "0-10000"}


def test_a_change_of_shares_moves_as_few_as_it_can() -> None:
    dice = random.Random(3)
    names = ["a", "b", "c", "current"]
    slots = allotted(dict.fromkeys(names, 2500))
    for _ in range(20):
        cuts = sorted(dice.choices(range(N_SLOTS + 1), k=3))
        shares = {name: end - start for name, start, end in zip(names, [0, *cuts], [*cuts, N_SLOTS], strict=True)}
        changed = allotted(shares, ranges_of(slots))
        before, after = owners(slots), owners(changed)
        assert {name: after.count(name) for name in names} == shares
        grown = sum(max(0, shares[name] - before.count(name)) for name in names)
        assert sum(one != other for one, other in zip(before, after, strict=True)) == grown
        slots = changed
