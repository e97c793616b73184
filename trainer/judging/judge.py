"""The arms of an experiment against one of them, by a test that may be looked at every day."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contract.experiments.definition import Experiment
from contract.settings.settings import Settings
from trainer.judging.ratio import unlike
from trainer.judging.trials import Trials, What, trials
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


def _told(arm: str, days: list[Trials], alpha: float) -> Judged:
    total = _sum(days)
    return Judged(arm, *total, rate_between(*total, alpha))


def _sum(days: list[Trials]) -> Trials:
    return Trials(sum(day.n for day in days), sum(day.successes for day in days))
