"""From a request's bytes to a validated model. Whatever is wrong with them becomes a RequestError that says what."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from flask import request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from api.http.problems import MAX_BODY_BYTES, RequestError
from contract.formats.incoming.strict import RequestModel, what_is_wrong

UNFINISHED = "The body could not be read to its end."
SHARED = "larder.shared_parameters"  # in the environ: names in the query that are read elsewhere (api/routes/viewing.py)
_SHOWN_CHARACTERS = 64  # of what a client sent, in an error
_INTEGER = re.compile(r"-?[0-9]{1,64}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}

M = TypeVar("M", bound=RequestModel)


def parse(model: type[M], fields: Mapping[str, object]) -> M:
    """`fields` as `model`; raises RequestError that names the fields that are wrong, and the nearest known to an unknown one."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise RequestError(what_is_wrong(model, error)) from None


def json_body(model: type[M], *, optional: bool = False) -> M:
    """The body of the current request as `model`; without one, where it is optional, the defaults."""
    return parse(model, _json_object(optional))


def _json_object(optional: bool) -> dict[str, object]:
    environ = request.environ
    if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    try:
        # One byte more than is allowed: of a chunked body, that byte tells that there was more. gunicorn's stream ends with the body.
        body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    except (ParseException, OSError):
        raise RequestError(UNFINISHED) from None
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if len(body) < int(environ.get("CONTENT_LENGTH") or 0):  # the client has gone, or is done before it has sent what it announced
        raise RequestError(UNFINISHED)
    if not body:
        if optional:
            return {}
        raise RequestError('There is no body; send a JSON object like {"user_id": 54}.')
    content_type = environ.get("CONTENT_TYPE")
    if content_type and content_type != "application/json":
        media_type = request.mimetype
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise RequestError("Send the body as application/json.", 415, "Unsupported media type")
    try:
        value = _DECODER.decode(body.decode())
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


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def query(model: type[M]) -> M:
    """The query of the current request as `model`. A parameter that stands twice is refused, unless it is a list."""
    return parse(model, query_fields(model))


def query_fields(model: type[RequestModel]) -> dict[str, object]:
    """The query's parameters, as the fields of `model` need them: integers and booleans as such, lists cut at commas."""
    kinds, found, shared = _kinds(model), {}, request.environ.get(SHARED, ())
    for name, values in request.args.lists() if request.query_string else ():
        if name in shared:
            continue
        kind = kinds.get(name, str)
        if len(values) > 1 and kind is not list:
            raise RequestError(f"{json.dumps(name[:_SHOWN_CHARACTERS])} stands in the query twice.")
        found[name] = _read(",".join(values), kind)
    return found


def _read(text: str, kind: type) -> object:
    if kind is list:
        return text.split(",") if text else []
    if kind is bool:
        return _BOOLEANS.get(text, text)
    return int(text) if kind is int and _INTEGER.fullmatch(text) else text


@lru_cache(maxsize=64)
def _kinds(model: type[RequestModel]) -> dict[str, type]:
    """What each field is made of in a query: an integer, a boolean or a list. All else, ids too, is text."""
    return {name: _kind(field.annotation) for name, field in model.model_fields.items()}


def _kind(annotation: Any) -> type:
    inner = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is list:
        return list
    inner = [get_args(part)[0] if get_origin(part) is Annotated else part for part in inner]
    found: object = inner[0] if get_origin(annotation) in (Union, types.UnionType) and len(inner) == 1 else annotation
    return int if found is int else bool if found is bool else str
