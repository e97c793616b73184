"""Settings of the family of models: which one is fitted, on what, with which parameters, and what is added to its scores."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ModelName = Literal["sar", "ease", "edlae", "itemknn", "popularity", "rp3beta", "slit", "trending"]
Kind = Literal["binary", "weights", "log"]
Decay = Literal["none", "now", "own-last", "rank"]

AUTO = "auto"
"""In place of a model: the last winner of a tune, or of one that the run makes."""

MATRIXLESS = ("popularity", "trending")
"""Models that are a vector alone."""

FOR_TARGETS = ("sar", "ease", *MATRIXLESS)
"""Models that tell events of a target from others (docs/models.md)."""


class AffinityChoice(NamedTuple):
    """`amount`: of `now` and `own-last` a half-life in days, of `rank` what a step leaves of a weight."""

    kind: Kind
    decay: Decay
    amount: float


_DEFAULT = "binary:own-last:60"
_AMOUNTS: dict[str, float] = {"none": 0.0, "now": 60.0, "own-last": 60.0, "rank": 0.9}


class FamilySettings(BaseModel):
    """`neighbors`, `k` and what else all models have stands in ModelSettings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName | Literal["auto"] = Field(
        "sar", description="What is fitted (docs/models.md); auto: what a tune on the data has chosen, all other settings of the model too."
    )
    affinity: str = Field(
        "",
        description="Weights of a user's items, as KIND, KIND:DECAY or KIND:DECAY:AMOUNT: binary, weights or log; none, now, own-last (a "
        "half-life in days) or rank (what a step leaves); empty: " + _DEFAULT + ", and of sar its own, by LARDER_TIME_DECAY_DAYS.",
    )
    fit_decay_days: float = Field(
        120.0,
        ge=0,
        description="Half-life in days of a pair's weight in what a model other than sar is fitted on, doubled until a quarter of all "
        "weight is left; 0 turns it off.",
    )
    ridge: float = Field(0.0, ge=0, description="λ of ease, edlae and slit; 0: the model's own, which is 300, 50 and 300.")
    dropout: float = Field(0.8, ge=0, le=0.99, description="Share of the inputs that edlae drops.")
    alpha: float = Field(1.0, gt=0, le=4, description="Exponent of the transition probabilities of rp3beta.")
    beta: float = Field(0.3, ge=0, le=4, description="Exponent of an item's popularity, by which rp3beta divides.")
    weighting: Literal["cosine", "tfidf", "bm25"] = Field("cosine", description="Weighting of itemknn.")
    shrinkage: float = Field(10.0, ge=0, description="Shrinkage of itemknn's cosine and tfidf.")
    past: float = Field(0.7, ge=0, le=1, description="Factor of an item's weight for each step back in slit.")
    future: float = Field(0.7, ge=0, le=1, description="Factor of an item's weight for each step ahead in slit.")
    blend: ModelName | Literal[""] = Field("", description="A second model, whose weights and prior are added; empty: none.")
    blend_share: float = Field(0.5, ge=0, le=1, description="Share of the second model in the sum; the first model has the rest.")
    repeat_gain: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="What an item that a user has says for itself where lists may hold it (LARDER_EXCLUDE_SEEN=false), beside what the "
        "model's weights say; 0: nothing. Not of sar, whose similarity has it.",
    )
    prior_gain: float = Field(
        0.0, ge=0, le=1000, description="How strongly recent popularity is added to every user's scores; 0: not at all, 0.1: a little."
    )
    prior_days: float = Field(
        14.0, ge=0, description="Half-life in days of an event in the prior and in trending; 0: all events count alike."
    )

    @model_validator(mode="before")
    @classmethod
    def _only_sar_normalizes(cls, given: Any) -> Any:
        """Where nobody has said, scores of the other models are not normalised."""
        if isinstance(given, dict) and given.get("model", "sar") != "sar" and "normalize" not in given:
            return {**given, "normalize": False}
        return given

    @field_validator("affinity")
    @classmethod
    def _known_affinity(cls, value: str) -> str:
        affinity_of(value)
        return value

    @model_validator(mode="after")
    def _fits_the_model(self) -> Self:
        if reason := self._unfit():
            raise ValueError(reason)
        return self

    @property
    def has_prior(self) -> bool:
        return bool(self.prior_gain) or not {self.model, self.blend}.isdisjoint(MATRIXLESS)

    def _unfit(self) -> str:
        """Why these settings don't go together; "" where they do."""
        normalizes, engine = bool(getattr(self, "normalize", False)), getattr(self, "engine", "larder")
        if engine == "recommenders" and (self.model != "sar" or self.affinity or self.prior_gain):
            return "the engine recommenders has SAR alone, with its own affinity and without a prior: use the engine larder"
        if engine == "spark" and self.model == AUTO:
            return "the model auto stands for an engine, too: with the engine spark name the model"
        if engine == "spark" and "slit" in (self.model, self.blend):
            return "the engine spark counts users in common, and slit learns from the order of their items: use the engine larder"
        if self.model != "sar" and normalizes:
            return f"normalize maps scores to the scale of the weights, which is sar's: with model {self.model} say --no-normalize"
        if self.model == "sar" and normalizes and (self.affinity or self.prior_gain):
            return "sar's normalize knows its own affinity alone, and no prior: with --affinity or --prior-gain say --no-normalize"
        if self.blend and (self.model == "sar" or self.blend in ("sar", self.model)):
            return f"a blend is of two different models that are not sar; these are {self.model} and {self.blend}"
        if self.model in MATRIXLESS and (self.blend or self.prior_gain):
            return f"{self.model} is a prior alone: leave out prior_gain and blend, or name the other model first"
        if self.prior_days == 0 and "trending" in (self.model, self.blend):
            return "trending counts what is new: prior_days is more than 0"
        return ""


