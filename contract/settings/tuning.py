"""Settings of the choice of a model: how long a tune may take, and when there is one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TuneSettings(BaseModel):
    """None of these changes what a model computes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tune_budget_s: float = Field(120.0, ge=5, le=86400, description="Seconds that a tune may take; what it tries follows from them.")
