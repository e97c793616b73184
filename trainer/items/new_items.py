"""Items that nobody has met yet: they enter the catalogue of a run, so that they have similar items and can be listed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from contract.errors import DataError
from contract.formats.ids import id_type_of
from contract.formats.keys import Id
from contract.settings.settings import ModelSettings, SourceSettings
from trainer.interactions.dislikes import Pairs
from trainer.interactions.interactions import Interactions
from trainer.items.features import features_of
from trainer.items.items import Items
from trainer.items.revision import snapshot_of

log = logging.getLogger("larder.trainer")


def with_content(interactions: Interactions, items: Items | None, model: ModelSettings) -> Interactions:
    """The interactions with what is known of their items, and with the items that only the table names; as they are where that is off.

    Raises DataError where nothing is known of any item.
    """
    if not model.new_items:
        return interactions
    if items is None or not items.n_items:
        raise DataError("new_items asks for what is known of items, and nothing is: name a file of items by LARDER_ITEMS")
    ids, places = _all_ids(interactions.item_ids, items)
    content = features_of(items, [str(item_id) for item_id in ids], model.content_names)
    if not (content.terms.n_pairs or content.vectors.any()):
        raise DataError(
            f"{items.source} says nothing of any item that new_items could use: it needs categories or titles, or name columns with "
            "--content-columns"
        )
    log.info("%s: %s items that nobody has met yet enter the catalogue", items.source, f"{len(ids) - len(interactions.item_ids):,}")
    disliked = interactions.disliked
    return replace(
        interactions,
        item_ids=ids,
        item_idx=places[interactions.item_idx],
        disliked=disliked and Pairs(disliked.user, places[disliked.item]),
        content=content,
    )


def known_beside(interactions: Interactions, brought: pl.DataFrame | None, source: SourceSettings, model: ModelSettings) -> Interactions:
    """`with_content`, of the items that a run with this source would read: for who measures what a run would fit, and is none.

    `brought`: the items that came with the interactions.
    """
    if not model.new_items:
        return interactions
    return with_content(interactions, snapshot_of(source, brought, model, id_type_of(interactions.item_ids)).items, model)


def _all_ids(met: Sequence[Id], items: Items) -> tuple[list[Id], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """All ids in their order, and the places in it of those that were met. Where these are integers, what is none is left out."""
    texts = items.frame["item"].to_list()
    known = set(met)
    if isinstance(met[0], str):
        ids: list[Id] = sorted({*known, *texts})
    else:
        ids = sorted({*known, *(number for text in texts if (number := _integer(text)) is not None)})
    place = {item_id: at for at, item_id in enumerate(ids)}
    return ids, np.array([place[item_id] for item_id in met], np.int32)


def _integer(text: str) -> int | None:
    """The integer that this text spells in its canonical form, in 64 bits."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if str(number) == text and -(2**63) <= number < 2**63 else None
