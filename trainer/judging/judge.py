"""The arms of an experiment against one of them, by a test that may be looked at every day."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contract.experiments.definition import Experiment
from contract.settings.settings import Settings
from trainer.judging.credit import won
from trainer.judging.ratio import unlike
from trainer.judging.trials import Trials, What, trials
from trainer.sequential.signs import evidence_of_signs
from trainer.sequential.two_arms import Evidence, Look, Verdict, difference_between, evidence, rate_between


class Judged(NamedTuple):
    """An arm: users who count, how many of them did something, and bounds of their rate. Of all but the arm that they are held against:
    bounds of the difference of rates, the evidence, and what it comes to."""

    arm: str
    users: int
    successes: int
    rate: tuple[float, float]
    difference: tuple[float, float] | None = None
    evidence: Evidence = Evidence()
    verdict: Verdict = ""
    withheld: str = ""
    """Why there is no verdict, whatever the evidence: arms were not shown to the same kind of people."""


def judge(settings: Settings, experiment: Experiment, what: What, alpha: float, now: datetime) -> list[Judged]:
    """Each arm, that which others are held against first. `alpha`: the share of experiments without any difference, at the most, of which
    some verdict, ever, says that there is one; of several arms each gets its part of it. Raises SettingsError."""
    if experiment.interleaves:
        return _interleaved(settings, experiment, what, alpha, now)
    (found, periods), reference = trials(settings, experiment, what, now), experiment.reference
    withheld = unlike(periods)
    others = [arm for arm in experiment.names if arm != reference]
    part = alpha / len(others)
    base = found[reference]
    judged = [_told(reference, base, alpha)]
    for arm in others:
        looks = [Look(*first, *second) for first, second in zip(base, found[arm], strict=True)]
        so_far = evidence(looks)
        difference = difference_between(Look(*_sum(base), *_sum(found[arm])), part)
        told = _told(arm, found[arm], alpha)._replace(difference=difference, evidence=so_far, withheld=withheld)
        judged.append(told._replace(verdict="" if withheld else so_far.verdict(part)))
    return judged


def _interleaved(settings: Settings, experiment: Experiment, what: What, alpha: float, now: datetime) -> list[Judged]:
    """Of users who took more picks of one arm than of the other: how many each arm won."""
    days = won(settings, experiment, what, now)
    first, second = sum(day.first for day in days), sum(day.second for day in days)
    (other,) = (arm for arm in experiment.names if arm != experiment.reference)
    so_far, rate = evidence_of_signs(days), rate_between(first + second, second, alpha)
    judged = Judged(other, first + second, second, rate)
    bounds = (2 * rate[0] - 1, 2 * rate[1] - 1)
    return [
        Judged(experiment.reference, first + second, first, (1 - rate[1], 1 - rate[0])),
        judged._replace(difference=bounds, evidence=so_far, verdict=so_far.verdict(alpha)),
    ]


def _told(arm: str, days: list[Trials], alpha: float) -> Judged:
    total = _sum(days)
    return Judged(arm, *total, rate_between(*total, alpha))


def _sum(days: list[Trials]) -> Trials:
    return Trials(sum(day.n for day in days), sum(day.successes for day in days))
