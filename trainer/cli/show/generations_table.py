"""All generations that Redis knows, for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from contract.formats.evaluation import Evaluation, Figures
from contract.formats.states import GenerationState
from contract.store.generations import Generations
from contract.store.progress import Progress

COLOURS: dict[str, str] = {GenerationState.CURRENT: "green", GenerationState.FAILED: "red", GenerationState.SCORING: "yellow"}


def rows_of(generations: Generations) -> list[dict[str, object]]:
    """Each generation, oldest first: its progress, what was measured of it, whether it is served."""
    pointer = generations.current()
    served = pointer.generation if pointer else ""
    found = (generations.progress(name) for name in generations.ids())
    return [_row(generations, progress, served) for progress in found if progress is not None]


def _row(generations: Generations, progress: Progress, served: str) -> dict[str, object]:
    evaluation = Figures.of(generations.manifest(progress.generation)).evaluation
    found = evaluation if isinstance(evaluation, Evaluation) else None
    return {
        **asdict(progress),
        "mean_listed": progress.mean_listed,
        "served": progress.generation == served,
        "ndcg": found.model.ndcg if found else None,
        "popularity_ndcg": found.popularity.ndcg if found else None,
        "coverage": found.model.coverage if found else None,
        "beyond": found.beyond.model_dump() if found and found.beyond else None,
    }


def table_of(rows: list[dict[str, object]]) -> Table:
    """One line for each; why one waits, failed or was forced stands below."""
    table = Table(
        title="Generations, oldest first; ● is served", title_justify="left", caption_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    for name in ("", "generation", "state", "n", "began", "promoted", "users", "fill", "nDCG", "pop."):
        right = name in ("n", "users", "fill", "nDCG", "pop.")
        time = name in ("began", "promoted")  # may take two lines, where the terminal is narrow
        table.add_column(name, justify="right" if right else "left", no_wrap=not time, min_width=5 if time else None)
    for row in rows:
        state = str(row["state"])
        table.add_row(
            "●" if row["served"] else "",
            escape(str(row["generation"])),
            f"[{COLOURS.get(state, 'default')}]{state}[/]",
            str(row["sequence"]),
            _time(row["began_at_ms"]),
            _time(row["promoted_at_ms"]),
            f"{row['n_users']:,}",
            f"{row['mean_listed']:.1f}" if row["users_written"] else "",
            *(f"{row[name]:.4f}" if row[name] is not None else "" for name in ("ndcg", "popularity_ndcg")),
        )
    legend = "n: order in which they began; fill: items in a list on average; pop.: nDCG of popularity alone; times in UTC"
    table.caption = "\n".join([legend, *(f"{escape(str(row['generation']))}: {escape(why)}" for row in rows if (why := _why(row)))])
    return table


def _why(row: dict[str, object]) -> str:
    if row["state"] == GenerationState.SCORING:
        return f"{row['shards_recorded']} of {row['n_shards']} shards are written"
    waits = f"{row['waits']}: {row['because']}" if row["waits"] else ""
    forced = f"forced by {row['forced_by']}" if row["forced_by"] else ""
    return "; ".join(part for part in (str(row["reason"]), waits, forced) if part)


def _time(at_ms: object) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%m-%d %H:%M}" if isinstance(at_ms, int) and at_ms else ""
