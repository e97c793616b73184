"""For whom an item is: the users in whose lists it stands, those with the highest scores first."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from contract.errors import SettingsError
from contract.formats import payload
from contract.formats.ids import stored_id
from contract.formats.keys import Id
from contract.formats.manifest import IdType
from contract.store.generations import Generations
from trainer.export.export import read_lists
from trainer.export.files import FileTarget, nine_digits, write_lines

COLUMNS = ("item_id", "rank", "user_id", "score")


class Member(NamedTuple):
    score: float
    user_id: Id


class Audiences:
    """Takes all lists, and keeps of each item in question the `most` users with the highest scores; None: all of them."""

    def __init__(self, items: Iterable[Id], user_id_type: IdType, most: int | None) -> None:
        self._of: dict[Id, list[Member]] = {item: [] for item in items}
        self._as_user = int if user_id_type == "int" else str
        self._most = most
        self.n_users = 0

    def add(self, lists: Iterable[tuple[bytes, bytes]]) -> None:
        wanted, most = self._of.keys(), self._most
        for user, raw in lists:
            self.n_users += 1
            item_ids, scores = payload.decode(raw)
            if wanted.isdisjoint(item_ids):
                continue
            for item_id, score in zip(item_ids, scores, strict=True):
                if (members := self._of.get(item_id)) is not None:
                    members.append(Member(score, self._as_user(user.decode())))
                    if most and len(members) >= 2 * most:
                        members[:] = _best(members, most)

    def found(self) -> Iterator[tuple[Id, Sequence[Member]]]:
        """Each item with its users, the highest scores first; those of one score by their ids."""
        for item, members in self._of.items():
            yield item, _best(members, self._most or len(members))


def _best(members: Iterable[Member], n: int) -> list[Member]:
    return heapq.nsmallest(n, members, key=lambda member: (-member.score, member.user_id))


def export_users_for(
    generations: Generations, generation: str, target: FileTarget, items: Sequence[str], most: int | None, show: Callable[[int, int], None]
) -> dict[Id, int]:
    """Replace what is at `target` with the users for each of `items`; how many each has. An item that no list has, has none.

    A list is what is stored of it, deeper than what is shown. Raises GenerationError as `export`, and SettingsError for an id that no
    item of the generation can have, and for a form that is not CSV or JSON lines.
    """
    manifest = generations.manifest(generation)
    if target.form == "parquet":
        raise SettingsError("--users-for writes CSV or JSON lines")
    wanted = {text: stored_id(text, manifest.item_id_type) for text in dict.fromkeys(items)}
    if bad := [text for text, item in wanted.items() if item is None]:
        raise SettingsError(f"--users-for: {bad[0][:64]!r} can't be an item: ids of items are integers in generation {generation}")
    audiences = Audiences((item for item in wanted.values() if item is not None), manifest.user_id_type, most)
    target.check()
    read_lists(generations, manifest, audiences, show)
    found = dict(audiences.found())
    target.put(lambda file: _write_jsonl(found.items(), file) if target.form == "jsonl" else _write_csv(found.items(), file))
    return {item: len(members) for item, members in found.items()}


def _write_csv(found: Iterable[tuple[Id, Sequence[Member]]], file: BinaryIO) -> None:
    rows = ((item, rank, user, nine_digits(score)) for item, members in found for rank, (score, user) in enumerate(members, 1))
    write_lines(file, COLUMNS, rows)


def _write_jsonl(found: Iterable[tuple[Id, Sequence[Member]]], file: BinaryIO) -> None:
    for item, members in found:
        users, scores = [user for _, user in members], [float(nine_digits(score)) for score, _ in members]
        line = json.dumps({"item_id": item, "user_ids": users, "scores": scores}, ensure_ascii=False, separators=(",", ":"))
        file.write(line.encode() + b"\n")
