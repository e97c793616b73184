"""Models of what others send: strict, and with words for what is wrong."""

from __future__ import annotations

import difflib
import json
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from contract.formats.keys import Id

MAX_ID_LENGTH = 512
_TOO_LONG = 10**MAX_ID_LENGTH  # an integer from here on has more digits than that
_SHOWN_ERRORS = 3
_SHOWN_CHARACTERS = 64  # of what somebody sent, in an error


def _external_id(value: object) -> Id:
    if isinstance(value, int) and not isinstance(value, bool) and -_TOO_LONG < value < _TOO_LONG:
        return value
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH and (value.isascii() or is_text(value)):
        return value
    raise PydanticCustomError("external_id", "must be an integer or a string of 1 to {limit} characters", {"limit": MAX_ID_LENGTH})


def is_text(value: str) -> bool:
    """Whether UTF-8 can spell `value`: JSON can spell half a surrogate pair, too."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_IdText = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
ExternalId = Annotated[int | str, PlainValidator(_external_id, json_schema_input_type=int | _IdText)]


class RequestModel(BaseModel):
    """Strict: nothing is coerced, no unknown field is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def what_is_wrong(model: type[BaseModel], error: ValidationError) -> str:
    """The fields that are wrong, and the nearest known to an unknown one: nothing of their values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:_SHOWN_ERRORS]
    return "; ".join(_explain(model, item) for item in found) + "."


def _explain(model: type[BaseModel], item: Any) -> str:
    *parents, name = item["loc"] or ("\ud800",)
    if not is_text(str(name)):
        return "a field has a name that is not text"  # half a surrogate pair, which JSON can spell
    path = ".".join(str(part)[:_SHOWN_CHARACTERS] for part in item["loc"])
    kind = item["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        near = difflib.get_close_matches(str(name)[:_SHOWN_CHARACTERS].lower(), _fields_at(model, parents), n=1, cutoff=0)
        nearest = f"; the nearest is {json.dumps(near[0])}" if near else ", and there is none"
        return f"{json.dumps(path)} is not a field{nearest}"
    if kind == "missing":
        return f"{path} is missing"
    message = str(item["msg"])
    return f"{path}: {message[:1].lower()}{message[1:]}"


def _fields_at(model: type[BaseModel], parents: list[str | int]) -> list[str]:
    """The fields of the model that stands at `parents` within `model`."""
    for parent in parents:
        if isinstance(parent, str):
            inner = [part for part in _parts(model.model_fields[parent].annotation) if issubclass(part, BaseModel)]
            model = inner[0]
    return list(model.model_fields)


def _parts(annotation: Any) -> list[type]:
    """All classes in an annotation."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]
