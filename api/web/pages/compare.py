"""/compare: is one generation better than another, where, and for whom. Any two that are remembered; their lists while both are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.lists.pinning import pointer_of
from api.web.context import PageContext, PageRoute
from api.web.views.runs import versus
from api.web.views.runs.comparison_table import as_table
from api.web.views.runs.list_pairs import ListPairs, list_pairs
from api.web.views.snapshot import Generation, generation_of
from api.web.views.tables.csv_text import csv_answer
from contract.formats.ids import is_generation_id
from contract.formats.incoming.strict import MAX_ID_LENGTH
from contract.formats.states import HAS_LISTS, ROLLBACK
from contract.store.generations import Generations
from contract.store.history import History, RunRecord

CHOICES = 60  # runs that are offered


@dataclass(frozen=True, slots=True)
class Known:
    """What may be compared, newest first."""

    records: dict[str, RunRecord]
    generations: dict[str, Generation]
    served: str


def pages(context: PageContext) -> list[PageRoute]:
    def asked() -> tuple[Known, str, str]:
        given = [request.args.get(name, "").strip() for name in ("a", "b")]
        known = context.ask(lambda generations: _known(generations, [name for name in given if is_generation_id(name)]))
        return known, *_chosen(known, *given)

    def compare() -> str:
        known, old, new = asked()
        user = request.args.get("user", "").strip()[:MAX_ID_LENGTH]
        shown: dict[str, Any] = {"known": known, "choices": list(known.records)[:CHOICES], "old": None, "new": None, "user": user}
        if old and new:
            shown |= {"old": known.records[old], "new": known.records[new], "versus": versus}
            shown["lists"], shown["no_lists"] = _lists(context, known, old, new, user)
            shown["can_serve"] = new in known.generations and known.generations[new].progress.state in ROLLBACK and new != known.served
        return render_template("compare.html", **shown)

    def as_csv() -> Response:
        known, old, new = asked()
        if not (old and new):
            raise NotFound("There is one generation to compare, or none.")
        lists = _lists(context, known, old, new, "")[0]
        return csv_answer("compare.csv", *as_table(known.records[old], known.records[new], lists))

    return [PageRoute("/compare", compare), PageRoute("/compare.csv", as_csv)]


def _known(generations: Generations, wanted: list[str]) -> Known:
    """Records of the history, and of generations of an earlier version that it lacks."""
    records = {record.run: record for record in History(generations.redis, generations.keys).newest()}
    names = list(dict.fromkeys([*reversed(generations.ids()), *wanted]))
    with generations.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(generations.keys.generation(name))
        raws = cast("list[dict[bytes, bytes]]", pipe.execute())
    found = {name: generation_of(name, raw, 0) for name, raw in zip(names, raws, strict=True) if raw}
    for name, one in found.items():
        if one.manifest is not None:  # it says more than a record of an earlier version
            records[name] = RunRecord.of(one.manifest, one.verdict, records[name].seconds if name in records else 0.0)
    pointer = generations.current()
    ordered = sorted(records.values(), key=lambda record: (record.trained_at, record.run), reverse=True)
    return Known({record.run: record for record in ordered}, found, pointer.generation if pointer else "")


def _chosen(known: Known, old: str, new: str) -> tuple[str, str]:
    """What is asked for; by itself the newest beside what is served, or what is served beside the one before."""
    for name in (old, new):
        if name and name not in known.records:
            raise NotFound(f"Nothing is known of a run {name[:80]}, or not any more.")
    names = list(known.records)
    new = new or next((name for name in names if name != old), "")
    rest = [name for name in names if name != new]
    after = rest[max(0, names.index(new)) :] if new else []
    old = old or (known.served if known.served in rest else next(iter(after or rest), ""))
    return old, new


def _lists(context: PageContext, known: Known, old: str, new: str, user: str) -> tuple[ListPairs | None, str]:
    """And why there are none."""
    states = [known.generations[name].progress.state if name in known.generations else "" for name in (old, new)]
    if any(state not in HAS_LISTS for state in states):
        gone = " and ".join(name for name, state in zip((old, new), states, strict=True) if state not in HAS_LISTS)
        return None, f"Lists can't be compared: those of {gone} are not kept."
    pointers = [pointer_of(context.store, name) for name in (old, new)]
    if pointers[0] is None or pointers[1] is None:
        return None, "Lists can't be compared: those of one were just removed."
    found = list_pairs(context.store, pointers[0], pointers[1], user)
    return found, "" if found else "No user has a list in both."
