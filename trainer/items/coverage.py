"""How much of a generation a table of items knows. One that knows nothing, or suddenly little, is refused: an export broke, it seems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contract.errors import DataError
from contract.formats.manifest import IdType
from trainer.items.items import Items
from trainer.rows.problems import shortened

LEAST = 0.5
"""Part of a generation's items: a table that names fewer is refused where the one before named as many or more."""
_ANYWAY = "; correct the table, or say --force if it is meant"


@dataclass(frozen=True, slots=True)
class Known:
    """Items of a generation, as texts. `name`: what people call it, as in "generation g7". `ids`: None where nobody can tell."""

    name: str
    id_type: IdType
    ids: frozenset[str] | None
    generation: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    n_known: int
    n_of: int
    name: str

    def __str__(self) -> str:
        return f"{self.n_known:,} of the {self.n_of:,} items of {self.name} are named"


def coverage(items: Items, known: Known, before: Iterable[str], *, forced: bool) -> Coverage | None:
    """How many of the items of `known` the table names; None where nobody can tell. `before`: ids of the revision that is served.

    Raises DataError, unless forced, for a table without an item, one that knows none of them, and one that knows fewer than LEAST
    where the one before knew as many or more.
    """
    if not items.n_items and not forced:
        raise DataError(f"{items.source} names no item: all titles would go, and all items be available{_ANYWAY}")
    if known.ids is None:
        return None
    ids = items.frame["item"].to_list()
    found = Coverage(len(known.ids.intersection(ids)), len(known.ids), known.name)
    if forced or not known.ids:
        return found
    if not found.n_known:
        raise DataError(
            f"none of the {items.n_items:,} ids of {items.source}, such as {shortened(ids[0])!r}, is an item of {known.name}, whose ids "
            f"are {'integers' if known.id_type == 'int' else 'texts'} such as {shortened(min(known.ids))!r}{_ANYWAY}"
        )
    if found.n_known < LEAST * found.n_of and len(known.ids.intersection(before)) >= LEAST * found.n_of:
        raise DataError(f"{items.source}: only {found}, and the items that are served now name half of them or more{_ANYWAY}")
    return found
