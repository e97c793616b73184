"""What strengths cost and gain is what an evaluation with each of them says, beside plain lists."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from contract.errors import DataError
from contract.formats.evaluation import Evaluation
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import BY_HAND, many
from trainer.cli.show.diverse_table import show
from trainer.evaluation.evaluate import evaluate
from trainer.tuning.diverse import GRID, MOST_USERS, Strengths, measure_strengths


@pytest.fixture(scope="module")
def found() -> Strengths:
    return measure_strengths(interactions_of(many(), times=False), ModelSettings(diversity=0.9), threads=2, limit_bytes=2**30)


def test_each_strength_is_measured_as_an_evaluation_does(found: Strengths) -> None:
    assert [(each.diversity, each.popularity_penalty) for each in found.tried] == list(GRID)
    for at in (0, 5, 9):
        (diversity, penalty), each = GRID[at], found.tried[at]
        single = evaluate(
            interactions_of(many(), times=False),
            ModelSettings(diversity=diversity, popularity_penalty=penalty),
            k=10,
            sample_users=MOST_USERS,
            threads=2,
            limit_bytes=2**30,
            report=lambda *_: None,
        )
        assert isinstance(single, Evaluation)
        assert single.beyond is not None
        assert each.ndcg == pytest.approx(single.model.ndcg, abs=1e-6)
        assert each.coverage == pytest.approx(single.model.coverage, abs=1e-6)
        measured = (each.list_diversity, each.long_tail, each.popularity)
        assert measured == (single.beyond.diversity, single.beyond.long_tail, single.beyond.popularity)
        assert each.change == pytest.approx(each.ndcg / found.tried[0].ndcg - 1, abs=1e-4)


def test_lists_are_more_diverse_and_less_popular(found: Strengths) -> None:
    by = {(each.diversity, each.popularity_penalty): each for each in found.tried}
    diverse = [by[share, 0.0].list_diversity for share in (0.0, 0.3, 0.7)]
    assert diverse == sorted(diverse)
    assert diverse[0] < diverse[2]
    popular = [by[0.0, penalty].popularity for penalty in (0.0, 0.1, 0.2, 0.4)]
    assert popular == sorted(popular, reverse=True)
    assert popular[-1] < popular[0]


def test_the_table_fits_a_terminal_and_says_what_is_off(found: Strengths) -> None:
    out = StringIO()
    show(found, Console(file=out, width=80, soft_wrap=True))
    lines = out.getvalue().splitlines()
    assert "sar. Held out: a random quarter" in lines[0]
    assert lines[3].split()[:3] == ["off", "off", f"{found.tried[0].ndcg:.4f}"]
    assert lines[12].split()[:2] == ["0.3", "0.2"]
    assert all(len(line) <= 80 for line in lines[1:13])


def test_where_the_settings_explore_all_but_the_plain_lists_do() -> None:
    base, interactions = ModelSettings(new_items=20, explore=0.5, k=10), interactions_of(many(), times=False)
    exploring = measure_strengths(interactions, base, threads=2, limit_bytes=2**30)
    plain, first = exploring.tried[:2]
    assert [each.explore for each in exploring.tried] == [0.0, *[0.5] * len(GRID)]
    assert (first.diversity, first.popularity_penalty, first.arguments) == (0.0, 0.0, "--explore 0.5")
    single = evaluate(
        *(interactions, base), k=10, sample_users=MOST_USERS, threads=2, limit_bytes=2**30, report=lambda *_: None, split="stratified"
    )
    assert isinstance(single, Evaluation)
    assert single.exploration is not None
    assert (first.ndcg, plain.ndcg) == pytest.approx((single.exploration.new, single.exploration.old), abs=1e-6)
    assert first.change < 0
    out = StringIO()
    show(exploring, Console(file=out, width=80, soft_wrap=True))
    lines = out.getvalue().splitlines()
    assert lines[4].split()[:3] == ["off", "off", "0.5"]
    assert all(len(line) <= 80 for line in lines[1:14])


def test_too_few_events_are_said() -> None:
    with pytest.raises(DataError, match="nothing can be held out"):
        measure_strengths(interactions_of(BY_HAND[:2]), ModelSettings(), threads=1, limit_bytes=2**30)
