"""docs/runbook.md as a page, so that an alarm can lead to its section. It is written in a small part of Markdown, which this reads:
headings, paragraphs, lists with -, blocks of code, `code`, **strong** and *emphasised* words; of a link, its text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from flask import render_template
from markupsafe import Markup, escape

from api.web.context import PageRoute

# In an image it lies in the package, in a checkout where people look for it.
PLACES = (Path(__file__).parents[1] / "runbook.md", Path(__file__).parents[3] / "docs" / "runbook.md")
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\([^)\s]+\)")
_SECTION = re.compile(r'<a id="([a-z-]+)"></a>\s+#+ (.+)')
_ANCHOR = re.compile(r'<a id="([a-z-]+)"></a>')


def pages() -> list[PageRoute]:
    def runbook() -> str:
        return render_template("runbook.html", body=_body(), sections=_sections())

    return [PageRoute("/runbook", runbook, "open")]


@lru_cache(maxsize=1)
def _text() -> str:
    """ "" where the installation has none."""
    place = next((place for place in PLACES if place.is_file()), None)
    return place.read_text(encoding="utf-8") if place else ""


@lru_cache(maxsize=1)
def _body() -> Markup:
    return html_of(_text()) or Markup("<p>This installation has no runbook: it is docs/runbook.md of the source.</p>")


@lru_cache(maxsize=1)
def _sections() -> list[tuple[str, str]]:
    """Of each alarm its slug and its heading."""
    return _SECTION.findall(_text())


@lru_cache(maxsize=64)
def section(slug: str) -> Markup | None:
    """The section of an alarm, with its heading; None where the installation has no runbook, or that no such section."""
    _, found, rest = _text().partition(f'<a id="{slug}"></a>\n')
    return html_of(_ANCHOR.split(rest)[0]) if found else None


def html_of(text: str) -> Markup:
    """Everything but the marks above is shown as it is written. A line `<a id="slug"></a>` names the heading after it."""
    parts, slug = [], ""
    for block in _blocks(text):
        first = block[0]
        if anchor := _ANCHOR.fullmatch(first.strip()):
            slug = anchor[1]
        elif first.startswith("```"):
            parts.append(Markup('<pre tabindex="0"><code>{}</code></pre>').format("\n".join(block[1:-1])))
        elif heading := re.match(r"(#{1,3}) (.*)", first):
            level = len(heading[1])
            name = Markup(' id="{}"').format(slug) if slug else ""
            parts.append(Markup("<h{0}{1}>{2}</h{0}>").format(level, name, _inline(heading[2])))
            slug = ""
        elif first.startswith("- "):
            items = re.split(r"\n- ", "\n".join(block)[2:])
            parts.append(Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)))
        else:
            parts.append(Markup("<p>{}</p>").format(_inline("\n".join(block))))
    return Markup("\n").join(parts)


def _blocks(text: str) -> list[list[str]]:
    """Runs of lines between empty ones; a block of code is one, whatever is in it."""
    blocks: list[list[str]] = []
    current: list[str] = []
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        if line.strip() or in_code:
            current.append(line)
        elif current:
            blocks.append(current)
            current = []
    return [*blocks, current] if current else blocks


def _inline(text: str) -> Markup:
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        code, strong, emphasised, link = found.groups()
        if link:
            parts.append(_inline(link))
        else:
            name = "code" if code else "strong" if strong else "em"
            parts.append(Markup("<{0}>{1}</{0}>").format(name, code or strong or emphasised))
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])
