"""What a user did since the generation was made, as an answer needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

from contract.formats.freshness import items_of, milliseconds_of, pairs_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer


class Fresh(NamedTuple):
    """`hidden`: items that are in no answer of the user; `at_ms`: when the newest event came, 0 where none did."""

    hidden: frozenset[Id] = frozenset()
    at_ms: int = 0

    @property
    def members(self) -> str:
        """Of a JSON object, each with a comma behind it."""
        if not self.at_ms:
            return '"freshness":"generation",'
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f'"freshness":"event","fresh_at":"{at}",'

    @property
    def tag(self) -> str:
        """What the tag of an answer says of it; "" where there is nothing to say."""
        return f"-{self.at_ms}.{len(self.hidden)}" if self.at_ms else ""


def fresh_of(raw: object, pointer: Pointer) -> Fresh:
    """From the user's hash, as Redis told it; nothing where there is none."""
    if not raw:
        return Fresh()
    met = items_of(pairs_of(cast("Sequence[bytes] | Mapping[bytes, bytes]", raw)), milliseconds_of(pointer.events_until))
    spelled = (stored_id(item, pointer.item_id_type) for item in met)
    return Fresh(frozenset(item for item in spelled if item is not None), max(met.values(), default=0))
