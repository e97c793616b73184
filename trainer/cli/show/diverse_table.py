"""What diverse lists cost and gain, for a terminal: a strength in each row, its nDCG beside that of plain lists."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from trainer.cli.show.tune_table import HOW
from trainer.tuning.diverse import Strengths

_MEANS = (
    "errors: the change of nDCG in standard errors. List diversity: 1 - the mean cosine of the users of two items of a list. "
    "Long tail: part of the places beyond the items that have four fifths of the interactions. "
    "Popularity: part of the users who have a listed item."
)


def show(found: Strengths, console: Console) -> None:
    console.print(f"{found.source}, {found.model}. Held out: {HOW[found.how]}; {found.n_users_measured:,} users measured", markup=False)
    console.print(table_of(found), soft_wrap=False)
    console.print(f"{_MEANS} {found.seconds:.1f} s", markup=False)


def table_of(found: Strengths) -> Table:
    """Of 80 columns."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    explores = any(each.explore for each in found.tried)
    strengths = ("--diver\n-sity", "--popularity\n-penalty", "--ex\n-plore") if explores else ("--diversity", "--popularity\n-penalty")
    for name in (*strengths, f"nDCG@{found.k}", "change", "errors", "list\ndiversity"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("long\ntail", "popu-\nlarity", "cover-\nage"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found.tried:
        given = (each.diversity, each.popularity_penalty, *((each.explore,) if explores else ()))
        parts = (f"{each.long_tail:.1%}", f"{each.popularity:.1%}", f"{each.coverage:.1%}")
        figures = (f"{each.ndcg:.4f}", f"{each.change:+.1%}", f"{each.errors:+.1f}", f"{each.list_diversity:.4f}", *parts)
        table.add_row(*(f"{value:g}" if value else "off" for value in given), *figures, style="cyan" if each is found.tried[0] else "")
    return table
