"""What a tune found, for a terminal: the grid with intervals as a plot, and the winner as settings to copy."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.formats.reports.tuned import Measured, Tuned

SHOWN = 15
WIDTH = 20  # of the plot, in characters
MUCH = 0.2  # of what was held out, from which lists without it are a question to ask
HOW = {
    "moment": "at one moment of time, baskets whole",
    "own last": "each user's latest quarter",
    "stratified": "a random quarter of each user's, since there are no times",
}


def show(found: Tuned, console: Console) -> None:
    console.print(_title(found), markup=False)
    console.print(table_of(found), soft_wrap=False)
    for line in lines_of(found):
        console.print(line, markup=False)


def _title(found: Tuned) -> str:
    held = " and, counted alike, ".join(HOW[part] for part in found.how.split("+"))
    part = f", of a {found.share:.1%} sample of users" if found.share < 1 else ""
    counts = f"{found.n_users:,} users, {found.n_items:,} items, {found.n_interactions:,} interactions"
    return f"{found.source}: {counts}. Held out: {held}; {found.n_users_measured:,} users measured{part}"


def table_of(found: Tuned) -> Table:
    """The best candidates of all that reached the last rung, then popularity and the settings that they are compared with."""
    table = Table(box=None, pad_edge=False)
    for name in ("users", "nDCG@10", "gain", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("gain, 95 %", no_wrap=True)
    table.add_column("settings", overflow="fold", ratio=1)
    shown = shown_of(found)
    low, high = scale_of(shown)
    for each in shown:
        style = "bold green" if each.arguments == found.winner.arguments else "cyan" if each.arguments == found.default.arguments else ""
        figures = f"{each.n_users:,}", f"{each.ndcg:.4f}", f"{100 * each.gain:+.1f} %", f"{each.errors:+.1f}"
        table.add_row(*figures, Text(interval_of(each, low, high)), Text(name_of(each, found)), style=style)
    return table


def lines_of(found: Tuned) -> list[str]:
    """What follows, for people and for their next command."""
    lines = []
    if found.is_better:
        lines.append(f"Winner: {found.winner.arguments}")
        lines.append(f'Once: make retrain ARGS="{found.winner.arguments}"   or, kept for all runs: LARDER_MODEL=auto')
        lines.append("As settings: " + " ".join(f"LARDER_{name.upper()}={_plain(value)}" for name, value in found.winner.options.items()))
    else:
        lines.append("Winner: what a run fits as it is set; nothing of the grid is better by more than two standard errors")
    if found.loses_to_popularity:
        lines.append("Popularity alone is better than what a run would fit, by more than two standard errors")
    if found.exclude_seen and found.again >= MUCH:
        lines.append(
            f"{found.again:.0%} of what was held out the user had had before. Lists leave that out; where people take things again, "
            "--no-exclude-seen lists it too, and chooses and measures by it"
        )
    if found.left_out:
        lines.append(f"Not tried, for the budget of {found.budget_s:g} s or the memory limit: {'; '.join(found.left_out)}")
    if found.cut_short:
        lines.append(f"Cut short: {found.cut_short}; the choice is among what was measured by then")
    lines.append(f"{len(found.tried)} candidates in {found.seconds:.1f} s, seed {found.seed}")
    return lines


def shown_of(found: Tuned) -> list[Measured]:
    """The best, and always the default and popularity."""
    best = list(found.tried[:SHOWN])
    return best + [each for each in (found.popularity, found.default) if each.arguments not in {one.arguments for one in best}]


def name_of(each: Measured, found: Tuned) -> str:
    is_default = each.arguments == found.default.arguments
    return f"{each.arguments or '--model sar'}{'  (as it is set)' if is_default else ''}"


def scale_of(shown: Sequence[Measured]) -> tuple[float, float]:
    """Between which gains the plot lies."""
    low, high = min(0.0, *(each.low for each in shown)), max(0.0, *(each.high for each in shown))
    return (low, high) if high > low else (-1.0, 1.0)


def interval_of(each: Measured, low: float, high: float) -> str:
    """`  |   --o--  `: the interval, the gain of the first cut, and where no gain is."""
    at = [round((WIDTH - 1) * (value - low) / (high - low)) for value in (each.low, each.high, (each.low + each.high) / 2, 0.0)]
    cells = [" "] * WIDTH
    cells[at[3]] = "|"
    for place in range(at[0], at[1] + 1):
        cells[place] = "-"
    cells[at[2]] = "o"
    return "".join(cells)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
