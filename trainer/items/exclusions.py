"""What is never recommended: unavailable items, and those that settings exclude."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from pathlib import Path

from contract.errors import DataError
from contract.settings.settings import ModelSettings
from contract.store.item_revisions import MAX_UNAVAILABLE
from contract.text import words
from trainer.items.items import Items

FILE_SUFFIXES = (".txt", ".csv", ".lst")

log = logging.getLogger("larder.trainer")


def excluded_ids(setting: str) -> frozenset[str]:
    """The ids of `exclude_items`. Raises DataError for a file that can't be read."""
    if "/" not in setting and not setting.endswith(FILE_SUFFIXES):
        return frozenset(words(setting))
    try:
        lines = Path(setting).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DataError(f"the file of excluded items {setting} can't be read: {reason}") from None
    return frozenset(line.strip() for line in lines if line.strip())


def unavailable_ids(items: Items, model: ModelSettings) -> frozenset[str]:
    """Ids of what is in no answer: marked unavailable, excluded, or of an excluded category. Raises DataError where these are too many."""
    found = frozenset(items.unavailable()) | excluded_ids(model.exclude_items)
    if model.excluded_categories:
        check_categories(items, model.excluded_categories, "exclude_categories")
        found |= frozenset(items.in_categories(model.excluded_categories))
    if len(found) > MAX_UNAVAILABLE:
        raise DataError(
            f"{items.source}: {len(found):,} items are not available, and the API holds up to {MAX_UNAVAILABLE:,} of them in memory: "
            "leave items that are gone for good out of the interactions, and out of this list"
        )
    return found


def check_categories(items: Items, named: Iterable[str], setting: str) -> None:
    """Raise DataError where no item has a category at all; warn of a name that no item has, which may be one that is empty today."""
    known = items.category_names()
    if not known:
        raise DataError(f"{setting} names categories, and no item has one: name a file with a column of categories by LARDER_ITEMS")
    for name in sorted(set(named) - known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        log.warning("%s names the category %r, which no item has; the nearest is %r", setting, name, near[0])
