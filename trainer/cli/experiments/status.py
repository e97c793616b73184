"""How an experiment is shown, to people and to programs. No salt: who has it could tell which arm a user is in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from contract.experiments.definition import N_SLOTS, Experiment
from contract.experiments.shares import shown
from contract.store.generations import Generations
from contract.text import utc_text


def rows_of(generations: Generations, found: Experiment) -> list[dict[str, Any]]:
    """Of each arm: name, percent, the generation that it serves now, and that one's state."""
    pointer = generations.current()
    rows = []
    for arm in found.arms:
        generation = arm.pointer.generation if arm.pointer else pointer.generation if pointer else ""
        row = {"arm": arm.name, "percent": arm.n_slots * 100 / N_SLOTS, "generation": generation, "state": generations.state(generation)}
        rows.append(row)
    return rows


def as_json(generations: Generations, found: Experiment | None) -> str:
    if found is None:
        return "null"
    head = {"id": found.id, "began_at": _began(found), "by": found.by, "stop_when_worse": found.stop_when_worse}
    return json.dumps({**head, "arms": rows_of(generations, found)}, indent=2)


def table_of(generations: Generations, found: Experiment) -> Table:
    table = Table("arm", "share", "generation", "state", title=f"Experiment {found.id}, since {_began(found)}, by {found.by}")
    if found.stop_when_worse:
        table.caption = f"It ends by itself when an arm has fewer {found.stop_when_worse}"
    for arm, row in zip(found.arms, rows_of(generations, found), strict=True):
        table.add_row(arm.name, shown(arm.n_slots), row["generation"], row["state"])
    return table


def _began(found: Experiment) -> str:
    return utc_text(datetime.fromtimestamp(found.began_at_ms / 1000, UTC))
