"""Two runs side by side, by their records: what was set, what was measured, how sure a difference is, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot

from api.web.views.formats import age_between, setting
from api.web.views.runs.row import AGE, COUNT, MEASURE, MOMENT, SECONDS, SETTING, Row, Word
from api.web.views.tables.csv_text import Cell
from contract.formats.evaluation import SideBySide
from contract.store.history import RunRecord

CERTAIN = 1.96  # standard errors of an interval that holds a difference with 95 %
BEST_HIGH = {"ndcg": "nDCG", "recall": "Recall", "precision": "Precision", "map": "MAP"}
NEITHER = {
    "coverage": "Coverage", "diversity": "Diversity", "novelty": "Novelty", "serendipity": "Serendipity", "long_tail": "Long tail",
    "gini": "Gini",
}  # fmt: skip
COUNTS = (("users", "n_users"), ("items", "n_items"), ("interactions", "n_interactions"))
THIRDS = {"least": "Least active third", "middle": "Middle third", "most": "Most active third"}
SHELVES = {"least": "Least popular third", "middle": "Middle third", "most": "Most popular third"}


def verdict(old: RunRecord, new: RunRecord) -> list[Row]:
    """Measures of both, the paired one first; none where one of them was not measured."""
    rows = [_paired("nDCG@10, same users", found)] if (found := pairing(old, new)) else []
    if not comparable(old, new):
        return rows
    for name, title in BEST_HIGH.items():
        if name in old.model and name in new.model:
            rows.append(_apart(f"{title}@{new.k}", old.model[name], new.model[name], old.errors.get(name), new.errors.get(name)))
    for name, title in NEITHER.items():
        if name in old.model and name in new.model:
            rows.append(_apart(title, old.model[name], new.model[name], None, None))
    return rows


def beside_served(record: RunRecord, records: Sequence[RunRecord], served_then: str) -> tuple[RunRecord | None, list[Row]]:
    """The record of what was served when a run was judged, and the measures and counts of both; None where nothing is known of it."""
    name = record.against.generation if record.against else served_then
    before = next((one for one in records if one.run == name), None)
    if before is None:
        return None, []
    counts = (Row(title.capitalize(), getattr(before, field), getattr(record, field), COUNT) for title, field in COUNTS)
    return before, [*verdict(before, record), *counts]


def by_users(old: RunRecord, new: RunRecord) -> list[Row]:
    """nDCG of each third of the users, by their number of interactions."""
    rows = []
    for name, title in THIRDS.items():
        if (found := pairing(old, new, name)) is not None:
            rows.append(_paired(title, found))
        elif comparable(old, new) and old.segments and new.segments and name in old.segments.users and name in new.segments.users:
            a, b = old.segments.users[name], new.segments.users[name]
            rows.append(_apart(title, a.ndcg, b.ndcg, a.ndcg_error, b.ndcg_error, b.n))
    return rows


def by_items(old: RunRecord, new: RunRecord) -> list[Row]:
    """What is found of each third of the items, by their number of interactions, and which part of the places they have."""
    if not (comparable(old, new) and old.segments and new.segments):
        return []
    rows = []
    for name, title in SHELVES.items():
        if name in old.segments.items and name in new.segments.items:
            a, b = old.segments.items[name], new.segments.items[name]
            rows.append(_apart(f"{title}: recall", a.recall, b.recall, None, None, b.n))
            rows.append(_apart(f"{title}: part of the places", a.listed, b.listed, None, None, b.n))
    return rows


def pairing(old: RunRecord, new: RunRecord, third: str = "") -> SideBySide | None:
    """Both on the same users, from `old` to `new`: measured when the later of the two was trained beside the other."""
    for one, other, turned in ((new, old, False), (old, new, True)):
        against = one.against
        if against is not None and against.generation == other.run:
            found = against.thirds.get(third) if third else against.ndcg  # type: ignore[call-overload]
            return _turned(found) if found and turned else found
    return None


def comparable(old: RunRecord, new: RunRecord) -> bool:
    """Whether both were measured, at the same depth and by the same kind of split."""
    return old.k is not None and (old.k, old.split) == (new.k, new.split)


def why_not(old: RunRecord, new: RunRecord) -> str:
    """Why figures don't compare; "" where they do."""
    for record in (old, new):
        if record.k is None:
            return f"{record.run} was not measured, so no figures can be compared."
    if not comparable(old, new):
        how = " and ".join(f"{record.run} at {record.k} by {record.split}" for record in (old, new))
        return f"Figures of different depths or splits don't compare: {how}."
    return ""


def differing(old: RunRecord, new: RunRecord) -> list[Row]:
    """Settings, data and costs that differ; settings that have their default say so."""
    return [row for row in _facts(old, new) if row.texts.before != row.texts.after]


def summary(old: RunRecord, new: RunRecord) -> tuple[Word, str]:
    """One word and one sentence: is the new one better?"""
    rows = verdict(old, new)
    first = next((row for row in rows if row.low is not None), None)
    if first is None:
        return "", why_not(old, new) or "Nothing says how sure the differences are."
    thirds = [f"{row.word} for the {row.name.lower()}" for row in by_users(old, new) if row.word in ("better", "worse")]
    where = f" It is {', '.join(thirds)} of the users." if thirds else ""
    says = {"better": "The right one is better", "worse": "The right one is worse"}.get(first.word, "There is no clear difference")
    text = first.texts
    return first.word, f"{says}: {first.name} {text.before} → {text.after}, a change of {text.change} ({text.interval}).{where}"


def _facts(old: RunRecord, new: RunRecord) -> Iterator[Row]:
    for name in sorted(old.settings.keys() | new.settings.keys()):
        yield Row(name, _setting(old, name), _setting(new, name), SETTING)
    yield Row("source", old.source, new.source, SETTING)
    yield Row("data until", old.data_until, new.data_until, MOMENT)
    for title, field in COUNTS:
        yield Row(title, getattr(old, field), getattr(new, field), COUNT)
    ages = [age_between(one.data_until, one.trained_at) for one in (old, new)]
    yield Row("age of the data at training", ages[0], ages[1], AGE)
    if old.seconds and new.seconds:
        yield Row("seconds to train", old.seconds, new.seconds, SECONDS)


def _setting(record: RunRecord, name: str) -> Cell:
    value = record.settings.get(name, "default")
    return value if isinstance(value, str | int | float) else setting(value)


def _paired(name: str, found: SideBySide) -> Row:
    return Row(name, found.old, found.new, MEASURE, found.low, found.high, _word(found.low, found.high), found.n_users)


def _apart(name: str, old: float, new: float, old_error: float | None, new_error: float | None, n: int | None = None) -> Row:
    """Of two means that nobody paired: the errors add up as those of independent ones, which makes the interval too wide, never too
    narrow, where the users were the same."""
    if old_error is None or new_error is None:
        return Row(name, old, new, MEASURE, n=n)
    half = CERTAIN * hypot(old_error, new_error)
    low, high = new - old - half, new - old + half
    return Row(name, old, new, MEASURE, low, high, _word(low, high), n)


def _word(low: float, high: float) -> Word:
    return "better" if low > 0 else "worse" if high < 0 else "no clear difference"


def _turned(found: SideBySide) -> SideBySide:
    back = {"new": found.old, "old": found.new, "difference": -found.difference, "low": -found.high, "high": -found.low}
    return found.model_copy(update=back)
