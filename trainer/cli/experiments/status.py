"""How an experiment is shown, to people and to programs. No salt: who has it could tell which arm a user is in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from contract.experiments.answers import ArmAnswers, shares
from contract.experiments.definition import N_SLOTS, Experiment
from contract.experiments.shares import share_of
from contract.larder import Larder
from contract.text import utc_text


def rows_of(larder: Larder, found: Experiment) -> list[dict[str, Any]]:
    """Of each arm: name, percent, the generation that it serves now, that one's state, and what was answered to users whom it knows."""
    generations = larder.generations
    pointer = generations.current()
    counts, _ = ArmAnswers(larder.store, larder.keys, found.id).read()
    rows = []
    for arm in found.arms:
        served = arm.pointer or (None if arm.model else pointer)
        generation = served.generation if served else ""
        answers, errors, empty = shares(counts, arm.name)
        row = {"arm": arm.name, "percent": arm.n_slots * 100 / N_SLOTS, "generation": generation, "state": generations.state(generation)}
        rows.append({**row, "answers": answers, "errors": errors, "empty": empty})
    return rows


def as_json(larder: Larder, found: Experiment | None) -> str:
    if found is None:
        return "null"
    head: dict[str, Any] = {"id": found.id, "began_at": _began(found) if found.has_begun else None, "by": found.by}
    head |= {"stop_when_worse": found.stop_when_worse, "stop_when_broken": found.stop_when_broken, "interleaves": found.interleaves}
    return json.dumps({**head, "arms": rows_of(larder, found)}, indent=2)


def table_of(larder: Larder, found: Experiment) -> Table:
    columns = ("arm", "share", "generation", "state", "answers", "errors", "empty")
    since = f"since {_began(found)}" if found.has_begun else "begins when the next run is promoted"
    table = Table(*columns, title=f"Experiment {found.id}, {since}, by {found.by}")
    ends = [f"fewer {found.stop_when_worse}"] * bool(found.stop_when_worse) + ["more errors or empty lists"] * found.stop_when_broken
    if ends:
        table.caption = f"It ends by itself when an arm has {' or '.join(ends)}"
    for arm, row in zip(found.arms, rows_of(larder, found), strict=True):
        answered = [f"{row['answers']:,}", f"{row['errors']:.2%}", f"{row['empty']:.2%}"] if row["answers"] else ["none yet", "", ""]
        table.add_row(arm.name, share_of(found, arm), row["generation"] or "none yet", row["state"], *answered)
    return table


def _began(found: Experiment) -> str:
    return utc_text(datetime.fromtimestamp(found.began_at_ms / 1000, UTC))
