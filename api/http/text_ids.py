"""`ids=text` in a query: ids in the answer are strings, for JavaScript, whose numbers end to be exact at 2^53.

An answer is written once, as the interactions had the ids; this changes it afterwards, so that it costs those who ask for it alone.
"""

from __future__ import annotations

import re

from flask import Response, request

from api.http.problems import RequestError

PARAMETER = "ids"
TEXT_IDS = "larder.text_ids"  # in the environ of a request that wants them
_ID = re.compile(rb'(?<=[{,])("(?:user|item)_id":) ?(-?[0-9]+)(?=[,}])')  # a quote within a text is \", so that no text looks like this
_LIST = re.compile(rb'(?<=[{,])("unknown_items":) ?\[([-0-9, ]+)\]')


def are_wanted() -> bool:
    """Whether the current request asks for them; raises RequestError for another word than `text`."""
    given = request.args.getlist(PARAMETER)
    if given and given != ["text"]:
        raise RequestError("ids: must be text, once.")
    request.environ[TEXT_IDS] = bool(given)
    return bool(given)


def with_text_ids(answer: Response) -> Response:
    if answer.is_json or answer.mimetype == "application/problem+json":
        answer.set_data(spelled(answer.get_data()))
    return answer


def spelled(content: bytes) -> bytes:
    listed = _LIST.sub(lambda found: found[1] + b"[" + re.sub(rb"-?[0-9]+", rb'"\g<0>"', found[2]) + b"]", content)
    return _ID.sub(rb'\1"\2"', listed)
