"""What a user did since the generation was made, as an answer needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

from contract.formats.freshness import Remade, items_of, moment_of, pairs_of, remade_of
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import Pointer
from contract.text import utc_text


class Fresh(NamedTuple):
    """`hidden`: items that are in no answer of the user; `at_us`: when the newest event came, 0 where none did;
    `remade`: the user's list with events folded in, if a worker has made it."""

    hidden: frozenset[Id] = frozenset()
    at_us: int = 0
    remade: Remade | None = None

    @property
    def members(self) -> str:
        """Of a JSON object, each with a comma behind it."""
        if not self.at_us:
            return '"freshness":"generation",'
        at = utc_text(datetime.fromtimestamp(self.at_us / 1_000_000, UTC), "milliseconds")
        return f'"freshness":"event","fresh_at":"{at}",'

    @property
    def tag(self) -> str:
        """What the tag of an answer says of it; "" where there is nothing to say."""
        return f"-{self.at_us}.{len(self.hidden)}.{self.remade.at_us if self.remade else 0}" if self.at_us else ""

    def listed(self, raw: bytes | None, why: bytes | None) -> tuple[bytes | None, bytes | None]:
        """The list that was made anew, with its explanation; else the ones that are given."""
        return (raw, why) if self.remade is None else (self.remade.payload, self.remade.why)


def fresh_of(raw: object, pointer: Pointer) -> Fresh:
    """From the user's hash, as Redis told it; nothing where there is none."""
    if not raw:
        return Fresh()
    pairs = pairs_of(cast("Sequence[bytes] | Mapping[bytes, bytes]", raw))
    met, remade = items_of(pairs, moment_of(pointer.events_until)), remade_of(pairs, pointer.generation)
    newest = max([*met.values(), remade.at_us if remade else 0])
    spelled = (stored_id(item, pointer.item_id_type) for item in met)
    return Fresh(frozenset(item for item in spelled if item is not None), newest, remade)
