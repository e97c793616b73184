"""`ids=text` in a query: ids in the answer are strings, for JavaScript, whose numbers end to be exact at 2^53.

An answer is written once, as the interactions had the ids; this changes it afterwards, so that it costs those who ask for it alone.
"""

from __future__ import annotations

import re

_ID = re.compile(rb'(?<=[{,])("(?:user|item)_id":) ?(-?[0-9]+)(?=[,}])')  # a quote within a text is \", so that no text looks like this
_LIST = re.compile(rb'(?<=[{,])("(?:unknown_items|user_ids)":) ?\[([-0-9, ]+)\]')


def with_text_ids(content: bytes) -> bytes:
    """A JSON answer with ids as strings."""
    listed = _LIST.sub(lambda found: found[1] + b"[" + re.sub(rb"-?[0-9]+", rb'"\g<0>"', found[2]) + b"]", content)
    return _ID.sub(rb'\1"\2"', listed)
