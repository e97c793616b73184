"""The figures of the newest measured run, each with what changed and a small line of the runs before."""

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


def tiles(records: Sequence[RunRecord]) -> list[Tile]:
    """`records`: newest first. None of them measured: no tile."""
    measured = [record for record in records if record.model]
    if not measured:
        return []
    newest = measured[0]
    same = [record for record in measured if (record.k, record.split, record.source) == (newest.k, newest.split, newest.source)]
    found = []
    for name, title in (("ndcg", f"nDCG@{newest.k}"), ("recall", f"Recall@{newest.k}")):
        beside = ""
        if (baseline := newest.popularity.get(name)) and name in newest.model:
            beside = f"{100 * (newest.model[name] / baseline - 1):+.0f} % against popularity".replace("-", "−")
        found.append(_tile(title, name, same, "{:.4f}".format, beside))
    found.append(_tile("Coverage", "coverage", same, percent, "of the catalogue"))
    return [tile for tile in found if tile.value]


def _tile(title: str, name: str, records: Sequence[RunRecord], spell: Callable[[float], str], beside: str) -> Tile:
    values = [record.model[name] for record in records if name in record.model]
    if not values:
        return Tile(title, "", "", "")
    if len(values) > 1:
        beside = f"{difference(values[1], values[0], 4)} since the run before; {beside}" if beside else ""
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
