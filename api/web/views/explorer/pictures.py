"""Addresses of items' pictures, as far as a page may show them: of this host, or of an origin that LARDER_API_IMAGE_ORIGINS names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from api.lists.store import Store
from api.lists.view import View
from contract.formats.keys import Id

COLUMNS = ("image", "image_url", "picture", "poster", "cover", "thumbnail", "photo")


def pictures(store: Store, view: View, item_ids: Sequence[Id], origins: frozenset[str]) -> dict[Id, str]:
    """Of the items that have one, in the first of COLUMNS that is a text."""
    found = zip(item_ids, store.metadata(view, list(item_ids)), strict=True)
    return {item_id: address for item_id, raw in found if (address := picture_of(raw, origins))}


def picture_of(metadata: bytes, origins: frozenset[str]) -> str:
    """ "" for none, or one that the policy of the pages would not load."""
    known = json.loads(metadata)
    text = next((known[name] for name in COLUMNS if isinstance(known.get(name), str)), "") if isinstance(known, dict) else ""
    if text.startswith("/") and not text.startswith(("//", "/\\")):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if f"{parts.scheme}://{parts.netloc}".lower() in origins else ""
