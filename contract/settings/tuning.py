"""Settings of the choice of a model: how long a tune may take, and when there is one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TuneSettings(BaseModel):
    """None of these changes what a model computes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tune_budget_s: float = Field(
        120.0, ge=5, le=86400, description="Seconds after which a tune begins to measure nothing more. A longer tune tries more models."
    )
    tune_days: float = Field(
        0.0, ge=0, description="Age in days from which a run with model auto replaces the winner that it keeps to; 0: only when it is told."
    )
    retune: bool = Field(False, description="A run with model auto tunes again, and ignores the winner that it kept.")
    tune_unasked: bool = Field(
        True,
        description="After a promotion, compare other models with what is served, at the lowest priority; and let a first run choose "
        "another model where sar is worse than popularity.",
    )
