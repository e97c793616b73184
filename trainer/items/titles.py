"""The index by which the API finds items: words of titles, and categories (contract/formats/titles.py)."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from contract.artifacts.artifact import Artifact, open_artifact
from contract.errors import ArtifactError
from contract.formats.columns import Words
from contract.formats.ids import stored_id
from contract.formats.packed import Array as Packed
from contract.formats.titles import NO_WORDS, Titles, words_of
from contract.settings.settings import Settings
from engine.arrays import Array
from trainer.items.items import Items
from trainer.items.revision import ItemsSnapshot

log = logging.getLogger("larder.trainer")


def with_titles(snapshot: ItemsSnapshot, settings: Settings, generation: str) -> ItemsSnapshot:
    """`stock` with the index of its items, if there are some and it is wanted. `generation`: whose users make them popular; "": none."""
    if snapshot.items is None or not settings.find_items:
        return snapshot
    try:
        met = _met(open_artifact(settings.artifacts, generation)) if generation else {}
    except ArtifactError as error:
        log.warning("items are found in the order of their table, for it can't be told which are popular: %s", error)
        met = {}
    encoded = titles_of(snapshot.items, met).encoded()
    n_bytes = sum(map(len, encoded.values()))
    log.info(
        "%s items can be found by their titles: %.1f MiB in each process of the API that is asked", snapshot.items.n_items, n_bytes / 2**20
    )
    return replace(snapshot, titles=encoded)


def _met(artifact: Artifact) -> dict[str, int]:
    """How many users have met each item. Rows of erased users hold zeros."""
    counts = np.bincount(artifact["indices"], minlength=artifact.manifest.n_items)
    indptr = artifact["indptr"]
    counts[0] -= sum(int(indptr[at + 1] - indptr[at]) for at in artifact.manifest.erased)
    return dict(zip(map(str, artifact.ids("item_ids")), counts.tolist(), strict=True))


def titles_of(items: Items, met: Mapping[str, int]) -> Titles:
    """`met`: users of an item. Those that as many have met stay in the order of the table."""
    ids: list[str] = items.frame["item"].to_list()
    order = np.argsort(-np.array([met.get(item_id, 0) for item_id in ids], np.int64), kind="stable")
    frame = items.frame[order]
    ids = frame["item"].to_list()
    vocabulary, starts, numbers = _numbered(frame["title"].to_list() if "title" in frame.columns else [None] * len(ids))
    posting_starts, postings = _postings(numbers, np.repeat(np.arange(len(ids)), np.diff(starts)), len(vocabulary))
    categories, category_starts, category_rows = _categories(frame["categories"])
    as_numbers = [stored_id(item_id, "int") for item_id in ids]
    are_numbers = all(number is not None for number in as_numbers)
    return Titles(
        numbers=array("q", as_numbers if are_numbers else ()),
        texts=NO_WORDS if are_numbers else Words.of(ids),
        words=Words.of(vocabulary),
        title_starts=_packed(starts),
        title_words=_packed(numbers),
        posting_starts=_packed(posting_starts),
        postings=_packed(postings),
        order=_packed(_by_words(starts, numbers)),
        categories=Words.of(categories),
        category_starts=_packed(category_starts),
        category_rows=_packed(category_rows),
    )


def _numbered(titles: Sequence[str | None]) -> tuple[list[str], Array, Array]:
    """All words, sorted; where those of each title begin, and their numbers. No word is held more than once."""
    seen: dict[str, int] = {}
    flat, lengths = array("I"), array("I")
    for title in titles:
        words = words_of(title) if title else ()
        flat.extend([seen.setdefault(word, len(seen)) for word in words])
        lengths.append(len(words))
    vocabulary = sorted(seen)
    number_of = np.empty(len(seen), np.uint32)
    number_of[np.fromiter((seen[word] for word in vocabulary), np.int64, len(seen))] = np.arange(len(seen))
    return vocabulary, _starts(np.frombuffer(lengths, np.uint32)), number_of[np.frombuffer(flat, np.uint32)]


def _by_words(starts: Array, numbers: Array) -> Array:
    """Rows that have a title, in the order of its words; those of one title in their own."""
    lengths = np.diff(starts)
    rows = np.flatnonzero(lengths)
    if not rows.size:
        return rows
    places = np.arange(int(lengths.max()))
    padded = np.zeros((rows.size, places.size), np.uint32)  # 0 is no word, and comes first
    padded[places < lengths[rows, None]] = numbers + 1
    return rows[np.lexsort(padded.T[::-1])]


def _categories(column: pl.Series) -> tuple[list[str], Array, Array]:
    """Names, sorted, and the rows of each."""
    each = pl.DataFrame({"name": column}).with_row_index("row").explode("name").drop_nulls()
    names: list[str] = sorted(each["name"].unique().to_list())
    number_of = {name: at for at, name in enumerate(names)}
    numbers = np.fromiter((number_of[name] for name in each["name"].to_list()), np.uint32, each.height)
    return names, *_postings(numbers, each["row"].to_numpy(), len(names))


def _postings(numbers: Array, rows: Array, n: int) -> tuple[Array, Array]:
    """Where the rows of each number begin, and these rows, rising, each once."""
    pairs = np.unique(numbers.astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64))
    return _starts(np.bincount((pairs >> np.uint64(32)).astype(np.int64), minlength=n)), pairs & np.uint64(0xFFFFFFFF)


def _starts(lengths: Sequence[int] | Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(lengths, np.int64))])


def _packed(values: Array) -> Packed:
    return array("I", values.astype(np.uint32).tobytes())
