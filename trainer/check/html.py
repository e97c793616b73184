"""The report of `check` as one HTML file with pictures in it; it asks no other host for anything."""

from __future__ import annotations

from html import escape

from trainer.check.bar_chart import bar_chart
from trainer.check.check import CheckReport, Finding

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"
    "code{background:#f2f2f2;padding:0 .2rem}svg{max-width:100%;height:auto;font-size:13px}rect{fill:#2f6f9f}"
    ".usable{color:#177245}.losses{color:#a05a00}.unusable{color:#b00020}"
)
_CLASSES = {"usable": "usable", "usable with losses": "losses", "usable with doubts": "losses", "unusable": "unusable"}


def page(report: CheckReport) -> str:
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in report.facts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    problems = "".join(map(_finding, report.findings)) or "<p>None.</p>"
    pictures = "".join(f"<h2>{escape(one.title)}</h2>{bar_chart(one.title, one.bars, one.unit)}" for one in report.distributions)
    title = escape(report.source)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>'
        f'<h1>{title}: <span class="{_CLASSES[report.verdict]}">{report.verdict}</span></h1>'
        f"<table>{facts}</table><h2>What was assumed</h2><ul>{notes or '<li>Nothing.</li>'}</ul>"
        f"<h2>Problems</h2>{problems}{pictures}</body></html>\n"
    )


def _finding(finding: Finding) -> str:
    counted = f"{finding.n_rows:,} rows: " if finding.n_rows else ""
    rows = "".join(f"<tr>{_cell(one.place)}{_cell(one.column)}<td><code>{escape(one.value)}</code></td></tr>" for one in finding.examples)
    table = f"<table>{rows}</table>" if rows else ""
    return f"<h3>{escape(counted + finding.what)}</h3><p>{escape(finding.advice)}</p>{table}"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"
