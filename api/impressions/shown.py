"""What an answer showed, told by the answer itself: whatever wrote it, and whatever it was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.http.answer_models import ARM, GENERATION
from contract.formats.events import Impression

ROUTES = frozenset({"/recommendations", "/users/<user_id>/recommendations", "/recommendations/batch"})
"""Those of answers with users' lists. Lists of nobody, and a visitor's, belong to no user."""


def shown(request_id: str, time_ms: int, body: bytes) -> list[Impression]:
    """A user's list, or those of a batch; none of a list that is empty, of which nothing was shown."""
    answer: dict[str, Any] = json.loads(body)
    found = []
    for one in answer.get("results", [answer]):
        if items := one.get("items"):
            ids, ranks = [item["item_id"] for item in items], [item["rank"] for item in items]
            told = one["user_id"], _of(one, answer, GENERATION), _of(one, answer, ARM), one["source"]  # the arm is read here alone
            found.append(Impression(request_id, time_ms, *told, ids, ranks))
    return found


def _of(one: Mapping[str, Any], answer: Mapping[str, Any], name: str) -> str:
    """A member of a batch's own result, else of the whole answer."""
    return str(one.get(name) or answer.get(name) or "")
