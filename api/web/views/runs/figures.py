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
    return f"{seconds / DAY_S:,.1f} days" if seconds >= DAY_S else duration(seconds)


FIGURES = (
    _measure("ndcg", "nDCG", beside=True),
    _measure("recall", "Recall", beside=True),
    Figure("Coverage of the catalogue", lambda record: record.model.get("coverage"), percent, is_measured=True),
    Figure("Interactions", lambda record: record.n_interactions, number),
    Figure("Users", lambda record: record.n_users, number),
    Figure("Time to train", lambda record: record.seconds or None, duration),
    Figure("Age of the newest interaction at training", lambda record: age_between(record.data_until, record.trained_at), _age),
)
