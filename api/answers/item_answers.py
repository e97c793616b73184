"""What answers about items share."""

from __future__ import annotations

from api.http.problems import RequestError
from contract.formats.manifest import Pointer


def need_similar(pointer: Pointer) -> None:
    if not pointer.similar_depth:
        raise RequestError("The current generation has no similar items; train with LARDER_SIMILAR_DEPTH.", 409, "No similar items")


def unknown_item() -> RequestError:
    return RequestError("The current generation has no such item.", 404, "Item not found")
