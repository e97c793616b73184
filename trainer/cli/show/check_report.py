"""The report of `check` for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from trainer.check.check import CheckReport, Finding
from trainer.check.distributions import Distribution

SHOWN_EXAMPLES = 5
_STYLES = {"usable": "green", "usable with losses": "yellow", "usable with doubts": "yellow", "unusable": "red"}


def show(report: CheckReport, console: Console) -> None:
    for part in _parts(report):  # texts unbroken, for those who search in them
        console.print(part, soft_wrap=isinstance(part, Text))


def _parts(report: CheckReport) -> Iterator[RenderableType]:
    yield Text.assemble((report.source, "bold"), ": ", (report.verdict, _STYLES[report.verdict]))
    facts = Table("", "", show_header=False, box=None)
    for name, value in report.facts:
        facts.add_row(name, Text(value))
    yield facts
    for note in report.notes:
        yield Text(f"note: {note}")
    for finding in report.findings:
        yield from _finding(finding)
    for distribution in report.distributions:
        yield _bars(distribution)


def _finding(finding: Finding) -> Iterator[Text]:
    counted = f"{finding.n_rows:,} rows: " if finding.n_rows else ""
    yield Text(f"problem: {counted}{finding.what}")
    for example in finding.examples[:SHOWN_EXAMPLES]:
        yield Text(f"    {example}")
    if finding.advice:
        yield Text(f"    {finding.advice}")


def _bars(distribution: Distribution) -> Table:
    table = Table(title=distribution.title, box=None, show_header=False, title_justify="left", expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    most = max(n for _, n in distribution.bars)
    for label, n in distribution.bars:
        table.add_row(label, f"{n:,}", Bar(most, 0, n, color="cyan"))
    return table
