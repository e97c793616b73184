"""What a user did since the generation was made: one small hash a user, which is read beside the list.

field      value
iITEM      microseconds since 1970, by the clock of Redis, at which the newest event with the item came
lID        US, a newline, a list payload: the user's list made anew for generation ID, of events up to US
wID        what made each item of that list (contract/formats/explanations.py), where the generation has explanations
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from contract.formats.keys import Id

ITEM = b"i"
LIST, WHY = b"l", b"w"


class Remade(NamedTuple):
    """A user's list, made anew; of events up to `at_us`."""

    at_us: int
    payload: bytes
    why: bytes | None


def field_of(item_id: Id) -> bytes:
    return ITEM + str(item_id).encode()


def pairs_of(raw: Sequence[bytes] | Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Fields and values as either protocol of Redis tells them."""
    return list(raw.items()) if isinstance(raw, Mapping) else list(zip(raw[::2], raw[1::2], strict=True))


def items_of(pairs: Sequence[tuple[bytes, bytes]], since_us: int) -> dict[str, int]:
    """Items met after `since_us`, and when."""
    found = {field[1:].decode(): int(value) for field, value in pairs if field.startswith(ITEM)}
    return {item: at_us for item, at_us in found.items() if at_us > since_us}


def moment_of(entry: str) -> int:
    """When the events came of which one has this id in the stream (push_events.lua), in microseconds; 0 for "", where none was read."""
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds or 0) * 1000 + int(number or 0) // 1000


def is_list(field: bytes) -> bool:
    """Whether a field belongs to a list that was made anew."""
    return field.startswith((LIST, WHY))


def remade_fields(generation: str, at_us: int, payload: bytes, why: bytes | None) -> dict[bytes, bytes]:
    name = generation.encode()
    found = {LIST + name: f"{at_us}\n".encode() + payload}
    return found if why is None else {**found, WHY + name: why}


def remade_of(pairs: Sequence[tuple[bytes, bytes]], generation: str) -> Remade | None:
    """The list that was made anew for `generation`; those of others are left behind, and count for nothing."""
    found, name = dict(pairs), generation.encode()
    if (value := found.get(LIST + name)) is None:
        return None
    at_us, _, payload = value.partition(b"\n")
    return Remade(int(at_us), payload, found.get(WHY + name))
