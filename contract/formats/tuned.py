"""What a tune found, as Redis keeps it and as pages, `status` and manifests show it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

ERRORS = 2.0  # standard errors by which one model is better than another
TIMES = 2.0  # a gain from which it is told as a factor


class Measured(BaseModel):
    """One candidate. `gain`: relative to the run's own settings on the same users; `low`, `high`: its interval, by paired bootstrap."""

    model_config = ConfigDict(frozen=True)

    arguments: str = Field(description="as `larder run` takes them; empty: the settings as they come")
    options: dict[str, Any]
    ndcg: float
    gain: float
    errors: float = Field(description="the gain in standard errors of the paired difference")
    low: float = 0.0
    high: float = 0.0
    n_users: int = Field(description="users on whom it was measured: more in each rung that it reached")


class Tuned(BaseModel):
    """`winner` is `default` where nothing is better by more than chance."""

    model_config = ConfigDict(frozen=True)

    source: str
    n_users: int
    n_items: int
    n_interactions: int
    data_until: str | None
    how: str = Field(description="what was held out: moment, own last, stratified; two of them with a + between")
    n_users_measured: int
    share: float = Field(1.0, description="part of the users that was looked at")
    seed: int
    budget_s: float
    seconds: float
    cut_short: str = Field("", description="why not all of the plan was tried; empty: all was")
    left_out: tuple[str, ...] = Field((), description="what the budget or the memory did not allow")
    tuned_at: str = ""
    generation: str = Field("", description="the generation whose settings were compared; empty: those of a command")
    default: Measured
    popularity: Measured
    winner: Measured
    tried: tuple[Measured, ...]

    @property
    def is_better(self) -> bool:
        """Whether something else than the run's own settings won."""
        return self.winner.arguments != self.default.arguments

    @property
    def loses_to_popularity(self) -> bool:
        """Whether popularity alone is better than the run's own settings, by more than two standard errors."""
        return self.popularity.errors > ERRORS

    @property
    def advice(self) -> str:
        """One sentence for people; "" where the settings are as good as any."""
        if not self.is_better:
            return ""
        gain = self.winner.gain
        better = f"{100 * gain:.0f} % better" if gain < TIMES else f"{1 + gain:.1f} times as well"
        return f'on these data {_name(self.winner.options)} would do {better}: make retrain ARGS="--model auto"'


def _name(options: dict[str, Any]) -> str:
    name = str(options.get("model", "sar"))
    return f"{name} with {options['blend']}" if options.get("blend") else name