def unfit_for_target(settings: object) -> str:
    """Why a model with these settings can't have a target; "" where it can, or where they say nothing of models."""
    model, blend = getattr(settings, "model", AUTO), getattr(settings, "blend", "")
    engine = getattr(settings, "engine", "larder")
    if engine == "recommenders":
        return "the engine recommenders has SAR alone, which knows no target: use the engine larder"
    if engine == "spark":
        return "the engine spark sends one row of a user, and a target needs two, of all events and of the target's: use the engine larder"
    if model not in (*FOR_TARGETS, AUTO):
        return f"the model {model} learns from all events alike; with a target the models are {', '.join(FOR_TARGETS)}"
    return "a blend knows no target: fit one model" if blend else ""


def affinity_of(text: str) -> AffinityChoice:
    """KIND[:DECAY[:AMOUNT]]; raises ValueError for what is not of that form."""
    kind, _, rest = (text or _DEFAULT).partition(":")
    decay, _, amount = rest.partition(":")
    decay = decay or "none"
    if kind not in get_args(Kind) or decay not in get_args(Decay) or (amount and decay == "none"):
        known = f"a kind ({', '.join(get_args(Kind))}) and a decay ({', '.join(get_args(Decay))})"
        raise ValueError(f"expected KIND, KIND:DECAY or KIND:DECAY:AMOUNT of {known}, as in binary:own-last:60")
    try:
        value = float(amount) if amount else _AMOUNTS[decay]
    except ValueError:
        raise ValueError(f"{amount[:20]!r} is not a number; expected days, or of rank what a step leaves, as in binary:rank:0.9") from None
    if decay == "rank" and not 0 < value <= 1:
        raise ValueError(f"a step of rank leaves {value:g} of a weight; expected more than 0 and at most 1, as in binary:rank:0.9")
    if decay in ("now", "own-last") and not 0.001 <= value <= 1e6:
        raise ValueError(f"a half-life of {value:g} days; expected 0.001 to 1000000, as in binary:own-last:60")
    return AffinityChoice(kind, decay, value)  # type: ignore[arg-type]
