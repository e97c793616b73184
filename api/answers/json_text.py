"""Lists as JSON text, straight from what is stored: nothing is parsed and dumped again on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from contract.errors import PayloadError
from contract.experiments.arms import arm_of
from contract.formats.keys import Id
from contract.formats.manifest import Pointer

Because = Sequence[tuple[Id, float]]
NOTHING: frozenset[Id] = frozenset()
EXPLORED = ',"source":"exploration"'


class Mark(NamedTuple):
    """A number of each item, beside its reasons: its field's name, what goes without saying, and a value for each item."""

    name: str
    neutral: float
    values: Sequence[float]


def items_json(
    item_ids: Sequence[Id],
    scores: Sequence[float],
    first_rank: int = 1,
    metadata: Sequence[bytes] | None = None,
    because: Sequence[Because] | None = None,
    marks: Sequence[Mark] = (),
    n_own: int | None = None,
    filled: Sequence[str] = (),
    explored: frozenset[Id] = NOTHING,
    teams: Mapping[Id, str] | None = None,
) -> str:
    """A JSON array of items, best first. `marks`: numbers beside `because`. `n_own`: then come items of the lists in `filled`.

    `explored`: items of the list itself, on whatever page, that say so. `teams`: arms whose picks items are, which say so.

    Raises PayloadError for a score that JSON can't spell.
    """
    n = len(item_ids)
    if not math.isfinite(sum(scores)):
        raise PayloadError("a list has a score that is not a number")
    flat: list[object] = [None] * (2 * n)
    flat[::2] = ids_json(item_ids)
    flat[1::2] = scores
    places = tuple(at for at, item_id in enumerate(item_ids[:n_own]) if item_id in explored) if explored else ()
    if metadata is None and because is None and teams is None and (n_own is None or n_own >= n):
        return _template(n, first_rank, places) % tuple(flat)
    parts = [_template(1, first_rank + at)[1:-2] % tuple(flat[2 * at : 2 * at + 2]) for at in range(n)]
    if metadata is not None:
        parts = [f'{part},"metadata":{text.decode()}' for part, text in zip(parts, metadata, strict=True)]
    if because is not None:
        parts = [f'{part},"because":{_because_json(reasons)}' for part, reasons in zip(parts, because, strict=True)]
        for name, neutral, values in marks:
            parts = [part if value == neutral else f'{part},"{name}":{value:.9g}' for part, value in zip(parts, values, strict=True)]
    for at in places:
        parts[at] += EXPLORED
    if teams is not None:
        parts = [
            f'{part},"arm":{json.dumps(teams[item_id])}' if item_id in teams else part
            for part, item_id in zip(parts, item_ids, strict=True)
        ]
    if n_own is not None:
        parts[n_own:] = [f'{part},"source":"{name}"' for part, name in zip(parts[n_own:], filled, strict=True)]
    return "[" + ",".join(part + "}" for part in parts) + "]"


@lru_cache(maxsize=1024)
def _template(n: int, first_rank: int, explored: tuple[int, ...] = ()) -> str:
    """What makes `n` items of as many ids and scores by one formatting; those at `explored` say that they are there for that.

    Nine digits, less trailing zeros, read back as the same float32 in every case; the shortest that do cost five times as much.
    """
    ends = [EXPLORED if at in explored else "" for at in range(n)]
    return "[" + ",".join(f'{{"item_id":%s,"score":%.9g,"rank":{first_rank + at}{end}}}' for at, end in enumerate(ends)) + "]"


def ids_json(ids: Sequence[Id]) -> Sequence[Id]:
    """Ids as JSON spells them; all of one list have one type."""
    return [json.dumps(item) for item in ids] if ids and isinstance(ids[0], str) else ids


def id_json(external_id: Id) -> Id:
    return external_id if isinstance(external_id, int) else json.dumps(external_id)


def _because_json(reasons: Because) -> str:
    spelled = zip(ids_json([item for item, _ in reasons]), (share for _, share in reasons), strict=True)
    return "[" + ",".join(f'{{"item_id":{item},"share":{share:.9g}}}' for item, share in spelled) + "]"


def generation_json(pointer: Pointer) -> str:
    """What every answer says of where it comes from, as members of an object."""
    return _generation_json(pointer.generation, pointer.trained_at, pointer.data_until, arm_of(pointer))


@lru_cache(maxsize=32)
def _generation_json(generation: str, trained_at: str, data_until: str | None, arm: str) -> str:
    said = {"generation": generation, "trained_at": trained_at, "data_until": data_until} | ({"arm": arm} if arm else {})
    return json.dumps(said, separators=(",", ":"))[1:-1]
