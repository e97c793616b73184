"""What an offline evaluation says: figures that a manifest carries from one run to the next."""

from __future__ import annotations

from math import copysign, inf
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contract.formats.beyond import Beyond, Segments, Third
from contract.formats.manifest import Manifest

Split = Literal["time", "stratified"]
GATE_DEPTH = 10  # where models are compared whose k differs; every model is measured there as well


class Metrics(BaseModel):
    """Ranking metrics at k, means over the evaluated users, from 0 to 1; eight decimals."""

    model_config = ConfigDict(frozen=True)

    precision: float
    recall: float
    ndcg: float
    map: float = Field(description="recommenders' `map`: average precision over all held-out items of a user, be they more than k")
    coverage: float = Field(description="part of the training part's items that stand in at least one of the lists")


class Errors(BaseModel):
    """Standard errors of those means, over the evaluated users."""

    model_config = ConfigDict(frozen=True)

    precision: float
    recall: float
    ndcg: float
    map: float


class SideBySide(BaseModel):
    """nDCG at `depth` of two models on the same held-out events of the same users.

    `difference`: new − old; `errors`: that in standard errors.
    """

    model_config = ConfigDict(frozen=True)

    depth: int
    n_users: int
    new: float
    old: float
    difference: float
    standard_error: float
    low: float = Field(description="of the interval that holds the difference with 95 %, by bootstrap over users")
    high: float

    @property
    def errors(self) -> float:
        if self.standard_error:
            return self.difference / self.standard_error
        return copysign(inf, self.difference) if self.difference else 0.0


class Against(BaseModel):
    """The served model beside the new one: its settings, fitted on the same training part. Without `ndcg`, `reason` says why."""

    model_config = ConfigDict(frozen=True)

    generation: str
    ndcg: SideBySide | None = None
    thirds: dict[Third, SideBySide] = Field({}, description="the same of each third of the users, by their number of interactions")
    reason: str = ""


class Evaluation(BaseModel):
    """The model, and popularity alone, on interactions that neither has seen."""

    model_config = ConfigDict(frozen=True)

    k: int
    split: Split
    sample_users: int = Field(description="users that were asked for at the most")
    n_users_evaluated: int
    n_users_total: int
    n_train: int = Field(description="interactions that the evaluated model was fitted on")
    n_test: int = Field(description="pairs of user and item that the lists had to find")
    model: Metrics
    popularity: Metrics
    seconds: float
    at_gate_depth: Metrics | None = Field(None, description="the model at 10, whatever k is; None: k is 10, or an older version measured")
    errors: Errors | None = Field(None, description="of `model`; None: an older version measured")
    errors_at_gate_depth: Errors | None = None
    beyond: Beyond | None = Field(None, description="of the model's lists at k; None: an older version measured")
    beyond_popularity: Beyond | None = Field(None, description="of popularity's")
    segments: Segments | None = None
    beside_popularity: SideBySide | None = Field(None, description="the model as new, popularity as old")
    exploration: SideBySide | None = Field(None, description="lists that explore as new, the same without as old; None: none does")
    against: Against | None = Field(None, description="the served model; None: nothing was served, or an older version measured")

    def errors_at(self, depth: int) -> Errors | None:
        """Standard errors of `model_at(depth)`."""
        if depth == self.k:
            return self.errors
        return self.errors_at_gate_depth if depth == GATE_DEPTH else None

    def model_at(self, depth: int) -> Metrics | None:
        """The model's metrics at `depth`; None where nobody measured there."""
        if depth == self.k:
            return self.model
        return self.at_gate_depth if depth == GATE_DEPTH else None


class NotEvaluated(BaseModel):
    """Why there are no figures."""

    model_config = ConfigDict(frozen=True)

    reason: str


class Figures(BaseModel):
    """What the gate compares of a generation."""

    model_config = ConfigDict(frozen=True)

    n_users: int
    n_items: int
    depth: int = Field(description="items that a list holds at the most")
    data_until: str | None = Field(None, description="time of the latest interaction, UTC, ISO 8601")
    evaluation: Evaluation | NotEvaluated | None = Field(None, description="None: nobody asked for one")
    items_listed: float | None = Field(None, description="items of a list on average, once lists are written")

    @classmethod
    def of(cls, manifest: Manifest, items_listed: float | None = None) -> Self:
        """Those of a manifest, without erased users. An evaluation of a form that this version doesn't know counts as none."""
        try:
            evaluation = _RESULT.validate_python(manifest.evaluation)
        except ValidationError:
            evaluation = NotEvaluated(reason="its evaluation was written by another version")
        return cls(
            n_users=manifest.n_users - len(manifest.erased),
            n_items=manifest.n_items,
            depth=manifest.settings.stored_depth,
            data_until=manifest.data_until,
            evaluation=evaluation,
            items_listed=items_listed,
        )


_RESULT: TypeAdapter[Evaluation | NotEvaluated | None] = TypeAdapter(Evaluation | NotEvaluated | None)
