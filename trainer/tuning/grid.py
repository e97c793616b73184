"""What is tried: the run's own settings, popularity, and a small grid of matrix × affinity × prior.

Candidates whose matrix is the same are fitted once: affinity and prior change only what scores are made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.formats.reports.tuned import CHOSEN, chosen_options
from contract.settings.family import AUTO, MATRIXLESS
from contract.settings.settings import ModelSettings

Options = Mapping[str, Any]

DEPTH = 10  # of the lists that are measured
NEIGHBORS = 200
"""Nearest items that regressions are solved on where the catalogue is large."""

MATRICES: tuple[Options, ...] = (
    {"model": "ease"},
    {"model": "edlae", "ridge": 100.0, "fit_decay_days": 0.0, "blend": "slit"},
    {"model": "ease", "blend": "slit"},
    {"model": "ease", "ridge": 30.0, "fit_decay_days": 30.0},
    {"model": "edlae", "fit_decay_days": 0.0},
    {"model": "slit", "ridge": 30.0},
    {"model": "itemknn", "neighbors": NEIGHBORS},
    {"model": "rp3beta", "neighbors": NEIGHBORS},
    {"model": "ease", "ridge": 30.0, "blend": "slit"},
)
"""In the order in which they are believed in: the first ones are tried where there is not time for all."""

FOR_TARGETS: tuple[Options, ...] = (
    {"model": "ease"},
    {"model": "ease", "ridge": 30.0},
    {"model": "ease", "ridge": 100.0, "fit_decay_days": 0.0},
    {"model": "ease", "ridge": 10.0, "fit_decay_days": 0.0},
    {"model": "ease", "ridge": 1000.0},
)
"""The same where some events are those of a target."""

FOR_REPEATS: tuple[Options, ...] = (
    {"model": "ease", "repeat_gain": 0.3},
    {"model": "ease", "repeat_gain": 0.0},
)
"""Tried beside the first ones where lists may hold what a user has had."""

TRENDS: tuple[Options, ...] = tuple({"model": "trending", "prior_days": days} for days in (3.0, 14.0, 60.0))
AFFINITIES = ("", "binary:rank:0.9", "binary", "binary:rank:0.99", "binary:rank:0.7")
REPEATED = ("", "log:own-last:60", "weights:own-last:60", "binary:rank:0.9", "log")
"""Affinities where lists may hold what a user has had: how often counts."""

PRIORS: tuple[Options, ...] = (
    {},
    {"prior_gain": 0.02},
    {"prior_gain": 0.01},
    {"prior_gain": 0.05},
    {"prior_gain": 0.1},
    {"prior_gain": 0.3},
    {"prior_gain": 0.1, "prior_days": 3.0},
)
FIRST = (2, 2)
"""Of affinities and of priors, how many each matrix is first tried with."""

_SHARED = ("model", "fit_decay_days", "repeat_gain", "ridge", "dropout", "alpha", "beta", "weighting", "shrinkage", "past", "future",
           "blend", "blend_share", "neighbors", "similarity", "time_decay_days", "threshold", "engine")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """`options`: what is set beyond the defaults. `is_default`: the run's own settings as they are."""

    options: Options
    is_default: bool = False

    @property
    def arguments(self) -> str:
        """As `larder run` takes them; "" for the settings as they come."""
        return " ".join(_argument(name.replace("_", "-"), value) for name, value in self.options.items())

    def settings(self, base: ModelSettings) -> ModelSettings:
        if self.is_default:
            return base
        kept = {name: value for name, value in base.model_dump().items() if name not in CHOSEN}
        return ModelSettings.model_validate({**kept, **self.options})


@dataclass(frozen=True, slots=True)
class Grid:
    """`matrices` that a budget leaves, of all there are; `apart`: what is neither a default nor has a matrix."""

    default: Candidate
    apart: tuple[Candidate, ...]
    matrices: tuple[Options, ...]
    has_times: bool
    exclude_seen: bool = True

    def variants(self, matrix: Options, *, first: bool) -> list[Candidate]:
        """A matrix with affinities and priors: a few `first`, or all."""
        affinities: tuple[str, ...] = AFFINITIES if self.exclude_seen else REPEATED
        if not self.has_times:
            affinities = ("",) if self.exclude_seen else ("", "log")
        priors: tuple[Options, ...] = PRIORS if self.has_times else ({}, {"prior_gain": 0.1, "prior_days": 0.0})
        if first:
            affinities, priors = affinities[: FIRST[0]], priors[: FIRST[1]]
        return [
            Candidate({**matrix, **({"affinity": affinity} if affinity else {}), **prior}) for affinity in affinities for prior in priors
        ]


def grid(base: ModelSettings, *, has_times: bool, whole: bool, has_target: bool = False) -> Grid:
    """All that may be tried. `whole`: regressions are solved on all items, and not on the nearest ones; with a target they are whole, or
    not tried."""
    near = {} if whole or has_target else {"neighbors": NEIGHBORS}
    usable: Iterable[Options] = [matrix for matrix in MATRICES if has_times or "slit" not in (matrix["model"], matrix.get("blend"))]
    if has_target:
        usable = FOR_TARGETS if whole else ()
    elif not base.exclude_seen:
        usable = (*FOR_REPEATS, *usable)
    if not has_times:  # nothing decays, and options say only what counts
        usable = [{name: value for name, value in matrix.items() if name != "fit_decay_days"} for matrix in usable]
    return Grid(
        default=default_of(base),
        apart=(Candidate({"model": "popularity"}), *(Candidate(trend) for trend in TRENDS if has_times)),
        matrices=tuple({**matrix, **({} if "neighbors" in matrix else near)} for matrix in usable),
        has_times=has_times,
        exclude_seen=base.exclude_seen,
    )


def default_of(base: ModelSettings) -> Candidate:
    """The run's own settings."""
    return Candidate(chosen_options(base), is_default=True)


def unchosen(base: ModelSettings) -> ModelSettings:
    """What a run fits that has no winner: of `auto` the defaults, with all that a choice leaves alone."""
    return base if base.model != AUTO else Candidate({}).settings(base)


def matrix_of(model: ModelSettings) -> tuple[Any, ...]:
    """What the matrix of a model follows from: equal for candidates that share it."""
    kind = model.affinity.partition(":")[0] or "binary"
    own_days = model.prior_days if model.model in MATRIXLESS else 0.0
    return (*(getattr(model, name) for name in _SHARED), kind, own_days)


def _argument(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}"
