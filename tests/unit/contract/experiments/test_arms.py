"""Which arm a user is in: by a keyed hash alone, in the stated shares, and independent of other experiments."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from pydantic import ValidationError

from contract.experiments.arms import ArmPointer, Arms, arm_of, arms_of
from contract.experiments.definition import CURRENT, Arm, Experiment, slot_of
from contract.experiments.shares import allotted
from contract.formats.manifest import MovedPointer
from tests.support.builders import make_manifest

N_USERS = 200_000
SERVED = make_manifest("g1").pointer()


def experiment(salt: str = "salt", order: tuple[str, ...] = ("g2", CURRENT), **shares: int) -> Experiment:
    slots = allotted(shares or {"g2": 1000, CURRENT: 9000})
    pointer = {name: None if name == CURRENT else make_manifest(name).pointer() for name in order}
    arms = tuple(Arm(name=name, slots=slots[name], pointer=pointer[name]) for name in order)
    return Experiment(id="e", salt=salt, arms=arms, began_at_ms=1, by="anna")


def test_shares_are_kept_and_two_experiments_are_independent() -> None:
    one, other = (Arms(experiment(salt, g2=2000, current=8000), SERVED) for salt in ("one", "other"))
    both = Counter((one.of_user(user).arm, other.of_user(user).arm) for user in range(N_USERS))
    of_one, of_other = Counter[str](), Counter[str]()
    for (first, second), n in both.items():
        of_one[first] += n
        of_other[second] += n
    for found in (of_one, of_other):
        assert abs(found["g2"] / N_USERS - 0.2) < 0.004  # 4.5 standard deviations
    expected = {(first, second): of_one[first] * of_other[second] / N_USERS for first in of_one for second in of_other}
    chi_squared = sum((both[cell] - n) ** 2 / n for cell, n in expected.items())
    assert chi_squared < 10.83  # what independence exceeds once in a thousand, with one degree of freedom


def test_nothing_but_salt_and_id_moves_a_user() -> None:
    arms = Arms(experiment(), SERVED)
    turned = Arms(experiment(order=(CURRENT, "g2")), SERVED)
    later = Arms(experiment(), make_manifest("g3").pointer())
    salted = Arms(experiment("another"), SERVED)
    users = [*range(1000), *map(str, range(1000)), "ann", "Zoë", "054", "54"]
    found = [arms.of_user(user).arm for user in users]
    assert found == [turned.of_user(user).arm for user in users] == [later.of_user(user).arm for user in users]
    assert found[:1000] == found[1000:2000]
    assert found != [salted.of_user(user).arm for user in users]
    assert slot_of("054", "salt") != slot_of(54, "salt") == slot_of("54", "salt") == 829


def test_an_arm_reads_its_own_generation_and_current_follows_what_is_served() -> None:
    arms = Arms(experiment(), SERVED)
    fixed, current = arms.named("g2"), arms.named(CURRENT)
    assert fixed is not None
    assert current is not None
    assert (fixed.generation, fixed.arm, arm_of(fixed)) == ("g2", "g2", "g2")
    assert (current.generation, current.arm) == ("g1", CURRENT)
    assert {arms.of_user(user).generation for user in range(1000)} == {"g1", "g2"}
    assert arms.named("g9") is None
    assert arm_of(SERVED) == ""
    assert not isinstance(SERVED, ArmPointer)


@pytest.mark.parametrize("slots", [("0-4000", "5000-10000"), ("0-6000", "5000-10000"), ("1-5000", "5000-10000"), ("0-5000", "5000-9999")])
def test_each_slot_has_one_arm(slots: tuple[str, str]) -> None:
    arms = tuple(Arm(name=name, slots=some) for name, some in zip(("g2", CURRENT), slots, strict=True))
    with pytest.raises(ValidationError, match="each slot must have one arm"):
        Experiment(id="e", salt="salt", arms=arms, began_at_ms=1, by="anna")


def test_others_are_held_against_what_is_served_or_else_the_first() -> None:
    assert experiment().reference == CURRENT
    assert experiment(order=("g2", "g3"), g2=1000, g3=9000).reference == "g2"


def test_without_an_experiment_there_are_no_arms() -> None:
    served = MovedPointer(**SERVED.model_dump())
    assert arms_of(SERVED) is None
    assert arms_of(served) is None
    running = served.model_copy(update={"experiment": experiment().model_dump()})
    found = arms_of(running)
    assert found is not None
    assert found.experiment == experiment()


def test_an_experiment_of_a_later_version_leaves_everybody_with_what_is_served(caplog: pytest.LogCaptureFixture) -> None:
    served = MovedPointer(**SERVED.model_dump(), experiment={"id": "e", "kind": "interleaving"})
    with caplog.at_level(logging.ERROR):
        assert arms_of(served) is None
        assert arms_of(served) is None
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "the experiment that runs can't be read, so everybody gets what is served"
    ]


def test_a_slot_has_one_arm() -> None:
    with pytest.raises(ValueError, match="each slot must have one arm"):
        Experiment(id="e", salt="s", arms=(Arm(name="a", slots="0-9999"),), began_at_ms=1, by="anna")
    for slots in ("5-6", "9999-10000", "10000-10001", "0-0"):
        with pytest.raises(ValueError, match="each slot must have one arm"):
            Experiment(id="e", salt="s", arms=(Arm(name="a", slots="0-10000"), Arm(name="b", slots=slots)), began_at_ms=1, by="anna")
    whole = (Arm(name="a", slots="5-10000"), Arm(name="b", slots="0-5"), Arm(name="c", slots=""))
    assert Experiment(id="e", salt="s", arms=whole, began_at_ms=1, by="anna").arms == whole
