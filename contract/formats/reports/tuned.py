"""What a tune found, as Redis keeps it and as pages, `status` and manifests show it."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.formats.manifest import Manifest
from contract.settings.family import FamilySettings
from contract.settings.settings import ModelSettings

CHOSEN = frozenset({*FamilySettings.model_fields, "neighbors", "normalize", "engine"})
"""Settings that a choice sets, or puts back to their defaults; all others stay what they are."""

ERRORS = 2.0  # standard errors by which one model is better than another
TIMES = 2.0  # a gain from which it is told as a factor
LEAST = 0.01  # a gain below which it is told in parts of a per cent


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
    because: str = Field("", description="why a run tuned that nobody had told to")
    diversity: float = Field(0.0, description="of the lists of all that was tried, as a run has it; popularity_penalty and explore too")
    popularity_penalty: float = 0.0
    explore: float = 0.0
    exclude_seen: bool = Field(True, description="whether lists left out what a user had before, so that it was not to be found")
    again: float = Field(0.0, description="part of the pairs that were held out, and that the user had before")
    target: str = Field("", description="type of the events that were to be found; empty: all were")
    left_out: tuple[str, ...] = Field((), description="what the budget or the memory did not allow")
    tuned_at: str = ""
    default: Measured
    popularity: Measured
    winner: Measured
    tried: tuple[Measured, ...]

    @classmethod
    def read(cls, raw: bytes) -> Self | None:
        """None for what another version wrote in another form."""
        try:
            return cls.model_validate_json(raw)
        except ValidationError:
            return None

    def speaks_of(self, manifest: Manifest) -> bool:
        """Whether it compared the settings of that generation with others, on the same source."""
        is_alike = self.source == manifest.source and self.default.options == chosen_options(manifest.settings)
        return is_alike and self.ranks_as(manifest.settings) and self.target == manifest.reading.get("target", "")

    def ranks_as(self, model: ModelSettings) -> bool:
        """Whether lists were compared as `model` makes them: with its strengths, and with what was seen or without."""
        how = (model.diversity, model.popularity_penalty, model.explore, model.exclude_seen)
        return (self.diversity, self.popularity_penalty, self.explore, self.exclude_seen) == how

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
        name, served = _name(self.winner.options), _name(self.default.options)
        name += " with other settings" if name == served else ""
        return f'on these data {name} would do {_better(self)}: make retrain ARGS="--model auto"'


def told(manifest: Manifest) -> str:
    """Which model a generation has, and, where a tune chose it, what for."""
    name = _name(manifest.settings.model_dump())
    if target := manifest.reading.get("target"):
        name += f" of what leads to the event {str(target)[:40]!r}"
    if not manifest.tuning:
        return name
    try:
        tuned = Tuned.model_validate(manifest.tuning)
    except ValidationError:
        return f"{name}, chosen by a tune of another version"
    if not tuned.is_better:
        return f"{name}: a tune of {tuned.tuned_at[:10]} found nothing better by more than chance"
    against = f"nDCG@10 {tuned.winner.ndcg:.4f} against {tuned.default.ndcg:.4f} of {_name(tuned.default.options)}"
    text = f"{name}, chosen by a tune of {tuned.tuned_at[:10]}: {_better(tuned)}, {against}, {tuned.n_users_measured:,} users"
    return f"{text}; {tuned.because}" if tuned.because else text


def _better(found: Tuned) -> str:
    """How much better the winner is than the run's own settings; where those find nothing, no part of it."""
    gain = found.winner.gain
    if not found.default.ndcg:
        return f"better, as {_name(found.default.options)} finds nothing of what comes next"
    if gain < TIMES:
        return f"{100 * gain:.0f} % better" if gain >= LEAST else f"{100 * gain:.2g} % better"
    return f"{1 + gain:.1f} times as well"


def _name(options: dict[str, Any]) -> str:
    name = str(options.get("model", "sar"))
    return f"{name} with {options['blend']}" if options.get("blend") else name


def chosen_options(model: ModelSettings) -> dict[str, Any]:
    """What of `CHOSEN` is not as it comes by itself."""
    said = model.model_dump(include=set(CHOSEN))
    plain = ModelSettings(model=model.model).model_dump()
    return {name: value for name, value in said.items() if value != plain[name] or (name == "model" and value != "sar")}
