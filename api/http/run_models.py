"""What may be asked of the routes that change something, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, create_model
from pydantic.fields import FieldInfo

from api.http.answer_models import IDS, AnswerModel, AnyId
from api.http.request_models import whole
from contract.formats.incoming.strict import RequestModel
from contract.settings.settings import ModelSettings, SourceSettings


def _optional(field: FieldInfo) -> tuple[Any, FieldInfo]:
    """The field of a setting, with its limits, that need not be given."""
    rules = (*field.metadata, BeforeValidator(whole)) if field.annotation is int else tuple(field.metadata)
    annotation: Any = field.annotation
    for rule in rules:
        annotation = Annotated[annotation, rule]
    return annotation, Field(field.default, description=field.description)


if TYPE_CHECKING:
    RunOptions = RequestModel
else:
    RunOptions = create_model(
        "RunOptions",
        __base__=RequestModel,
        __doc__="Settings of this run alone, in place of the trainer's own. Those of the source need LARDER_RUN_SOURCES.",
        **{name: _optional(field) for group in (ModelSettings, SourceSettings) for name, field in group.model_fields.items()},
    )


class RunRequest(RequestModel):
    options: RunOptions | None = Field(None, description="Settings of this run alone; what is not given is the trainer's own.")
    force: bool = Field(False, description="Promote it whatever the gate says.")
    review: bool = Field(False, description="Let it wait, complete, until a person promotes it.")


class PromoteRequest(RequestModel):
    force: bool = Field(False, description="Promote it although the gate refuses.")


class Accepted(AnswerModel):
    run: str = Field(description="Its id, and that of the generation it makes.")
    status_url: str


class Erasing(AnswerModel):
    parameters: ClassVar[tuple[str, ...]] = (IDS,)

    user_id: AnyId
    job: str = Field(description="The job on the queue that erases.")


class Moved(AnswerModel):
    generation: str = Field(description="What is served now.")


class Released(AnswerModel):
    released: bool = Field(description="false when nothing was held.")


class GenerationState(AnswerModel):
    generation: str
    state: str = Field(description="scoring, complete, current, previous, failed or pruned.")
    reason: str = Field(description="Why it failed, or waits; empty when it does neither.")
    began_at: str
    completed_at: str | None
    promoted_at: str | None
    trained_at: str | None
    data_until: str | None
    n_users: int
    n_shards: int
    shards_recorded: int
    evaluation: dict[str, Any] | None = Field(description="Metrics on held-out interactions, if they were measured.")


class GenerationList(AnswerModel):
    generations: list[GenerationState] = Field(description="Newest first.")
    held_by: str | None = Field(description="Who holds promotions since a rollback, if someone does.")


class RunState(AnswerModel):
    run: str
    state: str = Field(description="queued, running, dispatched, failed or cancelled.")
    stage: str
    done: int
    total: int
    message: str = Field(description="Why it waits, or failed; of a failure its kind alone, without an admin key.")
    generation: GenerationState | None = Field(description="What the run has made so far.")


class AuditedChange(AnswerModel):
    at: str = Field(description="When, in UTC, by the clock of Redis.")
    by: str = Field(description="Who: the key's name and the request, of the API or a page; or user and host, of a command.")
    what: str = Field(description="promote, rollback, release, run, cancel, erase, items, publish, prune, restore.")
    before: str = Field(description="What was, for people.")
    after: str = Field(description="What is since.")
    run: str = Field(description="The run that was started, else empty.")


class AuditLog(AnswerModel):
    changes: list[AuditedChange] = Field(description="Newest first.")


class RunHistory(AnswerModel):
    runs: list[dict[str, Any]] = Field(
        description="Runs that made a generation, newest first: run, trained_at, data_until, source, settings (those that are not the "
        "default ones), n_users, n_items, n_interactions, seconds, k, split, model and popularity (measures), passed, because, warnings."
    )
