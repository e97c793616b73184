"""The figures of a run that are drawn over time."""

from __future__ import annotations

from api.web.views.formats import age_between, duration, number, percent
from api.web.views.runs.timelines import DAY_S, Figure


def _measure(name: str, title: str, *, beside: bool = False) -> Figure:
    return Figure(
        title,
        lambda record: record.model.get(name),
        "{:.4f}".format,
        (lambda record: record.popularity.get(name)) if beside else (lambda _record: None),
        is_measured=True,
    )


def _age(seconds: float) -> str:
    days = seconds / DAY_S
    if days >= 730:
        return f"{days / 365.25:,.1f} years"
    return f"{days:,.1f} days" if days >= 1 else duration(seconds)


def _time_briefly(seconds: float) -> str:
    for unit, length in (("y", 365.25 * DAY_S), ("d", DAY_S), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _briefly(count: float) -> str:
    """As it has room beside an axis."""
    return f"{count / 1e6:,.1f} M" if count >= 1e6 else number(count)


FIGURES = (
    _measure("ndcg", "nDCG", beside=True),
    _measure("recall", "Recall", beside=True),
    Figure("Coverage of the catalogue", lambda record: record.model.get("coverage"), percent, is_measured=True),
    Figure("Interactions", lambda record: record.n_interactions, number, axis=_briefly),
    Figure("Users", lambda record: record.n_users, number, axis=_briefly),
    Figure("Time to train", lambda record: record.seconds or None, duration, axis=_time_briefly),
    Figure(
        "Age of the newest interaction at training",
        lambda record: age_between(record.data_until, record.trained_at),
        _age,
        axis=_time_briefly,
    ),
)
