"""The diff of a generation with the one before, as the trainer keeps it in the generation's hash: read, never made here."""

from __future__ import annotations

from typing import cast

from pydantic import ValidationError

from api.lists.store import Store
from api.web.views.charts import BarChart, bar_chart
from api.web.views.explorer.lists import titles
from api.web.views.formats import difference, figure, gained_and_lost, measure, number, percent, when
from contract.errors import NothingPromotedError
from contract.formats.keys import Id
from contract.formats.reports.diff import FIELD, Diff, Distribution
from contract.store.generations import Generations


class DiffView(Diff):
    """For people."""

    def turned(self) -> DiffView:
        """From what is `after` to what is `before`: what going back changes."""
        return self.model_copy(
            update={
                "before": self.after,
                "after": self.before,
                "users_gained": self.users_lost,
                "users_lost": self.users_gained,
                "items_gained": self.items_lost,
                "items_lost": self.items_gained,
                "most_gained": self.most_lost,
                "most_lost": self.most_gained,
            }
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, before, after, change."""
        a, b = self.before, self.after
        found = [
            ("trained at", when(a.trained_at), when(b.trained_at), ""),
            ("data until", when(a.data_until), when(b.data_until), ""),
            ("users", number(a.n_users), number(b.n_users), self._users()),
            ("items", number(a.n_items), number(b.n_items), difference(a.n_items, b.n_items, 0)),
            ("items in a list, mean", f"{a.mean_listed:.2f}", f"{b.mean_listed:.2f}", difference(a.mean_listed, b.mean_listed, 2)),
            (
                f"items in a first {self.k}",
                number(a.items_listed),
                number(b.items_listed),
                gained_and_lost(self.items_gained, self.items_lost),
            ),
            ("part of the catalogue", percent(a.coverage), percent(b.coverage), _points(a.coverage, b.coverage)),
            ("places of the top 1 %", percent(a.head_share), percent(b.head_share), _points(a.head_share, b.head_share)),
            ("places of other items", "", "", percent(self.moved)),
            (f"first {self.k} unchanged", "", "", f"{percent(self.identical)} of users"),
        ]
        for name in sorted(a.metrics.keys() & b.metrics.keys()):
            found.append((measure(name), figure(a.metrics[name]), figure(b.metrics[name]), difference(a.metrics[name], b.metrics[name], 4)))
        return found

    def charts(self) -> list[BarChart]:
        """How much of a user's list is as it was."""
        named = ((f"Overlap of the first {self.k}", self.overlap), ("Rank-biased overlap", self.rbo))
        return [
            bar_chart(title, found.bins, "0, nothing in common", "1, the same", "users", _tenths(found))
            for title, found in named
            if found is not None
        ]

    def _users(self) -> str:
        if not self.sampled:
            return gained_and_lost(self.users_gained, self.users_lost)
        return gained_and_lost(self.users_gained / max(1, self.after.users_read), self.users_lost / max(1, self.before.users_read), ".1%")


def _points(before: float, after: float) -> str:
    return f"{difference(100 * before, 100 * after, 1)} points"


def _tenths(found: Distribution) -> list[str]:
    n = len(found.bins)
    return [f"{at / n:.1f} to {(at + 1) / n:.1f}" for at in range(n)]


def read_diff(generations: Generations, generation: str) -> DiffView | None:
    """None when none was made, or another version made it."""
    raw = cast("bytes | None", generations.redis.hget(generations.keys.generation(generation), FIELD))
    if raw is None:
        return None
    try:
        return DiffView.model_validate_json(raw)
    except ValidationError:
        return None


def titles_in(store: Store, diff: DiffView | None) -> dict[Id, str]:
    """Of the items that `diff` names, as what is served knows them; nothing while nothing is served."""
    if diff is None:
        return {}
    try:
        return titles(store, store.pointers.current(), [*diff.most_gained, *diff.most_lost])
    except NothingPromotedError:
        return {}
