"""What a user did since the generation was made: one small hash a user, which is read beside the list.

field      value
iITEM      milliseconds since 1970, by the clock of Redis, at which the newest event with the item came
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.formats.keys import Id

ITEM = b"i"


def field_of(item_id: Id) -> bytes:
    return ITEM + str(item_id).encode()


def pairs_of(raw: Sequence[bytes] | Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Fields and values as either protocol of Redis tells them."""
    return list(raw.items()) if isinstance(raw, Mapping) else list(zip(raw[::2], raw[1::2], strict=True))


def items_of(pairs: Sequence[tuple[bytes, bytes]], since_ms: int) -> dict[str, int]:
    """Items met at `since_ms` or later, and when."""
    found = {field[1:].decode(): int(value) for field, value in pairs if field.startswith(ITEM)}
    return {item: at_ms for item, at_ms in found.items() if at_ms >= since_ms}


def milliseconds_of(entry: str) -> int:
    """The time in an id of the stream; 0 for "", which is that of a generation that has read no events."""
    return int(entry.partition("-")[0] or 0)
