"""From a request's bytes to a validated model. Whatever is wrong with them becomes a RequestError that says what."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from flask import request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import MAX_BODY_BYTES, RequestError
from contract.keys import Id

MAX_ID_BYTES = 512
_SHOWN_ERRORS = 3
_SHOWN_CHARACTERS = 64  # of what a client sent, in an error
_INTEGER = re.compile(r"-?[0-9]{1,64}")
_TOO_LONG = 10**MAX_ID_BYTES  # an integer from here on has more digits than that

M = TypeVar("M", bound="RequestModel")


def _external_id(value: object) -> Id:
    if isinstance(value, int) and not isinstance(value, bool) and -_TOO_LONG < value < _TOO_LONG:
        return value
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_BYTES:
        with suppress(UnicodeEncodeError):  # half a surrogate pair
            if len(value.encode()) <= MAX_ID_BYTES:
                return value
    raise PydanticCustomError("external_id", "must be an integer or a string of 1 to {limit} bytes", {"limit": MAX_ID_BYTES})


ExternalId = Annotated[int | str, PlainValidator(_external_id, json_schema_input_type=int | str)]


class RequestModel(BaseModel):
    """Strict: nothing is coerced, no unknown field is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def parse(model: type[M], fields: Mapping[str, object]) -> M:
    """`fields` as `model`; raises RequestError that names the fields that are wrong, and the nearest known to an unknown one."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:_SHOWN_ERRORS]
        raise RequestError("; ".join(_explain(model, item) for item in found) + ".") from None


def _explain(model: type[BaseModel], item: Any) -> str:
    if not item["loc"]:
        return "a field has a name that is not text"  # half a surrogate pair, which JSON can spell
    name = str(item["loc"][0])
    kind = item["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        shown = name[:_SHOWN_CHARACTERS]
        near = difflib.get_close_matches(shown, model.model_fields, n=1, cutoff=0)
        return f"{json.dumps(shown)} is not a field; the nearest is {json.dumps(near[0])}"
    if kind == "missing":
        return f"{name} is missing"
    message = str(item["msg"])
    return f"{name}: {message[:1].lower()}{message[1:]}"


def json_object() -> dict[str, object]:
    """The body of the current request, which must be one JSON object in UTF-8; raises RequestError."""
    try:
        body = request.get_data(cache=False)
    except (ParseException, OSError):
        raise RequestError("The body could not be read to its end.") from None
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if not body:
        raise RequestError('There is no body; send a JSON object like {"user_id": 54}.')
    media_type = request.mimetype
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise RequestError("Send the body as application/json.", 415, "Unsupported media type")
    try:
        value = json.loads(body.decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise RequestError("The body is not UTF-8.") from None
    except RecursionError:
        raise RequestError("The body is nested too deeply.") from None
    except ValueError as error:  # of json itself, and of integers with thousands of digits
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise RequestError(f"The body is not JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise RequestError('The body must be a JSON object like {"user_id": 54}.')
    return value


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RequestError("A field stands in the body twice.")
    return found


def _no_constant(name: str) -> object:
    raise RequestError(f"The body is not JSON: it has no {name}.")


def query_fields(integers: Collection[str], lists: Collection[str]) -> dict[str, object]:
    """The query of the current request: `integers` as such, `lists` cut at commas. One that stands twice is refused."""
    found: dict[str, object] = {}
    for name, values in request.args.lists():
        text = values[0]
        if len(values) > 1:
            raise RequestError(f"{json.dumps(name[:_SHOWN_CHARACTERS])} stands in the query twice.")
        if name in integers and _INTEGER.fullmatch(text):
            found[name] = int(text)
        else:
            found[name] = text.split(",") if name in lists else text
    return found
