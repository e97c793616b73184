"""What `larder tune` prints: the plot by hand, the winner to copy, and what was not done."""

from __future__ import annotations

from io import StringIO
from xml.etree import ElementTree

from rich.console import Console

from contract.formats.reports.tuned import Measured, Tuned
from trainer.cli.show.tune_table import interval_of, lines_of, scale_of, show
from trainer.tuning.plot import svg

DEFAULT = Measured(arguments="", options={}, ndcg=0.1, gain=0, errors=0, n_users=300)
POPULARITY = Measured(
    arguments="--model popularity", options={"model": "popularity"}, ndcg=0.08, gain=-0.2, errors=-3, low=-0.3, high=-0.1, n_users=300
)
EASE = Measured(
    arguments="--model ease --ridge 30",
    options={"model": "ease", "ridge": 30.0},
    ndcg=0.131,
    gain=0.31,
    errors=5,
    low=0.2,
    high=0.4,
    n_users=300,
)


def tuned(winner: Measured = EASE, **more: object) -> Tuned:
    fields: dict[str, object] = {
        "source": "mine.csv",
        "n_users": 900,
        "n_items": 70,
        "n_interactions": 9000,
        "data_until": None,
        "how": "moment",
        "n_users_measured": 300,
        "seed": 42,
        "budget_s": 120,
        "seconds": 3.4,
        "default": DEFAULT,
        "popularity": POPULARITY,
        "winner": winner,
        "tried": (EASE, DEFAULT, POPULARITY),
    }
    return Tuned.model_validate({**fields, **more})


def printed(found: Tuned) -> str:
    out = StringIO()
    show(found, Console(file=out, width=120))
    return out.getvalue()


def test_where_people_take_things_again_it_says_which_lists_would_hold_them() -> None:
    said = "60% of what was held out the user had had before. Lists leave that out; where people take things again, --no-exclude-seen lists"
    assert said in "\n".join(lines_of(tuned(again=0.6)))
    assert "--no-exclude-seen" not in printed(tuned(again=0.19))
    assert "--no-exclude-seen" not in printed(tuned(again=0.6, exclude_seen=False))


def test_the_winner_stands_as_arguments_and_as_settings_to_copy() -> None:
    text = printed(tuned())
    assert 'make retrain ARGS="--model ease --ridge 30"' in text
    assert "LARDER_MODEL=ease LARDER_RIDGE=30" in text
    assert "+31.0 %" in text
    assert "mine.csv: 900 users, 70 items, 9,000 interactions" in text


def test_what_was_not_done_and_what_popularity_does_better_is_said() -> None:
    better = POPULARITY.model_copy(update={"errors": 2.5})
    lines = lines_of(tuned(DEFAULT, cut_short="a run waits", left_out=("--model slit",), popularity=better))
    assert any("nothing of the grid is better" in line for line in lines)
    assert any("Popularity alone is better" in line for line in lines)
    assert any("--model slit" in line for line in lines)
    assert any(line.startswith("Cut short: a run waits") for line in lines)


def test_the_plot_by_hand() -> None:
    assert scale_of([EASE, POPULARITY]) == (-0.3, 0.4)
    assert interval_of(EASE, -0.2, 0.75) == "    |   --o--       "
    assert scale_of([DEFAULT]) == (-1.0, 1.0)


def test_advice_says_how_much_better_and_what_to_type() -> None:
    assert tuned().advice == 'on these data ease would do 31 % better: make retrain ARGS="--model auto"'
    assert "4.5 times as well" in tuned(EASE.model_copy(update={"gain": 3.5})).advice
    assert tuned(DEFAULT).advice == ""
    assert "ease would do 0.43 % better: make" in tuned(EASE.model_copy(update={"gain": 0.0043})).advice
    served = DEFAULT.model_copy(update={"arguments": "--model ease", "options": {"model": "ease"}})
    assert "on these data ease with other settings would do 31 % better: make" in tuned(default=served).advice


def test_a_gain_over_nothing_is_not_told_in_per_cent() -> None:
    """Where the run's own settings find nothing, a gain is the winner's nDCG: 0.04 is not 4 % better."""
    nothing = DEFAULT.model_copy(update={"ndcg": 0.0})
    advice = tuned(EASE.model_copy(update={"ndcg": 0.04, "gain": 0.04}), default=nothing).advice
    assert advice.startswith("on these data ease would do better, as sar finds nothing of what comes next: make retrain")


def test_the_plot_is_a_picture_with_a_row_for_each() -> None:
    root = ElementTree.fromstring(svg(tuned(source="<&>")))
    assert len([each for each in root.iter() if each.tag.endswith("circle")]) == 3
    assert "--model ease --ridge 30" in [each.text for each in root.iter() if each.text]
