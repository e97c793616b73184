"""The tables of items and of users that a run would read beside the interactions: read in the same way, and compared with them."""

from __future__ import annotations

from contract.formats.ids import id_type_of
from contract.settings.settings import SourceSettings
from trainer.interactions.interactions import Interactions
from trainer.items.coverage import Known, coverage
from trainer.items.file import read_items
from trainer.items.users import read_segments


def tables_beside(source: SourceSettings, made: Interactions) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Facts of those that the settings name; rows that are lost, by what is wrong. Raises DataError for a table that a run would refuse."""
    facts, lost = list[tuple[str, str]](), dict[str, int]()
    if source.items:
        kind = id_type_of(made.item_ids)
        items = read_items(source.items, source, kind)
        found = coverage(items, Known("the interactions", kind, frozenset(map(str, made.item_ids))), (), forced=False)
        facts.append(("table of items", f"{items.n_items:,} items; {found}; {len(items.unavailable()):,} are not available"))
        lost = {f"{source.items}: {reason}": n for reason, n in items.dropped.items()}
    if source.users:
        segments = read_segments(source.users, source, id_type_of(made.user_ids))
        n = sum(str(user) in segments for user in made.user_ids)
        facts.append(("table of users", f"{len(set(segments.values())):,} segments; {n:,} of the {len(made.user_ids):,} users have one"))
    return facts, lost
