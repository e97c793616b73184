"""The figures of what is served, each with what changed and a small line of the runs before; those that the gate refused are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.web.views.formats import difference, percent
from contract.store.history import RunRecord

WIDTH, HEIGHT, PAD = 120.0, 32.0, 3.0


@dataclass(frozen=True, slots=True)
class Tile:
    """`beside`: what to compare the value with; `line`: points of the runs, oldest first."""

    title: str
    value: str
    beside: str
    line: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """`of`: the run that the figures are of."""

    of: str
    tiles: list[Tile]


def tiles(records: Sequence[RunRecord], served: str) -> Tiles:
    """`records`: newest first. Of what is served, if it was measured; else of the newest run that was, refused ones last."""
    measured = [record for record in records if record.model]
    if not measured:
        return Tiles("", [])
    passed = [record for record in measured if record.passed or record.run == served]
    of = next((record for record in measured if record.run == served), next(iter(passed), measured[0]))
    later = passed[passed.index(of) :] if of in passed else [of]
    same = [record for record in later if (record.k, record.split, record.source) == (of.k, of.split, of.source)]
    found = []
    for name, title in (("ndcg", f"nDCG@{of.k}"), ("recall", f"Recall@{of.k}")):
        beside = ""
        if (baseline := of.popularity.get(name)) and name in of.model:
            beside = f"{100 * (of.model[name] / baseline - 1):+.0f} % against popularity".replace("-", "−")
        found.append(_tile(title, name, same, "{:.4f}".format, beside))
    found.append(_tile("Coverage", "coverage", same, percent, "of the catalogue", in_points=True))
    return Tiles(of.run, [tile for tile in found if tile.value])


def _tile(
    title: str, name: str, records: Sequence[RunRecord], spell: Callable[[float], str], beside: str, *, in_points: bool = False
) -> Tile:
    values = [record.model[name] for record in records if name in record.model]
    if not values:
        return Tile(title, "", "", "")
    if len(values) > 1 and beside:
        changed = f"{difference(100 * values[1], 100 * values[0], 1)} points" if in_points else difference(values[1], values[0], 4)
        beside = f"{changed} since the run before; {beside}"
    return Tile(title, spell(values[0]), beside, _line(values[::-1]))


def _line(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = max(high - low, 0.1 * abs(high)) or 1.0
    step = (WIDTH - 2 * PAD) / (len(values) - 1)
    return " ".join(
        f"{PAD + step * at:.1f},{HEIGHT - PAD - (HEIGHT - 2 * PAD) * (value - low) / span:.1f}" for at, value in enumerate(values)
    )
