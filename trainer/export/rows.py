"""A list as rows of a table: wide, one row a user, as the notebook's own table; or long, one row for each item of a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.formats import payload
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import IdType, Manifest

Layout = Literal["wide", "long"]
Kind = Literal["int", "str", "rank", "score"]
"""Of a column: ids of 64 bits, ids that are text, a rank from 1, a float32."""
Row = tuple[Id | float | None, ...]
UserList = tuple[Id, bytes]
"""A user's id and list payload (contract/formats/payload.py)."""

GONE = b"gone"
"""In place of a list payload, which begins with the number of its format: the user is not in this generation."""

LONG_COLUMNS = ("user_id", "rank", "item_id", "score")
TITLE = "title"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table of lists looks like. Ids keep the type that the generation gives them.

    `unavailable`: items that are left out; what is stored beyond `k` fills their places. `titles`: by item, None: no column has them.
    `since`: the generation that the lists differ from; "": they are all lists.
    """

    layout: Layout
    k: int
    user_id_type: IdType
    item_id_type: IdType
    unavailable: frozenset[Id] = frozenset()
    titles: Mapping[Id, str] | None = None
    since: str = ""

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        layout: Layout,
        k: int,
        unavailable: Iterable[str] = (),
        titles: Mapping[str, str] | None = None,
        since: str = "",
    ) -> Shape:
        """Ids of `unavailable` and `titles` are text. Those that this generation can't have are dropped."""
        kind = manifest.item_id_type
        left_out = frozenset(found for text in unavailable if (found := stored_id(text, kind)) is not None)
        named = None if titles is None else {found: title for text, title in titles.items() if (found := stored_id(text, kind)) is not None}
        return cls(layout, k, manifest.user_id_type, manifest.item_id_type, left_out, named, since)

    @property
    def columns(self) -> tuple[tuple[str, Kind], ...]:
        """Name and kind of each column: user_id, item1 to itemK; or user_id, rank, item_id, score, perhaps title."""
        if self.layout == "long":
            kinds: tuple[Kind, ...] = (self.user_id_type, "rank", self.item_id_type, "score")
            columns = tuple(zip(LONG_COLUMNS, kinds, strict=True))
            return columns if self.titles is None else (*columns, (TITLE, "str"))
        return ("user_id", self.user_id_type), *((name, self.item_id_type) for name in wide_items(self.k))

    @property
    def primary_key(self) -> tuple[str, ...]:
        return ("user_id", "rank") if self.layout == "long" else ("user_id",)

    def best(self, raw: bytes) -> tuple[Sequence[Id], Sequence[float]]:
        """The first `k` items of a list payload that are to be had, and their scores. Raises PayloadError for a damaged list."""
        if raw == GONE:
            return (), ()
        items, scores = payload.decode(raw)
        if self.unavailable and not self.unavailable.isdisjoint(items):
            kept = [at for at, item in enumerate(items) if item not in self.unavailable]
            items, scores = [items[at] for at in kept], [scores[at] for at in kept]
        return items[: self.k], scores[: self.k]

    def rows(self, lists: Iterable[UserList]) -> Iterator[Row]:
        """Plain Python values, since SQLite would store NumPy's integers as blobs.

        Wide rows are padded with None, and a user whose list is empty has a row of nothing else. In long rows that user is absent;
        among changes the one row has rank 0, since else nobody would learn of it.
        """
        if self.layout == "long":
            for user, raw in lists:
                items, scores = self.best(raw)
                if self.since and not items:
                    yield (user, 0, *(None,) * (len(self.columns) - 2))
                for rank, (item, score) in enumerate(zip(items, scores, strict=True), 1):
                    yield (user, rank, item, score) if self.titles is None else (user, rank, item, score, self.titles.get(item))
            return
        nothing = (None,) * self.k
        for user, raw in lists:
            items, _ = self.best(raw)
            yield user, *items, *nothing[len(items) :]


def wide_items(k: int) -> list[str]:
    return [f"item{rank}" for rank in range(1, k + 1)]


def looks_exported(columns: Sequence[str]) -> bool:
    """Whether a table with these columns may be replaced: an export, or the notebook's table, and nothing of somebody else's."""
    names = tuple(columns)
    return names in (LONG_COLUMNS, (*LONG_COLUMNS, TITLE)) or (len(names) > 1 and names == ("user_id", *wide_items(len(names) - 1)))
