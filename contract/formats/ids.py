"""Ids as they are given, and as a generation spells them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract.formats.keys import Id
from contract.formats.manifest import IdType

_CANONICAL = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_GENERATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_MAX_DIGITS = 20  # of an int64 with its sign
_MIN, _MAX = -(2**63), 2**63 - 1


def is_generation_id(text: str) -> bool:
    """Whether `text` may be the id of a run and of its generation: nothing else that people send becomes part of a key."""
    return _GENERATION_ID.fullmatch(text) is not None


def id_type_of(ids: Sequence[Id]) -> IdType:
    """Of ids that are all of one type; there must be one."""
    return "str" if isinstance(ids[0], str) else "int"


def stored_id(given: Id, id_type: IdType) -> Id | None:
    """`given` as a generation with ids of `id_type` spells it; None when no such id can exist in it."""
    if id_type == "str":
        return str(given)
    if isinstance(given, str):
        if len(given) > _MAX_DIGITS or not _CANONICAL.fullmatch(given):
            return None
        given = int(given)
    return given if _MIN <= given <= _MAX else None
