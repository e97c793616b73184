"""What a run makes besides its own generation while an experiment compares models: one generation for each arm that is a model.

All are of the same rows, which are read once; they are measured, fitted and written one after another, and gated each against what its
arm has now. What is promoted is all of them, in one step (contract/store/lua/promote.lua).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from contract.errors import SettingsError
from contract.experiments.moves import Experiments
from contract.formats.verdict import Verdict
from contract.settings.settings import Settings
from contract.store.generations import Generations
from trainer.run.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Company:
    """`others`: orders of the generations of arms, besides that of the run. `arms`: the generation of each arm that is a model."""

    experiment: str = ""
    others: tuple[RunSpec, ...] = ()
    arms: Mapping[str, str] = field(default_factory=dict)

    def leading(self, verdict: Verdict) -> Verdict:
        """That on the run's own generation, which takes the others with it."""
        return verdict.model_copy(update={"experiment": self.experiment, "company": dict(self.arms)})


def with_model(settings: Settings, model: str) -> Settings:
    """The settings with another model, and all else as it is. Raises SettingsError where they don't go together."""
    try:
        return Settings.model_validate({**{name: getattr(settings, name) for name in settings.model_fields_set}, "model": model})
    except ValidationError as error:
        reason = str(error.errors(include_url=False, include_input=False)[0]["msg"]).removeprefix("Value error, ")
        raise SettingsError(f"arm model={model} does not go with the other settings of a run: {reason}") from None


def company_of(order: RunSpec, generations: Generations) -> Company:
    """None where no experiment has arms that are models. An arm with the model of the run's settings takes the run's own generation."""
    running = Experiments(generations).running()
    if running is None or not running.models:
        return Company()
    others = {}
    for arm, model in running.models.items():
        if model != order.settings.model:
            settings = with_model(order.settings, model)
            others[arm] = replace(order, run=f"{order.run}-{model}", settings=settings, review=False, arm=arm)
    arms = {arm: others[arm].run if arm in others else order.run for arm in running.models}
    return Company(running.id, tuple(others.values()), arms)
