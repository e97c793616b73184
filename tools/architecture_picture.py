"""docs/architecture.svg, drawn from the few lines below: `python -m tools.architecture_picture > docs/architecture.svg`."""

from __future__ import annotations

import sys
from html import escape

WIDTH, HEIGHT = 960, 330
BOX_WIDTH, BOX_HEIGHT = 170, 78
# name: column, row, title, lines below it
BOXES = {
    "table": (0, 0, "interactions", ("a file, a folder,", "a database, events")),
    "trainer": (1, 0, "trainer", ("reads, measures,", "fits, cuts into shards")),
    "artifact": (2, 0, "artifact", ("arrays and a manifest,", "never changed")),
    "queue": (1, 1, "queue", ("one job a shard", "(RQ in Redis)")),
    "workers": (2, 1, "workers", ("score users,", "write their lists")),
    "redis": (3, 1, "Redis", ("lists by user,", "and a pointer")),
    "api": (3, 0, "API", ("one lookup", "a request")),
}
STORES = {"table", "artifact", "queue", "redis"}
# from, to, what goes there, where the words stand
ARROWS = (
    ("table", "trainer", "rows", "above"),
    ("trainer", "artifact", "model", "above"),
    ("trainer", "queue", "jobs", "beside"),
    ("queue", "workers", "shards", "above"),
    ("artifact", "workers", "mapped", "beside"),
    ("workers", "redis", "lists", "above"),
    ("redis", "api", "a user's list", "beside"),
)
NOTE = "The last shard moves the pointer, in one step: until then everybody gets the old lists."
STYLE = """
  .box { fill: #ffffff; stroke: #0f766e; stroke-width: 1.5 }
  .store { fill: #e6f4f1 }
  .arrow { stroke: #475569; stroke-width: 1.5; fill: none; marker-end: url(#head) }
  text { font-family: system-ui, sans-serif; font-size: 14px; fill: #334155; text-anchor: middle }
  .title { font-weight: 600; font-size: 16px; fill: #0f172a }
  .word { font-size: 13px }
  .beside { text-anchor: start }
  .head { fill: #475569 }
  @media (prefers-color-scheme: dark) {
    .box { fill: #1e293b; stroke: #5eead4 }
    .store { fill: #134e4a }
    .arrow { stroke: #94a3b8 }
    .head { fill: #94a3b8 }
    text { fill: #cbd5e1 }
    .title { fill: #f8fafc }
  }
"""


def picture() -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">',
        '<title id="title">From interactions by way of trainer, artifact, workers and Redis to the API</title>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse">',
        '<path class="head" d="M0 0 L10 5 L0 10 z"/></marker></defs>',
        *(_box(name) for name in BOXES),
        *(_arrow(*arrow) for arrow in ARROWS),
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 16}">{escape(NOTE)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _corner(name: str) -> tuple[float, float]:
    column, row, *_ = BOXES[name]
    return 20 + column * (BOX_WIDTH + 80), 24 + row * (BOX_HEIGHT + 90)


def _box(name: str) -> str:
    (x, y), (_, _, title, lines) = _corner(name), BOXES[name]
    middle = x + BOX_WIDTH / 2
    kind = "box store" if name in STORES else "box"
    texts = [f'<text class="title" x="{middle}" y="{y + 26}">{escape(title)}</text>']
    texts += [f'<text x="{middle}" y="{y + 47 + 17 * i}">{escape(line)}</text>' for i, line in enumerate(lines)]
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>' + "".join(texts)


def _arrow(start: str, end: str, word: str, where: str) -> str:
    (x1, y1), (x2, y2) = _corner(start), _corner(end)
    if where == "above":
        x1, y1, x2, y2 = x1 + BOX_WIDTH, y1 + BOX_HEIGHT / 2, x2, y2 + BOX_HEIGHT / 2
        label = f'<text class="word" x="{(x1 + x2) / 2}" y="{y1 - 8}">{escape(word)}</text>'
    else:
        down = y2 > y1
        x1, x2 = x1 + BOX_WIDTH / 2, x2 + BOX_WIDTH / 2
        y1, y2 = y1 + (BOX_HEIGHT if down else 0), y2 + (0 if down else BOX_HEIGHT)
        label = f'<text class="word beside" x="{x1 + 10}" y="{(y1 + y2) / 2 + 4}">{escape(word)}</text>'
    return f'<path class="arrow" d="M{x1} {y1} L{x2} {y2}"/>{label}'


if __name__ == "__main__":
    sys.stdout.write(picture())
