"""/outcomes: what became of what was shown, as the trainer service last counted it."""

from __future__ import annotations

from flask import render_template

from api.web.context import PageContext, PageRoute
from contract.formats.outcomes.report import Outcomes
from contract.store.streams.outcomes import latest

TITLES = {"generation": "By generation", "rank": "By rank", "day": "By day", "segment": "By segment of users", "arm": "By arm"}


def pages(context: PageContext) -> list[PageRoute]:
    def shown() -> str:
        found = context.store.breaker.ask(lambda redis: latest(redis, context.store.keys))
        return render_template(
            "outcomes.html", found=found, titles=titles_of(found) if found else [], is_on=context.settings.impressions > 0
        )

    return [PageRoute("/outcomes", shown)]


def titles_of(found: Outcomes) -> list[str]:
    """Of each table: by what it tells apart; arms are named where there were some."""
    return [
        f"{TITLES.get(table.ways[0], 'By ' + table.ways[0])}{' and arm' if table.ways[1:] == ['arm'] else ''}" for table in found.tables
    ]
