"""Which arm has which slots: shares as people write them, and as few users moved as a change of shares can do with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import get_args

from contract.errors import SettingsError
from contract.experiments.definition import CURRENT, MODEL, N_SLOTS, Arm, Experiment
from contract.formats.ids import is_generation_id
from contract.settings.family import AUTO, ModelName
from contract.text import words

MAX_ARMS = 10
EXAMPLE = "current=90,GENERATION=10"
_MODELS = "model=sar:50,model=ease:50"
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?", re.ASCII)
_SHOWN = 80


def parsed(text: str) -> dict[str, int]:
    """Arms and how many slots each has: percents, to two decimals, as in `current=90,GENERATION=10` or `model=sar:50,model=ease:50`.

    Equal shares where no arm of the latter kind has one. Raises SettingsError.
    """
    found: dict[str, int] = {}
    arms = [_arm(word) for word in words(text)]
    equal = not any(share for _, share in arms) and any(name.startswith(MODEL) for name, _ in arms)
    for at, (name, share) in enumerate(arms):
        if name in found:
            raise SettingsError(f"--arms: {name} stands there twice")
        if not share and not equal:
            raise SettingsError(f"--arms: {name!r} is not an arm: write a name and its percent, as in {EXAMPLE}")
        found[name] = N_SLOTS * (at + 1) // len(arms) - N_SLOTS * at // len(arms) if equal else _slots(name, share)
    if not 2 <= len(found) <= MAX_ARMS:
        raise SettingsError(f"--arms: an experiment has 2 to {MAX_ARMS} arms, and these are {len(found)}; an example is {EXAMPLE}")
    if (total := sum(found.values())) != N_SLOTS:
        raise SettingsError(f"--arms: the shares add up to {shown(total)}, and they must to 100 %, as in {EXAMPLE}")
    return found


def _arm(word: str) -> tuple[str, str]:
    """Name and share; "" for one without."""
    name, _, share = word.partition("=")
    if f"{name}=" == MODEL:
        model, _, share = share.partition(":")
        if model not in (*get_args(ModelName), AUTO):
            models = ", ".join((*get_args(ModelName), AUTO))
            raise SettingsError(f"--arms: {model[:_SHOWN]!r} is not a model: write one of {models}, and its percent, as in {_MODELS}")
        return MODEL + model, share
    if not is_generation_id(name):
        raise SettingsError(f"--arms: {word[:_SHOWN]!r} is not an arm: write a name and its percent, as in {EXAMPLE}")
    return name, share


def _slots(name: str, text: str) -> int:
    slots = int(Decimal(text) * N_SLOTS / 100) if _PERCENT.fullmatch(text) else -1
    if not 0 <= slots <= N_SLOTS:
        raise SettingsError(f"--arms: {name}={text[:_SHOWN]}: a share is a percent from 0 to 100 with two decimals at the most")
    return slots


def models_of(shares: Iterable[str]) -> list[str]:
    """Models among the names of arms."""
    return [name.removeprefix(MODEL) for name in shares if name.startswith(MODEL)]


def shown(n_slots: int) -> str:
    return f"{n_slots * 100 / N_SLOTS:g} %"


def share_of(found: Experiment, arm: Arm) -> str:
    """Of an arm, for people."""
    return "every other pick" if found.interleaves else shown(arm.n_slots)


def told(found: Experiment) -> str:
    """Arms and shares, for people."""
    if found.interleaves:
        return " and ".join(arm.name for arm in found.arms) + ", interleaved"
    return ", ".join(f"{arm.name} {shown(arm.n_slots)}" for arm in found.arms)


def allotted(shares: Mapping[str, int], before: Mapping[str, list[range]] | None = None) -> dict[str, str]:
    """The slots of each arm, as `Arm.slots` has them: arms in the order of their names, `current` last.

    With the slots of `before` an arm that shrinks gives up its last ones, an arm that grows keeps all of its own, and nobody else moves.
    """
    order = sorted(shares, key=lambda name: (name == CURRENT, name))
    held = {name: [slot for slots in (before or {}).get(name, []) for slot in slots][: shares[name]] for name in order}
    taken = {slot for slots in held.values() for slot in slots}
    free = iter([slot for slot in range(N_SLOTS) if slot not in taken])
    return {name: _text([*held[name], *(next(free) for _ in range(shares[name] - len(held[name])))]) for name in order}


def _text(slots: list[int]) -> str:
    """[0, 1, 2, 7] as 0-3,7-8."""
    runs = [[slot for _, slot in run] for _, run in groupby(enumerate(sorted(slots)), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0]}-{run[-1] + 1}" for run in runs)
