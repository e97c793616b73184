"""/cards/ID: everything that is known of one generation, and the same page as one file that needs no server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

from flask import render_template, request
from redis import Redis
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.web.context import PageContext, PageRoute
from api.web.pages.overview import MEASURES
from api.web.views.charts import BarChart, doubling, histogram
from api.web.views.diffs import DiffView, titles_in
from api.web.views.snapshot import Generation, generation_of
from api.web.views.tables.csv_text import Cell, cell_text, csv_answer
from contract.formats import payload
from contract.formats.ids import is_generation_id
from contract.formats.keys import Id
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS

SAMPLE_BUCKETS = 12  # evenly spaced, of about 64 users each
TITLES = {"reading": "How the source was read"}
MEASURED = {
    "beyond": "Its lists besides accuracy",
    "beyond_popularity": "Popularity's lists besides accuracy",
    "segments": "By thirds of users and items",
    "beside_popularity": "nDCG beside popularity's, user by user",
    "exploration": "nDCG with exploration (new) and without it (old)",
    "against": "Beside the served model, on the same events",
}
LAST = {"format", "payload format", "digest"}  # for programs
SHOWN_ELSEWHERE = {"generation", "settings", "evaluation", "erased", "arrays"}


def pages(context: PageContext) -> list[PageRoute]:
    def known(generation: str) -> tuple[Generation, dict[bytes, bytes]]:
        if not is_generation_id(generation):
            raise NotFound("There is no generation of this id.")
        raw, recorded = context.ask(
            lambda generations: _read(generations.redis, generations.keys.generation(generation), generations.keys.shards(generation))
        )
        if not raw:
            raise NotFound(f"There is no generation {generation}, or nothing is known of it any more.")
        return generation_of(generation, raw, recorded), raw

    def card(generation: str) -> Response | str:
        found, raw = known(generation)
        diff = diff_of(raw)
        shown = {
            "one": found,
            "has_lists": found.progress.state in HAS_LISTS,
            "facts": facts(raw),
            "measures": _measures(found),
            "diff": diff,
            "names": titles_in(context.store, diff),
            "pictures": _pictures(context, found),
        }
        if "file" not in request.args:
            return render_template("card.html", **shown)
        body = render_template("card.html", **shown, is_file=True)
        return Response(body, headers={"Content-Disposition": f'attachment; filename="{_safe(generation)}.html"'}, mimetype="text/html")

    def as_csv(generation: str) -> Response:
        found, raw = known(generation)
        return csv_answer(f"{_safe(generation)}.csv", ["table", "name", "value", "popularity"], _cells(found, raw))

    return [PageRoute("/cards/<generation>", card), PageRoute("/cards/<generation>/card.csv", as_csv)]


def _read(redis: Redis, key: str, shards: str) -> tuple[dict[bytes, bytes], int]:
    with redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(key)
        pipe.hlen(shards)
        return cast("tuple[dict[bytes, bytes], int]", tuple(pipe.execute()))


def _measures(one: Generation) -> list[tuple[str, float | None, float | None]]:
    return [(title, one.measured().get(name), one.measured("popularity").get(name)) for name, title in MEASURES.items()]


def _cells(one: Generation, raw: dict[bytes, bytes]) -> Iterator[list[Cell]]:
    """The card's tables for programs: figures as they are recorded, nothing where people read "none"."""
    progress = one.progress
    yield ["Timeline", "state", progress.state, None]
    for name in ("n_shards", "shards_recorded", "n_users", "users_written", "n_similar", "similar_written"):
        yield ["Timeline", spelled(name), getattr(progress, name), None]
    for name, ms in (("begun", progress.began_at_ms), ("complete", progress.completed_at_ms), ("promoted", progress.promoted_at_ms)):
        yield ["Timeline", name, datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds") if ms else None, None]
    for title, model, popularity in _measures(one) if one.measured() else []:
        yield ["How good", title, model, popularity]
    for group, rows in facts(raw, _plain):
        for name, value in rows:
            yield [group, name, value, None]


def _plain(value: object) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return cell_text(value) if isinstance(value, (bool, int, float)) else "" if value is None else str(value)


def facts(raw: dict[bytes, bytes], text: Callable[[object], str] | None = None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The manifest in groups of name and value. Groups within it, such as what cleaning has dropped, come after its own fields."""
    text = text or _text
    manifest: dict[str, Any] = json.loads(raw.get(b"manifest", b"{}"))
    plain = [(spelled(name), value) for name, value in manifest.items() if name not in SHOWN_ELSEWHERE and not isinstance(value, dict)]
    plain.sort(key=lambda row: row[0] in LAST)
    groups = [("Data and model", [(name, text(value)) for name, value in plain])] if plain else []
    for name, value in manifest.items():
        if isinstance(value, dict) and value and name not in SHOWN_ELSEWHERE:
            groups.append((TITLES.get(name, spelled(name).capitalize()), _rows(value, text)))
    settings = manifest.get("settings")
    if isinstance(settings, dict):
        groups.append(("Settings", [(name, text(value)) for name, value in settings.items()]))
    evaluation = manifest.get("evaluation")
    if isinstance(evaluation, dict):
        how = [(spelled(name), text(value)) for name, value in evaluation.items() if not isinstance(value, dict)]
        groups.append(("How it was measured", how))
        groups += [(title, _rows(evaluation[name], text)) for name, title in MEASURED.items() if isinstance(evaluation.get(name), dict)]
    return groups


def _rows(values: dict[str, Any], text: Callable[[object], str], within: str = "") -> list[tuple[str, str]]:
    """A row for each value, however deep it lies; its name tells where."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        path = f"{within}{spelled(name)}"
        rows += _rows(value, text, f"{path}: ") if isinstance(value, dict) and value else [(path, text(value))]
    return rows


def diff_of(raw: dict[bytes, bytes]) -> DiffView | None:
    try:
        return DiffView.model_validate_json(raw[b"diff"])
    except (KeyError, ValueError):
        return None


def spelled(name: str) -> str:
    """`n_user_buckets` as people say it."""
    return name.removeprefix("n_").replace("_", " ")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def _pictures(context: PageContext, one: Generation) -> list[BarChart]:
    """How long lists are, how high they score and how often an item is listed, in a sample of the users."""
    if one.manifest is None or one.progress.state not in HAS_LISTS:
        return []
    manifest = one.manifest
    lists = context.store.breaker.ask(lambda redis: _sample(redis, context, manifest))
    if not lists:
        return []
    k, n = manifest.settings.k, len(lists)
    listed = Counter(item for items, _ in lists for item in items[:k])
    found = [
        histogram(f"Items in a list, {n:,} users", [len(items) for items, _ in lists], "users", spell="{:.0f}"),
        histogram(f"Score of the first item, {n:,} users", [scores[0] for _, scores in lists if scores], "users"),
        doubling(f"How often an item is in a first {k}, {n:,} users", list(listed.values()), "items"),
    ]
    return [chart for chart in found if chart is not None]


def _sample(redis: Redis, context: PageContext, manifest: Manifest) -> list[tuple[list[Id], list[float]]]:
    wanted = min(SAMPLE_BUCKETS, manifest.n_user_buckets)
    buckets = sorted({at * manifest.n_user_buckets // wanted for at in range(wanted)})
    with redis.pipeline(transaction=False) as pipe:
        for bucket in buckets:
            pipe.hvals(context.store.keys.recs(manifest.generation, bucket))
        found = [payload.decode(raw) for raws in pipe.execute() for raw in raws]
    return [(list(items), list(scores)) for items, scores in found]


def _safe(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
