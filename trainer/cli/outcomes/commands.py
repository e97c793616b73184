"""`larder outcomes`: what people did with what they were shown."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console

from contract.formats.outcomes.report import WAYS
from trainer.cli.context import opened

DEFAULT = "generation,arm"
WIDEST = 1000


@click.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3650), help="How many days in UTC; today is the last one.")
@click.option(
    "--by",
    "tables",
    multiple=True,
    default=(DEFAULT,),
    show_default=True,
    help=f"How to group: {', '.join(WAYS)}, with commas between; again for another table.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def outcomes(days: int, tables: tuple[str, ...], as_json: bool) -> None:
    """Show which of the items that were shown were clicked and taken: by generation, arm, rank, segment and day.

    Of the sample that LARDER_IMPRESSIONS keeps, and of events. Rates have Wilson's 95 % intervals; `corrected` is the ratio to what the
    ranks at which the items were shown would have made by themselves.
    """
    with opened() as larder:
        from trainer.cli.outcomes.tables import notes_of, table_of
        from trainer.outcomes.outcomes import outcomes as look
        from trainer.outcomes.outcomes import ways_of

        ways = [ways_of(text) for text in tables]
        pointer = larder.generations.current()
        found = look(larder.settings, datetime.now(UTC), days, ways, pointer.user_id_type if pointer else None)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    console = Console(soft_wrap=True, highlight=False)
    for table in found.tables:
        if table.rows:
            made = table_of(table)
            needed = Console(width=WIDEST).measure(made).maximum  # a figure that is cut off is a wrong one
            Console(width=max(console.width, needed)).print(made)
    for note in notes_of(found):
        console.print(note, markup=False)
