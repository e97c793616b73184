"""The tables of items and of users that a run would read beside the interactions: read in the same way, and compared with them."""

from __future__ import annotations

from typing import NamedTuple

from contract.formats.ids import id_type_of
from contract.settings.settings import SourceSettings
from trainer.interactions.interactions import Interactions
from trainer.items.coverage import Known, coverage
from trainer.items.file import read_items
from trainer.items.users import read_segments
from trainer.rows.doubled import Doubled


class Beside(NamedTuple):
    """`lost`: rows, by what is wrong. `doubtful`: rows that contradict each other, in words."""

    facts: list[tuple[str, str]]
    lost: dict[str, int]
    doubtful: list[str]


def tables_beside(source: SourceSettings, made: Interactions) -> Beside:
    """Of the tables that the settings name. Raises DataError for a table that a run would refuse."""
    facts, lost, doubtful = list[tuple[str, str]](), dict[str, int](), list[str]()
    if source.items:
        kind = id_type_of(made.item_ids)
        items = read_items(source.items, source, kind)
        found = coverage(items, Known("the interactions", kind, frozenset(map(str, made.item_ids))), (), forced=False)
        facts.append(("table of items", f"{items.n_items:,} items; {found}; {len(items.unavailable()):,} are not available"))
        _tell(items.doubled, "table of items", source.items, facts, doubtful)
        lost = {f"{source.items}: {reason}": n for reason, n in items.dropped.items()}
    if source.users:
        segments = read_segments(source.users, source, id_type_of(made.user_ids))
        n = sum(str(user) in segments.of for user in made.user_ids)
        facts.append(("table of users", f"{len(set(segments.of.values())):,} segments; {n:,} of the {len(made.user_ids):,} users have one"))
        _tell(segments.doubled, "table of users", source.users, facts, doubtful)
    return Beside(facts, lost, doubtful)


def _tell(doubled: Doubled, table: str, path: str, facts: list[tuple[str, str]], doubtful: list[str]) -> None:
    if doubled.differ:
        doubtful.append(f"{path}: {doubled.differ}")
    if doubled.same:
        facts.append((table, doubled.same))
